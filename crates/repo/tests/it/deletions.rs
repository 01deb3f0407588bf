//! What says that a backup is deleted: that it is authentic, and that it does not pile up.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_base::{Clock as _, ErrorClass};
use strongroom_repo::object::ObjectKey;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::{CollectOptions, VerifyOptions};

use crate::invariants::{
    DAY, at_once, before_create, check_whole, collect, condemn_and_die, faulty, over,
};
use crate::world::{World, disk, run};

/// An object that somebody put there who has no keys of the repository.
fn forge(store: &MemoryStore, key: &str) {
    store.overwrite(&ObjectKey::parse(key).unwrap(), Bytes::from_static(b"forged"));
}

// proves: REPO-19
#[test]
fn forged_grave_neither_hides_nor_deletes() {
    let world = World::new();
    let bytes = disk(1, 20);
    let (id, _) = world.backup(&[("root", &bytes)], &[]);
    let grave = format!("grave/{id}-00000000");
    let store = world.store.fork();
    forge(&store, &grave);
    let forged = over(&world, &store, Arc::new(store.clone()));
    assert_eq!(forged.restore(id, "root").unwrap(), bytes);
    let catalog = run(forged.repo.catalog()).unwrap();
    assert!(catalog.backups[0].deleted.is_none());
    assert_eq!(catalog.damaged.iter().map(ObjectKey::as_str).collect::<Vec<_>>(), [&grave]);
    // Nobody decides anything on a state that nobody knows.
    let until = world.clock.now().plus(DAY);
    for refused in [
        run(forged.repo.delete(id)),
        run(forged.repo.undelete(id)).map(drop),
        run(forged.repo.hold(id, until, "test")),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Corruption, "{error}");
    }
    assert!(store.keys("hold/").is_empty());
    assert_eq!(collect(&forged.repo).unwrap_err().class(), ErrorClass::Corruption);
    // A writer does without such a parent.
    let (next, manifest) = forged.backup(&[("root", &bytes)], &[id]);
    assert!(manifest.parents.is_empty());
    assert_eq!(forged.restore(next, "root").unwrap(), bytes);
    store.remove(&ObjectKey::parse(&grave).unwrap());
    collect(&forged.repo).unwrap();
    assert_eq!(check_whole(&forged, &[bytes], "without the forgery"), 2);
}

// proves: REPO-19
#[test]
fn damaged_grave_or_ungrave_resurrects_nothing_unseen() {
    for (is_accepted, damaged) in [(false, "grave/"), (false, "ungrave/"), (true, "ungrave/")] {
        let world = World::new();
        let bytes = disk(1, 20);
        let (id, _) = world.backup(&[("root", &bytes)], &[]);
        run(world.repo.delete(id)).unwrap();
        if is_accepted {
            run(world.repo.undelete(id)).unwrap();
        } else {
            // An undelete that finds nothing is refused; then its pack is there again.
            let pack = world.store.keys("pack/")[0].clone();
            let stored = world.store.raw(&pack).unwrap();
            world.store.remove(&pack);
            run(world.repo.undelete(id)).unwrap_err();
            world.store.overwrite(&pack, stored);
        }
        forge(&world.store, world.store.keys(damaged)[0].as_str());
        assert_eq!(run(world.repo.catalog()).unwrap().damaged.len(), 1, "{damaged}");
        let verified = run(world.repo.verify(&VerifyOptions::default())).unwrap();
        assert_eq!(verified.damaged.len(), 1, "{damaged}: {verified:?}");
        assert!(collect(&world.repo).is_err(), "{damaged}");
        assert_eq!(world.restore(id, "root").unwrap(), bytes, "{damaged}");
    }
}

// proves: REPO-19
#[test]
fn forged_end_or_done_object_stops_the_collector() {
    let world = World::new();
    let (gone, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    run(world.repo.delete(gone)).unwrap();
    condemn_and_die(&world);
    let set = world.store.keys("condemned/")[0].as_str().replace("condemned/", "");
    let packs = world.store.keys("pack/");
    let dead = world.store.keys("session/").into_iter().map(|key| key.as_str().to_owned());
    let dead = dead.filter(|key| set.starts_with(&key["session/".len()..])).collect::<Vec<_>>();
    let end = dead[0].replace("session/", "end/");
    for forged in [format!("done/{set}"), end] {
        let store = world.store.fork();
        forge(&store, &forged);
        let stopped = collect(&over(&world, &store, Arc::new(store.clone())).repo);
        let error = stopped.expect_err(&forged);
        assert_eq!(error.class(), ErrorClass::Corruption, "{forged}: {error}");
        assert_eq!(store.keys("pack/"), packs, "{forged}");
    }
    world.collect_at_once();
    assert!(world.store.keys("pack/").is_empty());
}

// proves: REPO-20
#[test]
fn listings_stay_proportional_to_the_live_backups() {
    let world = World::new();
    let options = CollectOptions { merge_graves: 8, ..at_once() };
    let live = disk(1, 4);
    let (kept, _) = world.backup(&[("root", &live)], &[]);
    for round in 0..40 {
        let (id, _) = world.backup(&[("root", &disk(2 + round, 2))], &[]);
        run(world.repo.delete(id)).unwrap();
        run(world.repo.collect(&options)).unwrap();
        world.clock.advance(3 * DAY);
    }
    // What is two or three weeks old, and not 40 rounds.
    assert!(world.store.keys("grave/").len() < 24, "{:?}", world.store.keys("grave/"));
    for _ in 0..4 {
        world.clock.advance(8 * DAY);
        run(world.repo.collect(&options)).unwrap();
    }
    let left = |prefix: &str| world.store.keys(prefix).len();
    assert!(left("grave/") < 8 && left("ungrave/") < 8 && left("alive/") == 0);
    assert_eq!((left("manifest/"), left("buried/")), (1, 1));
    assert!(left("") < 40, "{} objects", left(""));
    assert_eq!(world.restore(kept, "root").unwrap(), live);
}

#[test]
fn signs_of_life_go_when_their_session_has_ended() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 4))], &[]);
    forge(&world.store, &format!("alive/{id}-00000000"));
    world.collect_at_once();
    assert_eq!(world.store.keys("alive/").len(), 1, "a late one may still arrive");
    world.clock.advance(8 * DAY);
    world.collect_at_once();
    assert!(world.store.keys("alive/").is_empty());
}

#[test]
fn stat_leaves_out_what_is_deleted_as_it_begins() {
    let world = World::new();
    let (kept, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let (gone, _) = world.backup(&[("root", &disk(2, 20))], &[]);
    let (faults, counting) = faulty(&world, &world.store);
    let repo = world.repo.clone();
    before_create(&faults, "session/", move || {
        run(repo.delete(gone)).unwrap();
        collect(&repo).unwrap();
    });
    let stat = run(counting.repo.stat()).unwrap();
    assert_eq!((stat.backups, stat.deleted, stat.disk_bytes), (1, 1, 20 << 16));
    assert_eq!(world.restore(kept, "root").unwrap(), disk(1, 20));
}
