//! A simulated store with a repository in it, the actors who use it, and what was promised to them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use strongroom_base::block::testing::{MemorySink, MemorySource};
use strongroom_base::ids::ManifestId;
use strongroom_base::{CancelToken, ErrorClass, Progress, Secret, Timestamp};
use strongroom_repo::compute::Inline;
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::{ObjectError, ObjectKey};
use strongroom_repo::rules::Rule;
use strongroom_repo::testing::sim::{Ended, Executor, Faults, Objects, Request, SimClock, World};
use strongroom_repo::{
    AgeLiveness, BackupError, CollectError, CollectOptions, CollectReport, DiskInput, Env,
    GraveError, MemoryBudget, NewBackup, ReadError, Repository, RestoreError,
};

/// The content of a disk: a number for each unit, 0 for zeros. Also a backup's description.
pub(super) type Units = Vec<u8>;

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A promise of the engine was broken.
    Broken(String),
    /// The run did not get where its script wanted it; says nothing of the engine.
    Script(String),
}

pub(super) type Outcome<T = ()> = Result<T, Flaw>;

pub(super) fn broken<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Flaw::Broken(what.into()))
}

pub(super) fn script<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Flaw::Script(what.into()))
}

/// Longer than any script waits for one thing.
const PATIENCE: Duration = Duration::from_hours(48);

/// One simulated world.
pub(super) struct Cast {
    pub(super) executor: Executor,
    pub(super) world: Arc<World>,
    repo: Repository,
    without: Option<Rule>,
    /// Backups that must restore.
    pub(super) promised: BTreeMap<ManifestId, Units>,
    broken: Arc<Mutex<Option<String>>>,
}

/// Something that an actor reached.
#[derive(Clone)]
pub(super) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(super) fn is_reached(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Cast {
    /// An empty repository that obeys every rule but `without`.
    pub(super) fn new(seed: u64, without: Option<Rule>) -> Self {
        let mut executor = Executor::new(seed);
        executor.limit_steps(20_000_000);
        let world = World::new(&executor.sim());
        let env = env(&executor, &world, "founder", Faults::none(), 0);
        let init = async move { Repository::init(env, &Secret::new([7; 32])).await };
        let repo = executor.spawn("founder", init);
        executor.run().unwrap();
        let repo = repo.take().unwrap().unwrap();
        let broken = Arc::default();
        let cast = Self { executor, world, repo, without, promised: BTreeMap::new(), broken };
        cast.watch_deletes();
        cast
    }

    /// The repository as `actor` sees it.
    pub(super) fn repo(&self, actor: &str, faults: Faults) -> Repository {
        self.repo_skewed(actor, faults, 0)
    }

    /// The same for a machine whose clock is `skew_s` seconds ahead.
    pub(super) fn repo_skewed(&self, actor: &str, faults: Faults, skew_s: i64) -> Repository {
        let env = env(&self.executor, &self.world, actor, faults, skew_s);
        let repo = self.repo.clone().with_env(env);
        match self.without {
            Some(rule) => repo.without(rule),
            None => repo,
        }
    }

    /// Notes when a pack of a session that has not ended is deleted: a collector spares them.
    fn watch_deletes(&self) {
        let broken = Arc::clone(&self.broken);
        self.world.watch(Box::new(move |actor, request, objects| {
            let Request::Delete(key) = request else { return };
            let Some(name) = key.as_str().strip_prefix("pack/") else { return };
            let session = name.split('-').next().unwrap_or_default();
            if is_at_work(objects, session) {
                let what = format!("{actor} deletes {key} of a session at work");
                broken.lock().unwrap().get_or_insert(what);
            }
        }));
    }

    /// Stops `actor` for `pause` once a request of its has arrived that `is_it` wants; requests
    /// read as in the trace (`list session/`, `create manifest/..`).
    pub(super) fn gate(
        &self,
        actor: &str,
        pause: Duration,
        is_it: impl FnMut(&str) -> bool + Send + 'static,
    ) -> Gate {
        let sim = self.executor.sim();
        let paused = actor.to_owned();
        self.on(actor, is_it, move || sim.pause(&paused, pause))
    }

    /// Calls `then` once a request of `actor` has arrived that `is_it` wants.
    pub(super) fn on(
        &self,
        actor: &str,
        mut is_it: impl FnMut(&str) -> bool + Send + 'static,
        then: impl Fn() + Send + 'static,
    ) -> Gate {
        let reached = Arc::new(AtomicBool::new(false));
        let (flag, actor) = (Arc::clone(&reached), actor.to_owned());
        self.world.watch(Box::new(move |who, request, _| {
            if who == actor && !flag.load(Ordering::SeqCst) && is_it(&request.to_string()) {
                flag.store(true, Ordering::SeqCst);
                then();
            }
        }));
        Gate(reached)
    }

    /// Runs until `is_done`, second by second.
    pub(super) fn until(&mut self, what: &str, is_done: impl Fn() -> bool) -> Outcome {
        let end = self.executor.sim().now() + PATIENCE;
        while !is_done() {
            if self.executor.sim().now() > end {
                return script(format!("{what}: never"));
            }
            self.pass(Duration::from_secs(1))?;
        }
        Ok(())
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) -> Outcome {
        self.executor.run_for(time).map_err(|stuck| Flaw::Broken(stuck.to_string()))
    }

    /// Waits for what a task returns.
    pub(super) fn finish<T>(&mut self, ended: &Ended<T>) -> Outcome<T> {
        let end = self.executor.sim().now() + PATIENCE;
        loop {
            if let Some(value) = ended.take() {
                return Ok(value);
            }
            if self.executor.sim().now() > end {
                return broken("somebody waits for ever");
            }
            self.pass(Duration::from_secs(1))?;
        }
    }

    /// Waits until `gate` is reached or the task has returned.
    pub(super) fn reach_or_finish<T>(
        &mut self,
        gate: &Gate,
        ended: &Ended<T>,
    ) -> Outcome<Option<T>> {
        let end = self.executor.sim().now() + PATIENCE;
        while !gate.is_reached() {
            if let Some(value) = ended.take() {
                return Ok(Some(value));
            }
            if self.executor.sim().now() > end {
                return script("the gate was never reached");
            }
            self.pass(Duration::from_secs(1))?;
        }
        Ok(None)
    }

    pub(super) fn start_backup(
        &mut self,
        actor: &str,
        units: &[u8],
        parents: &[ManifestId],
    ) -> Ended<Result<ManifestId, BackupError>> {
        let repo = self.repo(actor, Faults::none());
        self.executor.spawn(actor, backup(repo, units.to_vec(), parents.to_vec()))
    }

    /// Notes what a backup promised.
    pub(super) fn made(
        &mut self,
        units: &[u8],
        result: Result<ManifestId, BackupError>,
    ) -> Outcome<Option<ManifestId>> {
        match result {
            Ok(id) => {
                self.promised.insert(id, units.to_vec());
                Ok(Some(id))
            }
            Err(BackupError::GivenUp | BackupError::DamagedMeanwhile) => Ok(None),
            Err(error) => broken(format!("a backup fails without a reason: {error:?}")),
        }
    }

    /// Makes a backup while nobody is in the way.
    pub(super) fn backup(&mut self, units: &[u8], parents: &[ManifestId]) -> Outcome<ManifestId> {
        let ended = self.start_backup("plain-writer", units, parents);
        let result = self.finish(&ended)?;
        match self.made(units, result)? {
            Some(id) => Ok(id),
            None => broken("a backup that nobody disturbs is given up"),
        }
    }

    /// Runs `work` of `actor` to its end on a store without faults.
    pub(super) fn act<T: 'static, F: Future<Output = T> + 'static>(
        &mut self,
        actor: &str,
        work: impl FnOnce(Repository) -> F,
    ) -> Outcome<T> {
        let repo = self.repo(actor, Faults::none());
        let ended = self.executor.spawn(actor, work(repo));
        self.finish(&ended)
    }

    /// Deletes a backup; nothing is promised of it any more.
    pub(super) fn delete(&mut self, id: ManifestId) -> Outcome {
        match self.act("user", move |repo| async move { repo.delete(id).await })? {
            Ok(()) => {
                self.promised.remove(&id);
                Ok(())
            }
            Err(error) => broken(format!("a deletion is refused: {error:?}")),
        }
    }

    /// Undeletes a backup; when that succeeds it is promised again.
    pub(super) fn undelete(&mut self, id: ManifestId, units: &[u8]) -> Outcome<bool> {
        let result = self.act("user", move |repo| async move { repo.undelete(id).await })?;
        self.revived(id, units, result.map(|_| ()))
    }

    /// Notes what an undelete or hold promised.
    pub(super) fn revived(
        &mut self,
        id: ManifestId,
        units: &[u8],
        result: Result<(), GraveError>,
    ) -> Outcome<bool> {
        match result {
            Ok(()) => {
                self.promised.insert(id, units.to_vec());
                Ok(true)
            }
            Err(GraveError::TooLate { .. } | GraveError::Absent { .. }) => Ok(false),
            Err(error) => broken(format!("{error:?}")),
        }
    }

    pub(super) fn start_collect(
        &mut self,
        actor: &str,
        options: CollectOptions,
    ) -> Ended<Result<CollectReport, CollectError>> {
        let repo = self.repo(actor, Faults::none());
        self.executor.spawn(actor, async move { Box::pin(repo.collect(&options)).await })
    }

    /// Collects while nobody is in the way.
    pub(super) fn collect(&mut self, options: CollectOptions) -> Outcome<CollectReport> {
        let ended = self.start_collect("plain-gc", options);
        let result = self.finish(&ended)?;
        match collected(result)? {
            Some(report) => Ok(report),
            None => broken("a collector that nobody disturbs does not get through"),
        }
    }

    /// The objects whose keys start with `prefix`.
    pub(super) fn keys(&self, prefix: &str) -> Vec<ObjectKey> {
        let objects = self.world.objects();
        objects.into_keys().filter(|key| key.as_str().starts_with(prefix)).collect()
    }

    /// Fails when something was noted as broken on the way.
    pub(super) fn check_noted(&self) -> Outcome {
        match self.broken.lock().unwrap().take() {
            Some(what) => broken(what),
            None => Ok(()),
        }
    }

    /// Everything that was promised restores, and so does everything that the catalog shows.
    pub(super) fn check(&mut self) -> Outcome {
        self.check_noted()?;
        let catalog = self.act("judge", |repo| async move { repo.catalog().await })?;
        let catalog = catalog.map_err(|error| Flaw::Broken(format!("catalog: {error:?}")))?;
        let live = catalog.backups.iter().filter(|entry| entry.deleted.is_none());
        let mut wanted = self.promised.clone();
        for entry in live {
            wanted.insert(entry.id, described(&entry.manifest.description));
        }
        for (id, units) in wanted {
            let restored = self.act("judge", move |repo| restore(repo, id))?;
            match restored {
                Ok(bytes) if bytes == content(&units) => {}
                Ok(_) => return broken(format!("backup {id} restores wrong bytes")),
                Err(error) => return broken(format!("backup {id} is lost: {error:?}")),
            }
        }
        self.check_noted()
    }
}

/// Whether a session is announced and nothing says that it has ended.
fn is_at_work(objects: &Objects, session: &str) -> bool {
    let has = |prefix: &str| {
        ObjectKey::parse(&format!("{prefix}{session}"))
            .is_some_and(|key| objects.contains_key(&key))
    };
    let is_graved = || {
        let grave = format!("grave/{session}-00000000");
        ObjectKey::parse(&grave).is_some_and(|key| objects.contains_key(&key))
    };
    has("session/") && !has("end/") && !has("manifest/") && !is_graved()
}

/// Sorts what a collector answers: not getting through is no flaw, missing something is.
pub(super) fn collected(
    result: Result<CollectReport, CollectError>,
) -> Outcome<Option<CollectReport>> {
    match result {
        Ok(report) => Ok(Some(report)),
        Err(error) if error.class() == ErrorClass::Retryable => Ok(None),
        Err(error) => broken(format!("a collector stops: {error:?}")),
    }
}

/// How scripts collect: at once, and patient with the actors that they stop.
pub(super) fn at_once() -> CollectOptions {
    CollectOptions {
        grave_delay: Duration::ZERO,
        liveness: Arc::new(AgeLiveness { after: Duration::from_hours(20) }),
        wait: Duration::from_hours(10),
        ..CollectOptions::default()
    }
}

fn env(executor: &Executor, world: &Arc<World>, actor: &str, faults: Faults, skew_s: i64) -> Env {
    let sim = executor.sim();
    let clock = Arc::new(SimClock::new(&sim, skew_s));
    let rng = Arc::new(sim.fork_rng());
    let store = Arc::new(world.store(actor, faults));
    let store = Arc::new(RetryStore::new(store, clock.clone(), Arc::new(sim.fork_rng())));
    Env { store, clock, rng, compute: Arc::new(Inline), memory: MemoryBudget::default() }
}

/// The bytes of a disk.
pub(super) fn content(units: &[u8]) -> Vec<u8> {
    static UNITS: OnceLock<Vec<u8>> = OnceLock::new();
    let all = UNITS.get_or_init(|| crate::world::disk(99, 64));
    let mut bytes = Vec::with_capacity(units.len() << 16);
    for unit in units {
        match usize::from(*unit) {
            0 => bytes.resize(bytes.len() + (1 << 16), 0),
            n => {
                bytes.extend_from_slice(all.get(n << 16..(n + 1) << 16).unwrap_or_default());
            }
        }
    }
    bytes
}

fn described(description: &str) -> Units {
    let units = description.split(':').next().unwrap_or_default();
    units.split(' ').filter_map(|unit| unit.parse().ok()).collect()
}

/// What a backup of `units` is described by; `note` tells it from others of the same content.
pub(super) fn description(units: &[u8], note: &str) -> String {
    let units: Vec<String> = units.iter().map(u8::to_string).collect();
    format!("{}:{note}", units.join(" "))
}

pub(super) async fn backup(
    repo: Repository,
    units: Units,
    parents: Vec<ManifestId>,
) -> Result<ManifestId, BackupError> {
    Box::pin(noted_backup(repo, units, parents, "")).await
}

pub(super) async fn noted_backup(
    repo: Repository,
    units: Units,
    parents: Vec<ManifestId>,
    note: &str,
) -> Result<ManifestId, BackupError> {
    let source = Arc::new(MemorySource::new(content(&units)));
    let disk = DiskInput { name: "root".to_owned(), source };
    let mut new = NewBackup::of(vec![disk], parents);
    new.description = description(&units, note);
    Ok(Box::pin(repo.backup(new)).await?.0)
}

pub(super) async fn restore(repo: Repository, id: ManifestId) -> Result<Vec<u8>, RestoreError> {
    let session = repo.read_backup(id).await?;
    let size = session.manifest().size();
    let sink = Arc::new(MemorySink::new(size));
    let (cancel, progress) = (CancelToken::new(), Progress::new());
    let restored = session.restore("root", sink.clone(), &cancel, &progress).await;
    let ended = session.end().await;
    restored?;
    // The bytes are there; an end that could not be announced only makes collectors wait.
    drop(ended);
    sink.check_complete().unwrap();
    Ok(sink.bytes())
}

/// Whether a store that did not answer, or a listing that betrayed itself, explains the error.
pub(super) fn is_transient(error: &ReadError) -> bool {
    matches!(error, ReadError::Store(ObjectError::Unavailable { .. }) | ReadError::StaleList { .. })
}

/// A date after everything that a run does.
pub(super) fn far_away(cast: &Cast) -> Timestamp {
    cast.world.time().plus(Duration::from_hours(1000 * 24))
}
