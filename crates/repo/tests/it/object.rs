//! The stores that need no server, and the decorators.

use std::collections::VecDeque;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteCount, ByteRange, Clock, Timestamp};
use strongroom_repo::object::local::LocalStore;
use strongroom_repo::object::local::directory_files::LocalOpenError;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::object::metrics::{CountingStore, Usage};
use strongroom_repo::object::overlay::OverlayStore;
use strongroom_repo::object::probe::{ProbeError, probe};
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};
use strongroom_repo::testing::conformance::Case;

strongroom_repo::object_store_conformance!(memory, with_memory);
strongroom_repo::object_store_conformance!(local, with_local);

/// A clock that stands until somebody sleeps.
#[derive(Debug, Default)]
struct TestClock(Mutex<Duration>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        *self.0.lock().unwrap() += duration;
        Box::pin(std::future::ready(()))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

fn memory() -> MemoryStore {
    MemoryStore::new(Arc::new(TestClock::default()))
}

fn with_memory(case: Case) {
    block_on(case(&memory()));
}

fn with_local(case: Case) {
    let dir = tempfile::tempdir().unwrap();
    block_on(case(&LocalStore::open(dir.path()).unwrap()));
}

type Fail = fn(ObjectKey) -> ObjectError;

/// Answers calls with errors for as long as there are some, then passes them on.
#[derive(Debug)]
struct Failing {
    inner: MemoryStore,
    errors: Mutex<VecDeque<Fail>>,
}

impl Failing {
    fn with(errors: &[Fail]) -> Arc<Self> {
        let errors = Mutex::new(errors.iter().copied().collect());
        Arc::new(Self { inner: memory(), errors })
    }

    fn next(&self, key: &ObjectKey) -> ObjectResult<()> {
        self.errors.lock().unwrap().pop_front().map_or(Ok(()), |error| Err(error(key.clone())))
    }
}

impl ObjectStore for Failing {
    fn label(&self) -> String {
        "failing".to_owned()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            self.next(key)?;
            self.inner.put(key, bytes).await
        })
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.put(key, bytes)
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
        self.inner.list(prefix)
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        self.inner.delete(key)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "one of several functions of a type")]
fn unavailable(key: ObjectKey) -> ObjectError {
    ObjectError::Unavailable { at: key.to_string(), source: "come back later".into() }
}

fn full(key: ObjectKey) -> ObjectError {
    ObjectError::Full { key }
}

fn read_only(key: ObjectKey) -> ObjectError {
    ObjectError::ReadOnly { key }
}

fn retrying(inner: Arc<dyn ObjectStore>) -> (RetryStore, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    (RetryStore::new(inner, clock.clone(), Arc::new(SeededRng::new(1))), clock)
}

#[test]
fn retry_of_an_unavailable_store_succeeds_once_it_is_back() {
    let failing = Failing::with(&[unavailable as Fail; 5]);
    let (store, clock) = retrying(failing.clone());
    block_on(store.put(&key("pack/1"), Bytes::from_static(b"x"))).unwrap();
    assert_eq!(failing.inner.raw(&key("pack/1")).unwrap(), "x");
    let slept = clock.monotonic();
    // 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s, each at least half of that.
    assert!(slept >= Duration::from_millis(3_100) && slept <= Duration::from_millis(6_200));
}

#[test]
fn retry_of_a_lost_store_ends_within_a_minute() {
    let (store, clock) = retrying(Failing::with(&[unavailable as Fail; 1_000]));
    let error = block_on(store.put(&key("pack/1"), Bytes::new())).unwrap_err();
    assert!(matches!(error, ObjectError::Unavailable { .. }), "{error:?}");
    let slept = clock.monotonic();
    assert!(slept > Duration::from_secs(30) && slept < Duration::from_secs(55), "{slept:?}");
}

#[test]
fn retry_of_a_full_or_read_only_store_does_not_happen() {
    for error in [full, read_only] {
        let (store, clock) = retrying(Failing::with(&[unavailable, error]));
        let error = block_on(store.put(&key("pack/1"), Bytes::new())).unwrap_err();
        assert!(matches!(error, ObjectError::Full { .. } | ObjectError::ReadOnly { .. }));
        assert!(clock.monotonic() <= Duration::from_millis(200), "only the first was waited for");
    }
}

#[test]
fn counting_store_counts_requests_and_bytes_by_kind() {
    let store = CountingStore::new(Arc::new(memory()));
    block_on(async {
        store.put(&key("pack/1"), Bytes::from(vec![0; 100])).await.unwrap();
        store.create(&key("session/1"), Bytes::from(vec![0; 7])).await.unwrap();
        store.create(&key("session/1"), Bytes::from(vec![0; 7])).await.unwrap_err();
        store.get(&key("pack/1")).await.unwrap();
        store.get_range(&key("pack/1"), ByteRange::at(0, 10)).await.unwrap();
        store.list("").await.unwrap();
        store.delete(&key("pack/1")).await.unwrap();
    });
    let usage = store.usage();
    assert_eq!(usage.requests(), 7);
    assert_eq!(usage.create, Usage { requests: 2, failures: 1, bytes: ByteCount(7) });
    assert_eq!((usage.written(), usage.read()), (ByteCount(107), ByteCount(110)));
}

strongroom_repo::object_store_conformance!(overlay, with_overlay);

/// An overlay that has taken over from a store which is full.
fn overlay() -> (OverlayStore, MemoryStore) {
    let failing = Failing::with(&[full]);
    let inner = failing.inner.clone();
    let store = OverlayStore::new(failing, Arc::new(TestClock::default()), |_| ());
    block_on(store.put(&key("pack/first"), Bytes::new())).unwrap();
    block_on(store.delete(&key("pack/first"))).unwrap();
    assert!(store.is_in_use());
    (store, inner)
}

fn with_overlay(case: Case) {
    let (store, inner) = overlay();
    block_on(case(&store));
    assert_eq!(inner.keys(""), [], "the full store has nothing of it");
}

#[test]
fn overlay_writes_through_until_the_store_refuses() {
    let failing = Failing::with(&[]);
    let inner = failing.inner.clone();
    let told = Arc::new(Mutex::new(0));
    let tell = Arc::clone(&told);
    let store = OverlayStore::new(failing.clone(), Arc::new(TestClock::default()), move |_| {
        *tell.lock().unwrap() += 1;
    });
    let (one, two, three) = (key("session/1"), key("session/2"), key("session/3"));
    block_on(async {
        store.create(&one, Bytes::from_static(b"1")).await.unwrap();
        assert!(!store.is_in_use());
        failing.errors.lock().unwrap().push_back(full);
        store.create(&two, Bytes::from_static(b"2")).await.unwrap();
        store.put(&three, Bytes::from_static(b"3")).await.unwrap();
        assert!(store.is_in_use());
        assert_eq!(inner.keys(""), std::slice::from_ref(&one));
        assert_eq!(store.list("session/").await.unwrap().len(), 3);
        assert_eq!(store.get(&two).await.unwrap(), "2");
        let taken = store.create(&one, Bytes::new()).await;
        assert!(matches!(taken, Err(ObjectError::AlreadyExists { .. })), "{taken:?}");
        store.delete(&two).await.unwrap();
        assert_eq!(store.list("session/").await.unwrap().len(), 2);
    });
    assert_eq!(*told.lock().unwrap(), 1);
    // An unavailable store is not a full one.
    let failing = Failing::with(&[unavailable]);
    let store = OverlayStore::new(failing, Arc::new(TestClock::default()), |_| ());
    let refused = block_on(store.put(&one, Bytes::new()));
    assert!(matches!(refused, Err(ObjectError::Unavailable { .. })), "{refused:?}");
    assert!(!store.is_in_use());
}

// proves: REPO-1
#[test]
fn probe_of_good_stores_passes_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let stores: [&dyn ObjectStore; 2] = [&memory(), &LocalStore::open(dir.path()).unwrap()];
    for store in stores {
        let report = block_on(probe(store, &SeededRng::new(7))).unwrap();
        assert_eq!((report.races, report.racers), (20, 16));
        assert_eq!(block_on(store.list("")).unwrap(), []);
    }
}

/// What a broken store does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Broken {
    Overwrites,
    LosersWrite,
    HidesFromLists,
    SecondCreateWins,
}

#[derive(Debug)]
struct BrokenStore(MemoryStore, Broken);

impl ObjectStore for BrokenStore {
    fn label(&self) -> String {
        "broken".to_owned()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.0.put(key, bytes)
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            let again = bytes.starts_with(b"a create");
            match self.1 {
                Broken::Overwrites => self.0.overwrite(key, bytes),
                Broken::SecondCreateWins if again => self.0.overwrite(key, bytes),
                Broken::LosersWrite if self.0.raw(key).is_some() => {
                    self.0.overwrite(key, bytes.clone());
                    return self.0.create(key, bytes).await;
                }
                _ => return self.0.create(key, bytes).await,
            }
            Ok(())
        })
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.0.get(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.0.get_range(key, range)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        let prefix = if self.1 == Broken::HidesFromLists { "nowhere/" } else { prefix };
        Box::pin(async move { self.0.list(prefix).await })
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        self.0.delete(key)
    }
}

#[test]
fn probe_of_a_broken_store_names_the_guarantee_and_cleans_up() {
    let check = |broken: Broken, expected: fn(&ProbeError) -> bool| {
        let store = BrokenStore(memory(), broken);
        let error = block_on(probe(&store, &SeededRng::new(7))).unwrap_err();
        assert!(expected(&error) && error.is_broken_guarantee(), "{broken:?}: {error}");
        assert_eq!(store.0.keys(""), [], "{broken:?}");
    };
    check(Broken::Overwrites, |error| matches!(error, ProbeError::Winners { winners: 16 }));
    check(Broken::LosersWrite, |error| matches!(error, ProbeError::WrongBytes));
    check(Broken::HidesFromLists, |error| matches!(error, ProbeError::NotListed));
    check(Broken::SecondCreateWins, |error| matches!(error, ProbeError::Replaced));
}

#[test]
fn memory_store_fork_is_independent() {
    let store = memory();
    store.overwrite(&key("pack/1"), Bytes::from_static(b"x"));
    let fork = store.fork();
    store.remove(&key("pack/1")).unwrap();
    assert_eq!(fork.raw(&key("pack/1")).unwrap(), "x");
    store.restore_snapshot(fork.snapshot());
    assert_eq!(store.keys("pack/"), [key("pack/1")]);
}

#[test]
fn local_open_of_a_missing_place_or_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::File::create(&file).unwrap();
    let open = |path: &Path| LocalStore::open(path).unwrap_err();
    assert!(matches!(open(&dir.path().join("absent")), LocalOpenError::Absent { .. }));
    assert!(matches!(open(&file), LocalOpenError::NotADirectory { .. }));
    let below = LocalStore::create(&file.join("below")).unwrap_err();
    assert!(matches!(below, LocalOpenError::NotADirectory { .. }), "{below:?}");
    LocalStore::create(&dir.path().join("new/deep")).unwrap();
    LocalStore::create(&dir.path().join("new/deep")).unwrap();
}

#[test]
fn local_store_whose_directory_vanished_is_not_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let store = LocalStore::create(&root).unwrap();
    std::fs::remove_dir(&root).unwrap();
    let failed = |error| matches!(error, ObjectError::Failed { .. });
    assert!(failed(block_on(store.list("")).unwrap_err()));
    assert!(failed(block_on(store.list("pack/")).unwrap_err()));
    assert!(failed(block_on(store.get(&key("pack/1"))).unwrap_err()));
    assert!(failed(block_on(store.put(&key("pack/1"), Bytes::new())).unwrap_err()));
}

#[test]
fn local_put_of_other_bytes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path()).unwrap();
    let key = key("pack/1");
    block_on(store.put(&key, Bytes::from_static(b"one"))).unwrap();
    for other in ["two", "on", "one and more"] {
        let error = block_on(store.put(&key, Bytes::from(other))).unwrap_err();
        assert!(matches!(error, ObjectError::AlreadyExists { .. }), "{error:?}");
    }
    assert_eq!(block_on(store.get(&key)).unwrap(), "one");
    assert_eq!(std::fs::read_dir(dir.path().join(".tmp")).unwrap().count(), 0);
}

#[test]
fn local_store_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::File::create(elsewhere.path().join("1")).unwrap();
    let store = LocalStore::open(dir.path()).unwrap();
    symlink(elsewhere.path(), dir.path().join("pack")).unwrap();
    std::fs::create_dir(dir.path().join("hold")).unwrap();
    symlink(elsewhere.path().join("1"), dir.path().join("hold/1")).unwrap();
    block_on(async {
        assert!(store.get(&key("pack/1")).await.is_err());
        assert!(store.get(&key("hold/1")).await.is_err());
        assert!(store.put(&key("pack/2"), Bytes::new()).await.is_err());
        assert_eq!(store.list("").await.unwrap(), []);
        store.delete(&key("pack/1")).await.unwrap_err();
    });
    assert!(elsewhere.path().join("1").exists() && !elsewhere.path().join("2").exists());
}

#[test]
fn local_list_ignores_what_is_no_object() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path()).unwrap();
    block_on(store.put(&key("pack/1"), Bytes::new())).unwrap();
    for foreign in [".tmp/0123", "README", "pack/.hidden"] {
        std::fs::File::create(dir.path().join(foreign)).unwrap();
    }
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    let listed = block_on(store.list("")).unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(block_on(store.list("../")).unwrap(), []);
}

#[test]
fn local_sweep_removes_only_old_temporaries() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path()).unwrap();
    let week = Duration::from_hours(7 * 24);
    let now = strongroom_base::clock::system_now();
    assert_eq!(block_on(store.sweep_temporaries(now, week)).unwrap(), 0);
    block_on(store.put(&key("pack/1"), Bytes::new())).unwrap();
    std::fs::File::create(dir.path().join(".tmp/left")).unwrap();
    assert_eq!(block_on(store.sweep_temporaries(now, week)).unwrap(), 0);
    let later = now.plus(week + Duration::from_mins(1));
    assert_eq!(block_on(store.sweep_temporaries(later, week)).unwrap(), 1);
    assert_eq!(block_on(store.list("")).unwrap().len(), 1);
}
