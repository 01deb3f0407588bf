//! Backup, restore, deletion, collection, verification over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::{
    BackupError, Env, GraveError, OpenError, Repository, RestoreError, Sharing, VerifyLevel,
    VerifyOptions,
};

use crate::world::{World, disk, run};

#[test]
fn restore_gives_back_every_byte() {
    let world = World::new();
    let mut first = disk(1, 700);
    first[5 << 20..9 << 20].fill(0);
    let second = disk(2, 3)[..150_001].to_vec();
    let (id, manifest) = world.backup(&[("root", &first), ("data", &second)], &[]);
    assert_eq!(manifest.disks.len(), 2);
    assert_eq!(world.restore(id, "root").unwrap(), first);
    assert_eq!(world.restore(id, "data").unwrap(), second);
    assert!(matches!(world.restore(id, "none"), Err(RestoreError::NoDisk { .. })));
}

#[test]
fn increment_stores_only_what_changed() {
    let world = World::new();
    let mut bytes = disk(1, 600);
    let (parent, full) = world.backup(&[("root", &bytes)], &[]);
    bytes[300 << 16] ^= 1;
    let (id, increment) = world.backup(&[("root", &bytes)], &[parent]);
    assert_eq!(increment.cost.new, 1 << 16);
    assert!(increment.cost.stored < 80_000, "{}", increment.cost.stored);
    assert!(full.cost.new > 30 << 20);
    assert_eq!(world.restore(id, "root").unwrap(), bytes);
    let (_, same) = world.backup(&[("root", &bytes)], &[id]);
    assert_eq!((same.cost.new, same.cost.stored), (0, 0));
    // Without a parent the index finds the same content.
    let (_, copy) = world.backup(&[("other", &bytes)], &[]);
    assert_eq!((copy.cost.new, copy.cost.stored), (0, 0));
}

// proves: REPO-18
#[test]
fn delete_and_collect_free_the_bytes() {
    let world = World::new();
    let (keep, _) = world.backup(&[("root", &disk(1, 300))], &[]);
    let (gone, _) = world.backup(&[("root", &disk(2, 300))], &[]);
    let before = run(world.repo.stat()).unwrap();
    assert_eq!(before.used + before.reclaimable + before.overhead, before.stored);
    run(world.repo.delete(gone)).unwrap();
    assert!(matches!(world.restore(gone, "root"), Err(RestoreError::Absent { .. })));
    let deleted = run(world.repo.stat()).unwrap();
    assert!(deleted.used < before.used * 6 / 10 && deleted.reclaimable > before.used * 4 / 10);
    let report = world.collect_at_once();
    assert_eq!(report.manifests, [gone]);
    let after = run(world.repo.stat()).unwrap();
    assert_eq!(after.used + after.reclaimable + after.overhead, after.stored);
    assert!(after.stored < before.stored * 6 / 10, "{after:?}");
    assert_eq!(world.restore(keep, "root").unwrap(), disk(1, 300));
    assert!(matches!(run(world.repo.delete(gone)), Err(GraveError::Absent { .. })));
}

// proves: REPO-16
#[test]
fn collect_moves_what_is_still_needed() {
    let world = World::new();
    let mut bytes = disk(1, 512);
    let (old, _) = world.backup(&[("root", &bytes)], &[]);
    // Most of the old backup's content goes; a little of each pack stays in use.
    let fresh = disk(2, 512);
    for (n, unit) in bytes.chunks_mut(1 << 16).enumerate() {
        if n % 9 != 0 {
            unit.copy_from_slice(&fresh[n << 16..(n + 1) << 16]);
        }
    }
    let (new, _) = world.backup(&[("root", &bytes)], &[old]);
    run(world.repo.delete(old)).unwrap();
    let report = world.collect_at_once();
    assert!(report.packs > 0 && report.moved_bytes > 0, "{report:?}");
    assert!(report.moved_bytes < report.removed_bytes);
    assert_eq!(world.restore(new, "root").unwrap(), bytes);
    let verified = run(world.repo.verify(&VerifyOptions::default())).unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    let (_, again) = world.backup(&[("root", &bytes)], &[]);
    assert_eq!(again.cost.new, 0);
}

#[test]
fn undelete_brings_a_backup_back_until_it_is_collected() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 100))], &[]);
    assert!(matches!(run(world.repo.undelete(id)), Err(GraveError::NotDeleted { .. })));
    for _ in 0..3 {
        run(world.repo.delete(id)).unwrap();
        run(world.repo.undelete(id)).unwrap();
        assert_eq!(world.restore(id, "root").unwrap(), disk(1, 100));
    }
    run(world.repo.delete(id)).unwrap();
    world.collect_at_once();
    let gone = run(world.repo.undelete(id));
    assert!(matches!(gone, Err(GraveError::TooLate { .. })), "{gone:?}");
}

#[test]
fn grave_waits_for_its_delay() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 10))], &[]);
    run(world.repo.delete(id)).unwrap();
    let options = strongroom_repo::CollectOptions::default();
    let report = run(world.repo.collect(&options)).unwrap();
    assert_eq!((report.waiting, report.packs), (1, 0));
    world.clock.advance(Duration::from_hours(25));
    let report = run(world.repo.collect(&options)).unwrap();
    assert_eq!(report.manifests, [id]);
}

// proves: REPO-15
#[test]
fn hold_forbids_deletion_until_its_date() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 10))], &[]);
    let until = strongroom_base::Clock::now(&*world.clock).plus(Duration::from_hours(1));
    run(world.repo.hold(id, until, "test")).unwrap();
    assert!(matches!(run(world.repo.delete(id)), Err(GraveError::Held { .. })));
    world.clock.advance(Duration::from_secs(3601));
    run(world.repo.delete(id)).unwrap();
    assert!(matches!(run(world.repo.hold(id, until, "test")), Err(GraveError::Absent { .. })));
}

#[test]
fn condemned_sets_and_old_sessions_are_swept() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 10))], &[]);
    run(world.repo.delete(id)).unwrap();
    world.collect_at_once();
    assert_eq!(world.store.keys("condemned/").len(), 1);
    world.clock.advance(Duration::from_hours(8 * 24));
    world.collect_at_once();
    world.clock.advance(Duration::from_hours(8 * 24));
    world.collect_at_once();
    for prefix in ["condemned/", "done/", "pack/", "index/", "manifest/"] {
        assert!(world.store.keys(prefix).is_empty(), "{prefix}");
    }
    // Only the last collector's announcement and end are left, and the grave for ever.
    assert!(world.store.keys("session/").len() <= 1);
    assert_eq!(world.store.keys("grave/").len(), 1);
}

#[test]
fn dry_run_changes_nothing() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 10))], &[]);
    run(world.repo.delete(id)).unwrap();
    let packs = world.store.keys("pack/");
    let options = strongroom_repo::CollectOptions {
        grave_delay: Duration::ZERO,
        dry_run: true,
        ..strongroom_repo::CollectOptions::default()
    };
    let report = run(world.repo.collect(&options)).unwrap();
    assert_eq!(report.packs, packs.len() as u64);
    assert_eq!(world.store.keys("pack/"), packs);
    assert!(world.store.keys("condemned/").is_empty());
}

#[test]
fn diff_names_the_changed_units() {
    let world = World::new();
    let mut bytes = disk(1, 600);
    let (old, _) = world.backup(&[("root", &bytes)], &[]);
    bytes[0] ^= 1;
    bytes[100 << 16..103 << 16].fill(0);
    bytes.truncate((599 << 16) + 5);
    let (new, _) = world.backup(&[("root", &bytes)], &[old]);
    let diff = run(async {
        let old = world.repo.read_backup(old).await.unwrap();
        let new = world.repo.read_backup(new).await.unwrap();
        old.diff(&new, "root").await.unwrap()
    });
    let ranges: Vec<_> =
        diff.changed.iter().map(|range| (range.start >> 16, range.len())).collect();
    assert_eq!(ranges, [(0, 1 << 16), (100, 3 << 16), (599, 1 << 16)]);
}

#[test]
fn open_tells_what_is_wrong() {
    let world = World::new();
    let env = || world.repo.env().clone();
    let wrong = strongroom_base::Secret::new([7; 32]);
    assert!(matches!(run(Repository::open(env(), &wrong)), Err(OpenError::WrongKey { .. })));
    assert!(matches!(run(Repository::init(env(), &wrong)), Err(OpenError::Exists { .. })));
    run(world.repo.add_slot(&world.key, &wrong)).unwrap();
    assert!(run(Repository::open(env(), &wrong)).is_ok());
    let slots = run(world.repo.slots()).unwrap();
    assert_eq!(slots.len(), 2);
    run(world.repo.remove_slot(&slots[0])).unwrap();
    assert!(matches!(run(world.repo.remove_slot(&slots[1])), Err(OpenError::LastSlot { .. })));
}

#[test]
fn backup_of_a_bad_source_leaves_nothing_visible() {
    use strongroom_base::block::testing::MemorySource;
    use strongroom_repo::{DiskInput, NewBackup};
    let world = World::new();
    let (good, _) = world.backup(&[("root", &disk(1, 200))], &[]);
    let bad = |source: MemorySource| {
        let input = DiskInput { name: "root".into(), source: std::sync::Arc::new(source) };
        run(world.repo.backup(NewBackup::of(vec![input], vec![good])))
    };
    for source in [
        MemorySource::new(disk(3, 200)).failing_at(5 << 20),
        MemorySource::new(disk(3, 200)).shrinking_at(7 << 20),
        MemorySource::new(disk(3, 200)).changed(),
    ] {
        assert!(matches!(bad(source), Err(BackupError::Source { .. })));
    }
    let catalog = run(world.repo.catalog()).unwrap();
    assert_eq!(catalog.backups.len(), 1);
    assert_eq!(world.restore(good, "root").unwrap(), disk(1, 200));
    // What the failed ones sent is used by the next, and collected if nobody does.
    world.collect_at_once();
    assert_eq!(world.restore(good, "root").unwrap(), disk(1, 200));
}

#[test]
fn verify_levels_find_a_flipped_bit() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 100))], &[]);
    let pack = world.store.keys("pack/")[0].clone();
    let mut bytes = world.store.raw(&pack).unwrap().to_vec();
    bytes[100_000] ^= 1;
    world.store.overwrite(&pack, bytes.into());
    let verify = |level| {
        let options = VerifyOptions { level, ..VerifyOptions::default() };
        run(world.repo.verify(&options)).unwrap()
    };
    assert!(verify(VerifyLevel::Structure).is_sound());
    let report = verify(VerifyLevel::Authenticate);
    assert_eq!(report.damaged[0].key, pack);
    assert_eq!(report.affected[0].id, id);
    // The next backup of the same content uploads it again and heals the old one.
    let (again, manifest) = world.backup(&[("root", &disk(1, 100))], &[id]);
    assert!(manifest.cost.new > 0);
    assert_eq!(world.restore(again, "root").unwrap(), disk(1, 100));
    assert_eq!(world.restore(id, "root").unwrap(), disk(1, 100));
}

/// A step of the random model.
#[derive(Debug, Clone)]
enum Step {
    Backup { parent: usize, change: u64 },
    Delete(usize),
    Undelete(usize),
    Collect { hours: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..8, any::<u64>()).prop_map(|(parent, change)| Step::Backup { parent, change }),
        2 => (0_usize..8).prop_map(Step::Delete),
        1 => (0_usize..8).prop_map(Step::Undelete),
        2 => (0_u64..200).prop_map(|hours| Step::Collect { hours }),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_backup_that_is_not_deleted_restores(steps in steps()) {
        let world = World::new();
        let mut model: Vec<(strongroom_base::ids::ManifestId, Vec<u8>, bool)> = Vec::new();
        let mut current = disk(0, 40);
        for step in steps {
            match step {
                Step::Backup { parent, change } => {
                    let fill = disk(change % 5, 40);
                    for n in 0..8 {
                        let unit = usize::try_from(change >> (n * 6)).unwrap() % 40;
                        current[unit << 16..(unit + 1) << 16]
                            .copy_from_slice(&fill[unit << 16..(unit + 1) << 16]);
                    }
                    let parents: Vec<_> = model.get(parent).map(|(id, ..)| *id).into_iter().collect();
                    let (id, _) = world.backup(&[("root", &current)], &parents);
                    model.push((id, current.clone(), false));
                }
                Step::Delete(n) => {
                    if let Some((id, _, deleted)) = model.get_mut(n) {
                        prop_assert_eq!(run(world.repo.delete(*id)).is_ok(), !*deleted);
                        *deleted = true;
                    }
                }
                Step::Undelete(n) => {
                    if let Some((id, _, deleted)) = model.get_mut(n)
                        && run(world.repo.undelete(*id)).is_ok()
                    {
                        prop_assert!(*deleted);
                        *deleted = false;
                    }
                }
                Step::Collect { hours } => {
                    world.clock.advance(Duration::from_hours(hours));
                    run(world.repo.collect(&strongroom_repo::CollectOptions::default())).unwrap();
                }
            }
            for (id, bytes, deleted) in &model {
                match world.restore(*id, "root") {
                    Ok(restored) => prop_assert!(!deleted && restored == *bytes),
                    Err(error) => prop_assert!(*deleted, "{error}"),
                }
            }
        }
        let verified = run(world.repo.verify(&VerifyOptions::default())).unwrap();
        prop_assert!(verified.is_sound());
        let stat = run(world.repo.stat()).unwrap();
        prop_assert_eq!(stat.used + stat.reclaimable + stat.overhead, stat.stored);
    }
}

#[test]
fn repository_remembers_that_its_store_decides_no_races() {
    let world = World::new();
    assert_eq!(world.repo.sharing(), Sharing::Many);
    let store = MemoryStore::new(world.clock.clone());
    let env = Env { store: Arc::new(store), ..world.repo.env().clone() };
    run(Repository::init_for(env.clone(), &world.key, Sharing::One)).unwrap();
    assert_eq!(run(Repository::open(env, &world.key)).unwrap().sharing(), Sharing::One);
}
