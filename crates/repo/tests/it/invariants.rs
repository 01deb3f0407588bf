//! Named invariants of docs/invariants.md that no other test proves alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::ManifestId;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteRange, Clock, ErrorClass, Rng as _};
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::{ObjectKey, ObjectMeta, ObjectResult, ObjectStore};
use strongroom_repo::testing::fault::{Failure, FaultStore, Method, Side};
use strongroom_repo::{
    BackupError, CollectError, CollectOptions, CollectReport, GraveError, ReadError, Repository,
    RestoreError, VerifyLevel, VerifyOptions,
};

use crate::world::{World, disk, run};

const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The same repository over another store.
pub(crate) fn over(world: &World, memory: &MemoryStore, store: Arc<dyn ObjectStore>) -> World {
    let mut env = world.repo.env().clone();
    env.store = store;
    let repo = run(Repository::open(env, &world.key)).unwrap();
    World { clock: Arc::clone(&world.clock), store: memory.clone(), repo, key: world.key.clone() }
}

/// The same repository through a store that fails on demand.
pub(crate) fn faulty(world: &World, memory: &MemoryStore) -> (Arc<FaultStore>, World) {
    let faults = Arc::new(FaultStore::new(Arc::new(memory.clone())));
    let world = over(world, memory, Arc::clone(&faults) as Arc<dyn ObjectStore>);
    (faults, world)
}

/// Runs `action` on a thread of its own just before the next create below `prefix`.
pub(crate) fn before_create(
    faults: &FaultStore,
    prefix: &'static str,
    action: impl FnOnce() + Send + 'static,
) {
    let action = Mutex::new(Some(action));
    faults.on_call(move |call| {
        if call.method != Method::Create || !call.at.starts_with(prefix) {
            return;
        }
        if let Some(action) = action.lock().unwrap().take() {
            std::thread::spawn(action).join().unwrap();
        }
    });
}

pub(crate) fn at_once() -> CollectOptions {
    CollectOptions { grave_delay: Duration::ZERO, ..CollectOptions::default() }
}

pub(crate) fn collect(repo: &Repository) -> Result<CollectReport, CollectError> {
    run(repo.collect(&at_once()))
}

/// Every backup that is listed restores, and nothing that an index segment names is missing.
pub(crate) fn check_whole(world: &World, contents: &[Vec<u8>], what: &str) -> usize {
    let catalog = run(world.repo.catalog()).unwrap();
    for entry in &catalog.backups {
        let bytes = world.restore(entry.id, "root").unwrap_or_else(|error| {
            panic!("{what}: {} is listed and does not restore: {error}", entry.id)
        });
        assert!(contents.contains(&bytes), "{what}");
    }
    let options = VerifyOptions { level: VerifyLevel::Structure, ..VerifyOptions::default() };
    let report = run(world.repo.verify(&options)).unwrap();
    assert!(report.is_sound(), "{what}: {report:?}");
    catalog.backups.len()
}

// proves: REPO-3, REPO-9
#[test]
fn death_after_each_write_leaves_no_dangling_name() {
    let world = World::new();
    let old = disk(1, 40);
    world.backup(&[("root", &old)], &[]);
    let new = disk(2, 560);
    let contents = [old, new.clone()];
    let (faults, whole) = faulty(&world, &world.store.fork());
    whole.backup(&[("root", &new)], &[]);
    assert!(whole.store.keys("pack/").len() > 4, "several packs of the new backup");
    let writes = faults.writes();
    for nth in 1..=writes {
        for side in [Side::Before, Side::After] {
            let (faults, dying) = faulty(&world, &world.store.fork());
            faults.fail_write(nth, side, Failure::Failed);
            faults.fail_writes(nth + 1.., Failure::Failed);
            assert!(dying.try_backup(&[("root", &new)], &[]).is_err());
            let store = dying.store.clone();
            let what = format!("death {side:?} write {nth}");
            let survivor = over(&world, &store, Arc::new(store.clone()));
            let listed = check_whole(&survivor, &contents, &what);
            let is_committed = nth == writes && side == Side::After;
            assert_eq!(listed, if is_committed { 2 } else { 1 }, "{what}");
        }
    }
}

// proves: REPO-4
#[test]
fn salt_of_every_sealed_object_is_its_own() {
    let world = World::new();
    let mut parent = Vec::new();
    for _ in 0..3 {
        // The same content under the same master key, each time in a repository of its own.
        let (id, _) = world.backup(&[("root", &disk(1, 20))], &parent);
        run(world.repo.delete(id)).unwrap();
        world.collect_at_once();
        parent = vec![id];
    }
    let mut salts = BTreeSet::new();
    let mut count = 0;
    for key in world.store.keys("") {
        let bytes = world.store.raw(&key).unwrap();
        let salt = if bytes.starts_with(b"SRPACK\0\0") {
            bytes.slice(16..48)
        } else if bytes.starts_with(b"SRC0") {
            bytes.slice(4..36)
        } else if bytes.starts_with(b"SRSLOT\0\0") {
            bytes.slice(8..40)
        } else {
            assert_eq!(key.as_str(), "config");
            continue;
        };
        count += 1;
        salts.insert(salt);
    }
    assert!(count > 15, "{count} sealed objects");
    assert_eq!(salts.len(), count);
}

// A store that keeps the first bytes of a key refuses others, so a retry that sealed anew fails.
// proves: REPO-4, REPO-6
#[test]
fn lost_answer_to_each_write_changes_nothing() {
    let world = World::new();
    let bytes = disk(1, 40);
    let (faults, whole) = faulty(&world, &world.store.fork());
    let (id, _) = whole.backup(&[("root", &bytes)], &[]);
    run(whole.repo.delete(id)).unwrap();
    run(whole.repo.undelete(id)).unwrap();
    let until = world.clock.now().plus(DAY);
    run(whole.repo.hold(id, until, "test")).unwrap();
    for nth in 1..=faults.writes() {
        let memory = world.store.fork();
        let faults = FaultStore::new(Arc::new(memory.clone()));
        faults.fail_write(nth, Side::After, Failure::Unavailable);
        let env = world.repo.env();
        let retry = RetryStore::new(Arc::new(faults), env.clock.clone(), env.rng.clone());
        let world = over(&world, &memory, Arc::new(retry));
        let (id, _) = world.backup(&[("root", &bytes)], &[]);
        run(world.repo.delete(id)).unwrap();
        run(world.repo.undelete(id)).unwrap();
        run(world.repo.hold(id, until, "test")).unwrap();
        assert_eq!(memory.keys("hold/").len(), 1, "write {nth}");
        assert_eq!(check_whole(&world, std::slice::from_ref(&bytes), &format!("write {nth}")), 1);
    }
}

// proves: REPO-5
#[test]
fn object_at_another_key_does_not_open() {
    let world = World::new();
    // Noise does not compress, so that both backups have objects of the same sizes.
    let noise = |seed| {
        let mut bytes = vec![0; 20 << 16];
        SeededRng::new(seed).fill(&mut bytes);
        bytes
    };
    let (first, _) = world.backup(&[("root", &noise(1))], &[]);
    let (second, _) = world.backup(&[("root", &noise(2))], &[]);
    let swap = |prefix: &str| {
        let store = world.store.fork();
        let own = |id: ManifestId| {
            let keys = store.keys(prefix).into_iter();
            keys.filter(|key| key.as_str().contains(&id.to_string())).collect::<Vec<_>>()
        };
        for (a, b) in own(first).iter().zip(own(second)) {
            let (bytes_a, bytes_b) = (store.raw(a).unwrap(), store.raw(&b).unwrap());
            assert_eq!(bytes_a.len(), bytes_b.len(), "only the place tells them apart");
            store.overwrite(a, bytes_b);
            store.overwrite(&b, bytes_a);
        }
        over(&world, &store, Arc::new(store.clone()))
    };
    let manifests = run(swap("manifest/").repo.catalog()).unwrap();
    assert_eq!((manifests.backups.len(), manifests.damaged.len()), (0, 2));
    for prefix in ["pack/", "index/"] {
        let swapped = swap(prefix);
        for id in [first, second] {
            let error = swapped.restore(id, "root").unwrap_err();
            assert_eq!(error.class(), ErrorClass::Corruption, "{prefix}: {error}");
        }
    }
}

/// A store whose listing of one prefix stands still.
#[derive(Debug)]
struct StaleStore {
    inner: MemoryStore,
    past: MemoryStore,
    stale: &'static str,
}

impl ObjectStore for StaleStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.inner.put(key, bytes)
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.inner.create(key, bytes)
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.inner.get(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.inner.get_range(key, range)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        if prefix == self.stale { self.past.list(prefix) } else { self.inner.list(prefix) }
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        self.inner.delete(key)
    }
}

// proves: REPO-7, REPO-17
#[test]
fn stale_listing_of_any_control_prefix_stops_the_collector() {
    let world = World::new();
    let (gone, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let past = world.store.fork();
    world.backup(&[("root", &disk(2, 20))], &[]);
    run(world.repo.delete(gone)).unwrap();
    let data = [world.store.keys("pack/"), world.store.keys("manifest/")];
    let prefixes = [
        "session/",
        "end/",
        "grave/",
        "ungrave/",
        "intent/",
        "buried/",
        "hold/",
        "manifest/",
        "condemned/",
        "done/",
    ];
    for stale in prefixes {
        let inner = world.store.clone();
        let store = StaleStore { inner, past: past.fork(), stale };
        let stopped = collect(&over(&world, &world.store, Arc::new(store)).repo);
        let is_stale =
            |error: &CollectError| matches!(error, CollectError::Read(ReadError::StaleList { .. }));
        assert!(stopped.as_ref().is_err_and(is_stale), "{stale}: {stopped:?}");
        assert_eq!([world.store.keys("pack/"), world.store.keys("manifest/")], data, "{stale}");
    }
    assert_eq!(world.collect_at_once().manifests, [gone]);
}

/// Lets a collector die as soon as its condemned set is published.
pub(crate) fn condemn_and_die(world: &World) {
    let (faults, dying) = faulty(world, &world.store);
    let weak = Arc::downgrade(&faults);
    faults.on_call(move |call| {
        if call.method == Method::Create && call.at.starts_with("condemned/") {
            weak.upgrade().unwrap().fail_writes(call.nth + 1.., Failure::Failed);
        }
    });
    assert!(collect(&dying.repo).is_err());
    assert_eq!(world.store.keys("condemned/").len(), 1);
}

// proves: REPO-8, REPO-16
#[test]
fn content_of_a_condemned_pack_is_uploaded_again() {
    let world = World::new();
    let bytes = disk(1, 40);
    let (gone, full) = world.backup(&[("root", &bytes)], &[]);
    run(world.repo.delete(gone)).unwrap();
    let condemned = world.store.keys("pack/");
    condemn_and_die(&world);
    let (id, again) = world.backup(&[("root", &bytes)], &[]);
    assert_eq!(again.cost.new, full.cost.new);
    world.collect_at_once();
    let left = world.store.keys("pack/");
    assert!(condemned.iter().all(|pack| !left.contains(pack)), "the set of the dead is finished");
    assert_eq!(world.restore(id, "root").unwrap(), bytes);
}

// proves: REPO-16
#[test]
fn backup_that_commits_before_the_set_is_seen_keeps_its_units() {
    let world = World::new();
    let bytes = disk(1, 40);
    let (gone, _) = world.backup(&[("root", &bytes)], &[]);
    run(world.repo.delete(gone)).unwrap();
    let (faults, collecting) = faulty(&world, &world.store);
    let writer = over(&world, &world.store, Arc::new(world.store.clone()));
    let same = bytes.clone();
    before_create(&faults, "condemned/", move || {
        let (_, manifest) = writer.backup(&[("root", &same)], &[]);
        assert_eq!(manifest.cost.new, 0, "it refers to what is about to be condemned");
    });
    let report = collect(&collecting.repo).unwrap();
    assert!(report.moved_bytes > 0, "{report:?}");
    assert_eq!(check_whole(&world, &[bytes], "after the collection"), 1);
}

// proves: REPO-16
#[test]
fn collector_waits_for_a_writer_that_may_not_have_seen_the_set() {
    let world = World::new();
    let old = disk(1, 40);
    let (gone, _) = world.backup(&[("root", &old)], &[]);
    run(world.repo.delete(gone)).unwrap();
    let mut bytes = old;
    bytes[..1 << 16].copy_from_slice(&disk(2, 1));
    let (faults, writing) = faulty(&world, &world.store);
    let repo = world.repo.clone();
    before_create(&faults, "manifest/", move || {
        let options = CollectOptions { wait: Duration::ZERO, ..at_once() };
        let busy = run(repo.collect(&options));
        assert!(matches!(busy, Err(CollectError::Busy { count: 1 })), "{busy:?}");
    });
    let (_, manifest) = writing.backup(&[("root", &bytes)], &[]);
    assert_eq!(manifest.cost.new, 1 << 16, "it refers to what was condemned meanwhile");
    assert_eq!(world.store.keys("condemned/").len(), 1);
    world.collect_at_once();
    assert_eq!(check_whole(&world, &[bytes], "after the collection"), 1);
}

// proves: REPO-10
#[test]
fn backup_that_was_given_up_cannot_commit() {
    let world = World::new();
    let (faults, writing) = faulty(&world, &world.store);
    let (repo, clock) = (world.repo.clone(), Arc::clone(&world.clock));
    let is_first = Mutex::new(true);
    faults.on_call(move |call| {
        if call.at.starts_with("index/") && call.method == Method::Put {
            let (repo, clock) = (repo.clone(), Arc::clone(&clock));
            if std::mem::take(&mut *is_first.lock().unwrap()) {
                clock.advance(HOUR);
                let given_up = std::thread::spawn(move || collect(&repo).unwrap().given_up);
                assert_eq!(given_up.join().unwrap(), 1);
            }
        }
    });
    let lost = writing.try_backup(&[("root", &disk(1, 20))], &[]);
    assert!(matches!(lost, Err(BackupError::GivenUp)), "{lost:?}");
    assert!(run(world.repo.catalog()).unwrap().backups.is_empty());
    assert_eq!(world.store.keys("manifest/").len(), 1, "the tombstone stays");
    // What it has sent is garbage now.
    world.collect_at_once();
    assert!(world.store.keys("pack/").is_empty());
}

// proves: REPO-11
#[test]
fn sessions_announce_themselves_before_they_look() {
    let world = World::new();
    let (parent, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let (faults, seen) = faulty(&world, &world.store);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&calls);
    faults.on_call(move |call| sink.lock().unwrap().push((call.method, call.at.clone())));
    let take = || std::mem::take(&mut *calls.lock().unwrap());
    let first = |calls: &[(Method, String)], method, prefix: &str| {
        let found = calls.iter().position(|(m, at)| *m == method && at.starts_with(prefix));
        found.unwrap_or_else(|| panic!("no {method:?} of {prefix}"))
    };
    seen.backup(&[("root", &disk(2, 20))], &[parent]);
    let writer = take();
    seen.restore(parent, "root").unwrap();
    let reader = take();
    for (calls, prefixes) in [
        (&writer, ["grave/", "condemned/", "damaged/", "index/"]),
        (&reader, ["grave/", "condemned/", "damaged/", "index/"]),
    ] {
        let announced = first(calls, Method::Create, "session/");
        for prefix in prefixes {
            assert!(announced < first(calls, Method::List, prefix), "{prefix}: {calls:?}");
        }
        let last_set = ["grave/", "condemned/", "damaged/"]
            .map(|prefix| first(calls, Method::List, prefix))
            .into_iter()
            .max();
        assert!(last_set < Some(first(calls, Method::List, "index/")), "{calls:?}");
    }
}

// proves: REPO-12
#[test]
fn flipped_bytes_never_reach_the_target() {
    use strongroom_base::block::testing::MemorySink;
    use strongroom_base::{CancelToken, Progress};
    let world = World::new();
    let bytes = disk(1, 64);
    let (id, _) = world.backup(&[("root", &bytes)], &[]);
    let pack = world.store.keys("pack/")[0].clone();
    let sealed = world.store.raw(&pack).unwrap();
    let blank = MemorySink::new(bytes.len() as u64).bytes();
    for at in (48..sealed.len()).step_by(sealed.len() / 40) {
        let mut flipped = sealed.to_vec();
        flipped[at] ^= 0x80;
        world.store.overwrite(&pack, flipped.into());
        let sink = Arc::new(MemorySink::new(bytes.len() as u64));
        let restored = run(async {
            let session = world.repo.read_backup(id).await?;
            let (cancel, progress) = (CancelToken::new(), Progress::new());
            let restored = session.restore("root", sink.clone(), &cancel, &progress).await;
            session.end().await?;
            restored
        });
        match restored {
            Ok(()) => assert!(sink.bytes() == bytes, "byte {at}"),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Corruption, "byte {at}: {error}");
                let written = sink.bytes();
                let units = written.chunks(1 << 16).zip(bytes.chunks(1 << 16));
                let mut units = units.zip(blank.chunks(1 << 16));
                assert!(units.all(|((to, from), blank)| to == from || to == blank), "byte {at}");
            }
        }
    }
}

// proves: REPO-13
#[test]
fn undelete_that_was_refused_cannot_succeed_later() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    run(world.repo.delete(id)).unwrap();
    let (faults, late) = faulty(&world, &world.store);
    let (repo, clock) = (world.repo.clone(), Arc::clone(&world.clock));
    before_create(&faults, "ungrave/", move || {
        clock.advance(8 * DAY);
        let report = collect(&repo).unwrap();
        assert!(report.manifests.is_empty(), "the intent still protects the backup");
    });
    let refused = run(late.repo.undelete(id));
    assert!(matches!(refused, Err(GraveError::TooLate { .. })), "{refused:?}");
    assert!(matches!(world.restore(id, "root"), Err(RestoreError::Absent { .. })));
    // The decision is final, also for the next try.
    let again = run(world.repo.undelete(id));
    assert!(matches!(again, Err(GraveError::TooLate { .. })), "{again:?}");
    assert_eq!(world.collect_at_once().manifests, [id]);
}

// proves: REPO-14
#[test]
fn undelete_finds_every_unit_or_refuses() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 300))], &[]);
    run(world.repo.delete(id)).unwrap();
    for pack in world.store.keys("pack/") {
        let store = world.store.fork();
        store.remove(&pack);
        let poorer = over(&world, &store, Arc::new(store.clone()));
        let refused = run(poorer.repo.undelete(id));
        assert!(matches!(refused, Err(GraveError::TooLate { .. })), "{pack}: {refused:?}");
        assert!(store.keys("intent/").is_empty());
        store.overwrite(&pack, world.store.raw(&pack).unwrap());
        let late = run(poorer.repo.undelete(id));
        assert!(matches!(late, Err(GraveError::TooLate { .. })), "refused once is for ever");
    }
    condemn_and_die(&world);
    let refused = run(world.repo.undelete(id));
    assert!(matches!(refused, Err(GraveError::TooLate { .. })), "{refused:?}");
}

// proves: REPO-14
#[test]
fn collector_during_an_undelete_keeps_the_units() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    run(world.repo.delete(id)).unwrap();
    let (faults, undeleting) = faulty(&world, &world.store);
    let repo = world.repo.clone();
    before_create(&faults, "ungrave/", move || {
        assert!(collect(&repo).unwrap().manifests.is_empty());
    });
    run(undeleting.repo.undelete(id)).unwrap();
    world.collect_at_once();
    assert_eq!(world.restore(id, "root").unwrap(), disk(1, 20));
}

// proves: REPO-15
#[test]
fn hold_and_deletion_that_race_keep_what_was_promised() {
    let until = |world: &World| world.clock.now().plus(DAY);
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let (faults, deleting) = faulty(&world, &world.store);
    let (repo, date) = (world.repo.clone(), until(&world));
    before_create(&faults, "grave/", move || run(repo.hold(id, date, "test")).unwrap());
    let refused = run(deleting.repo.delete(id));
    assert!(matches!(refused, Err(GraveError::Held { .. })), "{refused:?}");
    world.collect_at_once();
    assert_eq!(world.restore(id, "root").unwrap(), disk(1, 20));

    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let (faults, holding) = faulty(&world, &world.store);
    let repo = world.repo.clone();
    before_create(&faults, "hold/", move || run(repo.delete(id)).unwrap());
    let refused = run(holding.repo.hold(id, until(&world), "test"));
    assert!(matches!(refused, Err(GraveError::Absent { .. })), "{refused:?}");
    assert!(world.store.keys("hold/").is_empty(), "nobody was promised this hold");
}

// proves: REPO-17
#[test]
fn collector_that_cannot_see_everything_deletes_nothing() {
    let world = World::new();
    let (gone, _) = world.backup(&[("root", &disk(1, 20))], &[]);
    let (kept, _) = world.backup(&[("root", &disk(2, 20))], &[]);
    run(world.repo.delete(gone)).unwrap();
    let keys = |prefix: &str| world.store.keys(prefix);
    let segment = ObjectKey::parse(&format!("index/{kept}-00000000")).unwrap();
    let manifest = ObjectKey::parse(&format!("manifest/{kept}")).unwrap();
    for (key, is_lost) in [(&segment, false), (&segment, true), (&manifest, false)] {
        let store = world.store.fork();
        if is_lost {
            store.remove(key);
        } else {
            store.overwrite(key, Bytes::from_static(b"something else"));
        }
        let stopped = collect(&over(&world, &store, Arc::new(store.clone())).repo);
        let error = stopped.expect_err("it must not trust what it sees");
        assert_eq!(error.class(), ErrorClass::Corruption, "{key}: {error}");
        assert_eq!(store.keys("pack/"), keys("pack/"));
        assert_eq!(store.keys("manifest/"), keys("manifest/"));
    }
}
