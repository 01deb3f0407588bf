//! Collections that stop before their end, that go on where another one stopped, that foresee what
//! they would do, and that have nothing to do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_base::CancelToken;
use strongroom_base::ids::ManifestId;
use strongroom_base::rng::SeededRng;
use strongroom_repo::object::ObjectStore;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::testing::fault::{Failure, FaultStore, Method, Side};
use strongroom_repo::{
    AgeLiveness, CollectError, CollectOptions, CollectReport, Env, Left, Repository, VerifyOptions,
};

use crate::world::{World, disk, run};

/// More than footers, headers and segments of what a test moves.
const OVERHEAD: u64 = 32 << 10;

/// A repository of which half must be collected and a part moved: a deleted backup, and one that
/// holds every fourth frame of it and units of its own.
struct Scene {
    world: World,
    kept: ManifestId,
    content: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let old = disk(1, 128);
        let (gone, _) = world.backup(&[("root", &old)], &[]);
        let frames = old.chunks(16 << 16).step_by(4);
        let content = frames.chain([&disk(2, 5)[..]]).collect::<Vec<_>>().concat();
        let (kept, _) = world.backup(&[("root", &content)], &[gone]);
        run(world.repo.delete(gone)).unwrap();
        Self { world, kept, content }
    }

    /// The same repository in a store of its own that can fail.
    fn fork(&self, store: &MemoryStore) -> (Arc<FaultStore>, World) {
        let store = store.fork();
        let faults = Arc::new(FaultStore::new(Arc::new(store.clone())));
        (Arc::clone(&faults), self.over(&store, faults))
    }

    fn over(&self, memory: &MemoryStore, store: Arc<dyn ObjectStore>) -> World {
        let rng = Arc::new(SeededRng::new(store_seed(memory)));
        let env = Env { store, rng, ..self.world.repo.env().clone() };
        let repo = run(Repository::open(env, &self.world.key)).unwrap();
        let (clock, key) = (Arc::clone(&self.world.clock), self.world.key.clone());
        World { clock, store: memory.clone(), repo, key }
    }

    /// The backup that stays is whole, and nothing else is left.
    fn check(&self, world: &World, what: &str) {
        assert_eq!(world.restore(self.kept, "root").unwrap(), self.content, "{what}");
        let verified = run(world.repo.verify(&VerifyOptions::default())).unwrap();
        assert!(verified.is_sound(), "{what}: {verified:?}");
        let options = CollectOptions { dry_run: true, full: true, ..at_once() };
        let left = run(world.repo.collect(&options)).unwrap();
        assert_eq!((left.packs, left.manifests.len(), left.left), (0, 0, None), "{what}: {left:?}");
    }
}

/// Sessions must not draw the names that others of the same repository have drawn.
fn store_seed(store: &MemoryStore) -> u64 {
    1000 + store.keys("").len() as u64
}

fn at_once() -> CollectOptions {
    CollectOptions {
        grave_delay: Duration::ZERO,
        liveness: Arc::new(AgeLiveness { after: Duration::from_hours(20) }),
        ..CollectOptions::default()
    }
}

/// As [`at_once`]; whoever shows no life this moment is dead.
fn after_death() -> CollectOptions {
    CollectOptions { liveness: Arc::new(AgeLiveness { after: Duration::ZERO }), ..at_once() }
}

fn collect(world: &World, options: &CollectOptions) -> CollectReport {
    run(world.repo.collect(options)).unwrap()
}

/// Does `action` at the start of call number `nth`.
fn at_call(faults: &FaultStore, nth: u64, action: impl Fn() + Send + Sync + 'static) {
    let calls = Mutex::new(0);
    faults.on_call(move |_| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls == nth {
            action();
        }
    });
}

/// The calls that a whole collection makes, and its report.
fn whole(scene: &Scene) -> (u64, CollectReport) {
    let (faults, world) = scene.fork(&scene.world.store);
    let (reads, writes) = (faults.reads(), faults.writes());
    let report = collect(&world, &at_once());
    let calls = faults.reads() - reads + faults.writes() - writes;
    scene.check(&world, "the whole collection");
    assert!(report.moved_bytes > 1 << 20 && report.packs >= 2, "{report:?}");
    (calls, report)
}

/// Checks what two collections did together: as much as one, and nothing twice.
fn check_sum(parts: [&CollectReport; 2], whole: &CollectReport, what: &str) {
    let sum = |of: fn(&CollectReport) -> u64| parts.iter().map(|part| of(part)).sum::<u64>();
    let parts_of_manifests: BTreeSet<_> = parts.iter().flat_map(|part| &part.manifests).collect();
    assert_eq!(parts_of_manifests, whole.manifests.iter().collect(), "{what}");
    assert_eq!(sum(|report| report.packs), whole.packs, "{what}: {parts:?}");
    assert_eq!(sum(|report| report.removed_bytes), whole.removed_bytes, "{what}");
    let moved = sum(|report| report.moved_bytes);
    assert!(moved < whole.moved_bytes + OVERHEAD, "{what}: {moved} of {}", whole.moved_bytes);
}

// proves: REPO-16
#[test]
fn time_that_is_over_at_any_call_loses_nothing_and_repeats_nothing() {
    let scene = Scene::new();
    let (calls, whole) = whole(&scene);
    let mut seen = BTreeSet::new();
    for nth in 1..=calls {
        let what = format!("time is over at call {nth} of {calls}");
        let (faults, world) = scene.fork(&scene.world.store);
        let clock = Arc::clone(&world.clock);
        at_call(&faults, nth, move || clock.advance(Duration::from_mins(2)));
        let budget = Some(Duration::from_mins(1));
        let first = collect(&world, &CollectOptions { budget, ..at_once() });
        seen.insert(match first.left {
            None => "nothing",
            Some(Left::Everything) => "everything",
            Some(Left::Condemned { packs, bytes }) => {
                assert_eq!(packs + first.packs, whole.packs, "{what}");
                assert_eq!(bytes + first.removed_bytes, whole.removed_bytes, "{what}");
                match (first.moved_bytes, first.packs) {
                    (0, _) => "copying",
                    (_, 0) => "deleting",
                    _ => "the last deletes",
                }
            }
        });
        let second = collect(&world, &at_once());
        assert_eq!(second.left, None, "{what}");
        check_sum([&first, &second], &whole, &what);
        scene.check(&world, &what);
    }
    let all = ["copying", "deleting", "everything", "nothing", "the last deletes"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn cancel_at_any_call_loses_nothing() {
    let scene = Scene::new();
    let (calls, whole) = whole(&scene);
    let mut cancelled = 0;
    for nth in 1..=calls {
        let what = format!("cancelled at call {nth} of {calls}");
        let (faults, world) = scene.fork(&scene.world.store);
        let cancel = CancelToken::new();
        let token = cancel.clone();
        at_call(&faults, nth, move || token.cancel());
        match run(world.repo.collect(&CollectOptions { cancel, ..at_once() })) {
            Ok(_) => {}
            Err(CollectError::Cancelled) => cancelled += 1,
            Err(error) => panic!("{what}: {error:?}"),
        }
        let ends = world.store.keys("end/").len();
        assert_eq!(ends, 1, "{what}: a collection that is stopped says that it has ended");
        collect(&world, &at_once());
        scene.check(&world, &what);
    }
    assert!(cancelled * 2 > calls, "{cancelled} of {calls}");
    assert!(whole.left.is_none());
}

/// A store in which a collection has condemned, copied a part and then run out of time.
fn stopped_while_copying(scene: &Scene) -> (MemoryStore, CollectReport) {
    let (faults, world) = scene.fork(&scene.world.store);
    let clock = Arc::clone(&world.clock);
    let is_condemned = Mutex::new(false);
    faults.on_call(move |call| {
        let mut is_condemned = is_condemned.lock().unwrap();
        *is_condemned |= call.at.starts_with("condemned/") && call.method == Method::Create;
        if *is_condemned && call.method == Method::GetRange {
            clock.advance(Duration::from_mins(2));
        }
    });
    let budget = Some(Duration::from_mins(1));
    let report = collect(&world, &CollectOptions { budget, ..at_once() });
    assert!(report.moved_bytes > 0 && report.packs == 0, "{report:?}");
    (world.store, report)
}

#[test]
fn dry_run_foresees_what_the_collection_does() {
    let scene = Scene::new();
    for store in [scene.world.store.fork(), stopped_while_copying(&scene).0] {
        let (_, world) = scene.fork(&store);
        let options = CollectOptions { dry_run: true, ..at_once() };
        let foreseen = collect(&world, &options);
        let done = collect(&world, &at_once());
        assert!(done.packs > 0);
        let compared = |report: &CollectReport| CollectReport { moved_bytes: 0, ..report.clone() };
        assert_eq!(compared(&foreseen), compared(&done));
        scene.check(&world, "after the dry run");
    }
}

// proves: REPO-16
#[test]
fn death_at_any_write_of_a_resumed_collection_loses_nothing_and_repeats_nothing() {
    let scene = Scene::new();
    let (_, whole) = whole(&scene);
    let (store, first) = stopped_while_copying(&scene);
    let (faults, world) = scene.fork(&store);
    let before = faults.writes();
    collect(&world, &at_once());
    let writes = faults.writes() - before;
    for nth in 1..=writes {
        for side in [Side::Before, Side::After] {
            let what = format!("death {side:?} write {nth} of {writes}");
            let (faults, dying) = scene.fork(&store);
            let before = faults.writes();
            faults.fail_write(before + nth, side, Failure::Failed);
            faults.fail_writes(before + nth + 1.., Failure::Failed);
            assert!(run(dying.repo.collect(&at_once())).is_err(), "{what}");
            let memory = dying.store.clone();
            let survivor = scene.over(&memory, Arc::new(memory.clone()));
            let packs = survivor.store.keys("pack/").len();
            let last = collect(&survivor, &after_death());
            scene.check(&survivor, &what);
            // A pack that was copied and not yet indexed is all that may be copied again.
            let most = 2 * whole.moved_bytes - first.moved_bytes + OVERHEAD;
            assert!(last.moved_bytes < most, "{what}: {last:?}");
            let gone = packs + 2 - survivor.store.keys("pack/").len();
            assert!(last.packs <= gone as u64, "{what}: {last:?}");
        }
    }
}

#[test]
fn collection_moves_at_most_half_of_what_it_removes() {
    for seed in 0..8 {
        let rng = SeededRng::new(seed);
        let world = World::new();
        let old = disk(seed, 256);
        let (gone, _) = world.backup(&[("root", &old)], &[]);
        // Every unit stays with a chance that differs from seed to seed.
        let mut kept = Vec::new();
        for unit in old.chunks(1 << 16) {
            if rng.below(8) <= seed {
                kept.extend_from_slice(unit);
            }
        }
        let (id, _) = world.backup(&[("root", &kept)], &[gone]);
        run(world.repo.delete(gone)).unwrap();
        let report = collect(&world, &at_once());
        let (moved, removed) = (report.moved_bytes, report.removed_bytes);
        assert!(2 * moved <= removed + OVERHEAD, "seed {seed}: {report:?}");
        assert_eq!(report.moved_bytes > 0, (0..4).contains(&seed), "seed {seed}: {report:?}");
        assert_eq!(world.restore(id, "root").unwrap(), kept);
        let again = collect(&world, &CollectOptions { full: true, ..at_once() });
        assert_eq!((again.packs, again.moved_bytes), (0, 0), "seed {seed}: it comes to rest");
    }
}

/// Whether a collection reads the index.
fn reads_index(world: &World) -> bool {
    let faults = Arc::new(FaultStore::new(Arc::new(world.store.clone())));
    let has_read = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&has_read);
    faults.on_call(move |call| {
        let is_walk = call.at.starts_with("index/") && call.method == Method::Get;
        *seen.lock().unwrap() |= is_walk || call.method == Method::GetRange;
    });
    let env = Env { store: faults, ..world.repo.env().clone() };
    let repo = run(Repository::open(env, &world.key)).unwrap();
    run(repo.collect(&at_once())).unwrap();
    let has_read = has_read.lock().unwrap();
    *has_read
}

#[test]
fn collection_walks_only_when_something_may_have_become_garbage() {
    let world = World::new();
    let pass = || world.clock.advance(Duration::from_mins(1));
    let (id, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    assert!(reads_index(&world), "nobody has looked yet");
    pass();
    assert!(!reads_index(&world));
    // Backups, restores and dry runs leave nothing behind.
    world.backup(&[("root", &disk(2, 20))], &[id]);
    world.restore(id, "root").unwrap();
    collect(&world, &CollectOptions { dry_run: true, full: true, ..at_once() });
    pass();
    assert!(!reads_index(&world));
    // A deletion does, and what a backup that failed has sent.
    run(world.repo.delete(id)).unwrap();
    assert!(reads_index(&world));
    pass();
    assert!(!reads_index(&world));
    let faults = Arc::new(FaultStore::new(Arc::new(world.store.clone())));
    faults.fail_write(3, Side::Before, Failure::Failed);
    let env = Env { store: faults, ..world.repo.env().clone() };
    let repo = run(Repository::open(env, &world.key)).unwrap();
    let failing = World {
        repo,
        clock: world.clock.clone(),
        store: world.store.clone(),
        key: world.key.clone(),
    };
    failing.try_backup(&[("root", &disk(3, 20))], &[]).unwrap_err();
    assert_eq!(world.store.keys("manifest/").len(), 2, "the other backup, and a tombstone");
    pass();
    assert!(reads_index(&world));
    pass();
    assert!(!reads_index(&world));
    // So does a collection that stopped, or died.
    let cancel = CancelToken::new();
    cancel.cancel();
    let stopped = CollectOptions { cancel, full: true, ..at_once() };
    assert!(matches!(run(world.repo.collect(&stopped)), Err(CollectError::Cancelled)));
    pass();
    assert!(reads_index(&world));
    // And what arrives late is found within a week.
    world.clock.advance(Duration::from_hours(6 * 24));
    assert!(!reads_index(&world));
    world.clock.advance(Duration::from_hours(24));
    assert!(reads_index(&world));
}
