//! Each write to the store fails once, on either side of its effect and for each reason: the error
//! comes through, nothing that was there is lost, and the next try succeeds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::ErrorClass;
use strongroom_base::block::testing::MemorySource;
use strongroom_base::ids::ManifestId;
use strongroom_base::rng::SeededRng;
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::{ObjectKey, ObjectStore};
use strongroom_repo::testing::fault::{Failure, FaultStore, Method, Side};
use strongroom_repo::{
    AgeLiveness, CollectOptions, DiskInput, Env, GraveError, NewBackup, Repository, VerifyOptions,
};

use crate::world::{World, disk, run};

/// What is tried while a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Backup,
    Collect,
    Delete,
    Undelete,
}

/// A repository with a backup that stays, one that is deleted and one that will be. The next
/// collection removes the graves of a backup that is buried, and buries another.
struct Scene {
    world: World,
    store: Arc<FaultStore>,
    repo: Repository,
    kept: ManifestId,
    deleted: ManifestId,
    target: ManifestId,
    corpses: Vec<(ObjectKey, Bytes)>,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let corpses = bury(&world);
        let (kept, _) = world.backup(&[("root", &disk(1, 4))], &[]);
        let (deleted, _) = world.backup(&[("root", &mixed())], &[]);
        let (target, _) = world.backup(&[("root", &disk(3, 3))], &[]);
        run(world.repo.delete(deleted)).unwrap();
        let store = Arc::new(FaultStore::new(Arc::new(world.store.clone())));
        let env = Env { store: store.clone(), ..world.repo.env().clone() };
        let repo = run(Repository::open(env, &world.key)).unwrap();
        Self { world, store, repo, kept, deleted, target, corpses }
    }

    /// The same scene over a copy of its store.
    fn copy(&self, with_retry: bool) -> Self {
        let memory = self.world.store.fork();
        let store = Arc::new(FaultStore::new(Arc::new(memory.clone())));
        let mut top: Arc<dyn ObjectStore> = store.clone();
        if with_retry {
            let rng = Arc::new(SeededRng::new(5));
            top = Arc::new(RetryStore::new(top, self.world.clock.clone(), rng));
        }
        let open = |store: Arc<dyn ObjectStore>| {
            let rng = Arc::new(SeededRng::new(6));
            let env = Env { store, rng, ..self.world.repo.env().clone() };
            run(Repository::open(env, &self.world.key)).unwrap()
        };
        let world = World {
            clock: self.world.clock.clone(),
            repo: open(Arc::new(memory.clone())),
            store: memory,
            key: self.world.key.clone(),
        };
        let repo = open(top);
        let (kept, deleted, target) = (self.kept, self.deleted, self.target);
        Self { world, store, repo, kept, deleted, target, corpses: self.corpses.clone() }
    }

    /// Does `deed`; the error's class and text if it fails.
    fn attempt(&self, deed: Deed) -> Result<(), (ErrorClass, String)> {
        let told = |class, error: &dyn std::fmt::Debug| (class, format!("{error:?}"));
        match deed {
            Deed::Backup => {
                let input = DiskInput {
                    name: "root".to_owned(),
                    source: Arc::new(MemorySource::new(new_disk())),
                };
                let new = NewBackup::of(vec![input], vec![self.kept]);
                let made = run(self.repo.backup(new)).map_err(|e| told(e.class(), &e));
                made.map(|(id, _)| assert_eq!(self.world.restore(id, "root").unwrap(), new_disk()))
            }
            Deed::Collect => {
                let options = CollectOptions {
                    grave_delay: Duration::ZERO,
                    liveness: Arc::new(AgeLiveness { after: Duration::ZERO }),
                    merge_graves: 1,
                    ..CollectOptions::default()
                };
                let collected = run(self.repo.collect(&options));
                collected.map(drop).map_err(|error| told(error.class(), &error))
            }
            Deed::Delete => match run(self.repo.delete(self.target)) {
                // The grave that an earlier try was not told of.
                Ok(()) | Err(GraveError::Absent { .. }) => Ok(()),
                Err(error) => Err(told(error.class(), &error)),
            },
            Deed::Undelete => match run(self.repo.undelete(self.deleted)) {
                Ok(_) | Err(GraveError::NotDeleted { .. }) => Ok(()),
                Err(error) => Err(told(error.class(), &error)),
            },
        }
    }

    /// Everything that was there and must be is there.
    fn check(&self, deed: Deed) {
        assert_eq!(self.world.restore(self.kept, "root").unwrap(), disk(1, 4));
        if deed == Deed::Undelete {
            assert_eq!(self.world.restore(self.deleted, "root").unwrap(), mixed());
        }
        if deed != Deed::Delete {
            assert_eq!(self.world.restore(self.target, "root").unwrap(), disk(3, 3));
        }
        let verified = run(self.world.repo.verify(&VerifyOptions::default())).unwrap();
        assert!(verified.is_sound(), "{verified:?}");
        // A writer that wakes after months brings no deleted backup back.
        for (manifest, bytes) in &self.corpses {
            self.world.store.overwrite(manifest, bytes.clone());
        }
        let catalog = run(self.world.repo.catalog()).unwrap();
        let live = catalog.backups.iter().filter(|entry| entry.deleted.is_none());
        let corpses = self.corpses.iter().map(|(manifest, _)| manifest.as_str());
        let corpses: Vec<_> = corpses.map(|at| at.replace("manifest/", "")).collect();
        assert!(live.map(|entry| entry.id.to_string()).all(|id| !corpses.contains(&id)));
        if deed == Deed::Collect {
            let grave = |id: &String| format!("grave/{id}-00000000");
            let graves = self.world.store.keys("grave/");
            let graves: Vec<_> = graves.iter().map(ObjectKey::as_str).collect();
            assert!(corpses.first().is_some_and(|id| !graves.contains(&grave(id).as_str())));
            let sets = self.world.store.keys("buried/");
            let sets = sets.iter().filter(|key| !key.as_str().contains("marker"));
            assert_eq!(sets.count(), 2, "the other one is buried, by a set of its own");
        }
    }
}

/// Buries a backup and collects another long enough ago that it can be buried now; the manifests
/// of both.
fn bury(world: &World) -> Vec<(ObjectKey, Bytes)> {
    let options = CollectOptions {
        grave_delay: Duration::ZERO,
        merge_graves: 1,
        ..CollectOptions::default()
    };
    let collect = || {
        run(world.repo.collect(&options)).unwrap();
        world.clock.advance(Duration::from_hours(8 * 24));
    };
    let corpse = |seed| {
        let (id, _) = world.backup(&[("root", &disk(seed, 1))], &[]);
        let manifest = ObjectKey::parse(&format!("manifest/{id}")).unwrap();
        let bytes = world.store.raw(&manifest).unwrap();
        run(world.repo.delete(id)).unwrap();
        collect();
        (manifest, bytes)
    };
    let corpses = vec![corpse(7), corpse(8)];
    collect();
    assert_eq!(world.store.keys("buried/").len(), 1);
    assert_eq!(world.store.keys("grave/").len(), 2);
    corpses
}

/// One unit of the backup that stays, and three of its own.
fn mixed() -> Vec<u8> {
    [&disk(1, 1)[..], &disk(2, 3)[..]].concat()
}

fn new_disk() -> Vec<u8> {
    [&disk(1, 2)[..], &disk(4, 3)[..]].concat()
}

const DEEDS: [Deed; 4] = [Deed::Backup, Deed::Collect, Deed::Delete, Deed::Undelete];

/// The number of writes that `deed` makes when nothing fails.
fn writes_of(deed: Deed, first: &Scene) -> u64 {
    let scene = first.copy(false);
    scene.attempt(deed).unwrap();
    scene.store.writes()
}

#[test]
fn each_write_that_fails_once_is_reported_and_the_next_try_succeeds() {
    let first = Scene::new();
    for deed in DEEDS {
        let writes = writes_of(deed, &first);
        assert!(writes >= 2, "{deed:?} makes {writes} writes");
        for nth in 1..=writes {
            for side in [Side::Before, Side::After] {
                for failure in [Failure::Unavailable, Failure::Full, Failure::ReadOnly] {
                    let case = format!("{deed:?}, write {nth} of {writes}, {side:?} {failure:?}");
                    let scene = first.copy(false);
                    scene.store.fail_write(nth, side, failure);
                    if let Err((class, error)) = scene.attempt(deed) {
                        let retryable = failure == Failure::Unavailable;
                        assert_eq!(class == ErrorClass::Retryable, retryable, "{case}: {error}");
                        assert!(error.contains(&format!("{failure:?}")), "{case}: {error}");
                    }
                    assert_eq!(scene.world.restore(scene.kept, "root").unwrap(), disk(1, 4));
                    scene.store.heal();
                    again(&scene, deed, &case);
                    scene.check(deed);
                }
            }
        }
    }
}

/// The next try after the store works again. An undelete that died with its intent made is in
/// the way of no other.
fn again(scene: &Scene, deed: Deed, case: &str) {
    if let Err(error) = scene.attempt(deed) {
        panic!("{case}: the next try fails: {error:?}");
    }
}

#[test]
fn each_write_that_fails_once_is_tried_again_where_that_helps() {
    let first = Scene::new();
    for deed in DEEDS {
        let writes = writes_of(deed, &first);
        for nth in 1..=writes {
            for side in [Side::Before, Side::After] {
                let scene = first.copy(true);
                scene.store.fail_write(nth, side, Failure::Unavailable);
                if let Err(error) = scene.attempt(deed) {
                    panic!("{deed:?}, write {nth} of {writes}, {side:?}: {error:?}");
                }
                scene.check(deed);
            }
        }
    }
}

#[test]
fn a_store_that_stays_broken_is_reported_within_a_minute() {
    let first = Scene::new();
    for deed in DEEDS {
        let writes = writes_of(deed, &first);
        for from in 1..=writes {
            for failure in [Failure::Unavailable, Failure::Full, Failure::ReadOnly] {
                let scene = first.copy(true);
                let began = strongroom_base::Clock::now(&*scene.world.clock);
                scene.store.fail_writes(from.., failure);
                let result = scene.attempt(deed);
                let took = strongroom_base::Clock::now(&*scene.world.clock).since(began);
                // A full store still deletes, so what only deletes from here on gets through.
                if failure != Failure::Full {
                    assert!(result.is_err(), "{deed:?} from write {from}: {failure:?}");
                }
                // For a store that is gone, the call itself and the attempt to say that it has ended.
                let limit = if failure == Failure::Unavailable { 2 } else { 1 };
                assert!(took < Duration::from_mins(limit), "{deed:?} from {from}: {took:?}");
                assert!(scene.store.writes() < writes + 60, "{deed:?} goes on and on");
                scene.store.heal();
                again(&scene, deed, "after all writes failed");
                scene.check(deed);
            }
        }
    }
}

/// What a pack of noise takes on its way in [`writer_that_dies_sends_at_most_a_minute_again`].
const SECONDS_A_PACK: u64 = 10;

#[test]
fn writer_that_dies_sends_at_most_a_minute_again() {
    let mut noise = vec![0; 150 << 20];
    strongroom_base::Rng::fill(&SeededRng::new(9), &mut noise);
    for dies_at in [3, 5, 8] {
        let scene = Scene::new();
        let clock = Arc::clone(&scene.world.clock);
        scene.store.on_call(move |call| {
            if call.method == Method::Put && call.at.starts_with("pack/") {
                clock.advance(Duration::from_secs(SECONDS_A_PACK));
            }
        });
        let before = scene.world.store.keys("pack/").len();
        let backup = || {
            let source = Arc::new(MemorySource::new(noise.clone()));
            let input = DiskInput { name: "noise".to_owned(), source };
            run(scene.repo.backup(NewBackup::of(vec![input], Vec::new())))
        };
        let (store, seen) = (Arc::clone(&scene.store), std::sync::atomic::AtomicU64::new(0));
        let dead = Arc::clone(&store);
        store.on_call(move |call| {
            let is_pack = call.method == Method::Put && call.at.starts_with("pack/");
            if is_pack && seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == dies_at {
                dead.fail_writes(call.nth.., Failure::Failed);
            }
        });
        backup().unwrap_err();
        let first = scene.world.store.keys("pack/").len() - before;
        scene.store.heal();
        let (_, made) = backup().unwrap();
        let all = scene.world.store.keys("pack/").len() - before;
        // A pack of noise holds 255 units and some; the disk fills ten, and one more is for nodes.
        let again = all.saturating_sub(11);
        println!("died at pack {dies_at}: {first} were stored, {again} of 10 were sent again");
        assert!(again as u64 * SECONDS_A_PACK <= 60, "{again} packs were sent again");
        assert!(first < 5 || made.cost.new < noise.len() as u64, "what was sent counts");
    }
}
