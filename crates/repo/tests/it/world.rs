//! A repository in memory for tests, and disks to put into it.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::block::testing::{MemorySink, MemorySource};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::ManifestId;
use strongroom_base::rng::SeededRng;
use strongroom_base::{CancelToken, Clock, Progress, Rng, Secret, Timestamp};
use strongroom_repo::compute::Inline;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::{
    AgeLiveness, BackupError, CollectOptions, DiskInput, Env, Manifest, MemoryBudget, NewBackup,
    Repository, RestoreError,
};

/// A clock that moves only when a test moves it; sleeping moves it too.
#[derive(Debug)]
pub(crate) struct HandClock(std::sync::atomic::AtomicU64);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(micros, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now().0)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        // A heartbeat must not run away with the time of a test: long sleeps never end.
        if duration >= Duration::from_mins(1) {
            return Box::pin(std::future::pending());
        }
        self.advance(duration);
        Box::pin(async {})
    }
}

/// A repository in memory with everything around it.
pub(crate) struct World {
    pub(crate) clock: Arc<HandClock>,
    pub(crate) store: MemoryStore,
    pub(crate) repo: Repository,
    pub(crate) key: Secret,
}

/// Runs a future to its end on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl World {
    pub(crate) fn new() -> Self {
        let start = 1_800_000_000_000_000;
        let clock = Arc::new(HandClock(start.into()));
        let store = MemoryStore::new(clock.clone());
        let key = Secret::new([42; 32]);
        let env = Env {
            store: Arc::new(store.clone()),
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(1)),
            compute: Arc::new(Inline),
            memory: MemoryBudget::default(),
        };
        let repo = run(Repository::init(env, &key)).unwrap();
        Self { clock, store, repo, key }
    }

    pub(crate) fn backup(
        &self,
        disks: &[(&str, &[u8])],
        parents: &[ManifestId],
    ) -> (ManifestId, Manifest) {
        self.try_backup(disks, parents).unwrap()
    }

    pub(crate) fn try_backup(
        &self,
        disks: &[(&str, &[u8])],
        parents: &[ManifestId],
    ) -> Result<(ManifestId, Manifest), BackupError> {
        let disks = disks
            .iter()
            .map(|(name, bytes)| DiskInput {
                name: (*name).to_owned(),
                source: Arc::new(MemorySource::new(bytes.to_vec())),
            })
            .collect();
        run(self.repo.backup(NewBackup::of(disks, parents.to_vec())))
    }

    pub(crate) fn restore(&self, id: ManifestId, disk: &str) -> Result<Vec<u8>, RestoreError> {
        run(async {
            let session = self.repo.read_backup(id).await?;
            let size = session.manifest().disk(disk).map_or(0, |disk| disk.size);
            let sink = Arc::new(MemorySink::new(size));
            let (cancel, progress) = (CancelToken::new(), Progress::new());
            let restored = session.restore(disk, sink.clone(), &cancel, &progress).await;
            session.end().await?;
            restored?;
            sink.check_complete().unwrap();
            Ok(sink.bytes())
        })
    }

    pub(crate) fn collect_at_once(&self) -> strongroom_repo::CollectReport {
        let options = CollectOptions {
            grave_delay: Duration::ZERO,
            liveness: Arc::new(AgeLiveness::default()),
            ..CollectOptions::default()
        };
        run(self.repo.collect(&options)).unwrap()
    }
}

/// `units` units of 64 KiB, each with content of its own that compresses to about half.
pub(crate) fn disk(seed: u64, units: usize) -> Vec<u8> {
    let rng = SeededRng::new(seed);
    let mut bytes = vec![0; units << 16];
    for half in bytes.chunks_mut(512) {
        rng.fill(&mut half[..256]);
    }
    bytes
}
