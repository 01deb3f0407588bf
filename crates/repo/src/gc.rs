//! The collector: finds what nothing refers to and deletes it, while others read and write.
//!
//! # Why
//! Deletion is the dangerous verb. The collector waits for no lock and trusts no clock: it
//! publishes what it is about to delete, waits for the writers that may not have seen that, looks
//! again at everything that could have come to need it, copies what is still needed, and only then
//! deletes.
//!
//! # Invariants
//! - REPO-16: what is deleted was published as condemned before, and since then every writer that
//!   may not have read that has ended, and everything that could need it was marked again.
//! - REPO-17: a collector that cannot see everything (a stale listing, an unreadable manifest or
//!   index segment, a unit without a copy) stops before it deletes.
//!
//! # Concurrency and crash
//! Any number of collectors at once. One that dies leaves its condemned set behind, which the next
//! one finishes.
//!
//! # Not here
//! Why these steps suffice: docs/format.md, "Protocol", and the crate `strongroom-protocol`.

pub(crate) mod census;
pub(crate) mod choose;
pub(crate) mod copy;
mod idle;
pub(crate) mod mark;
mod pass;
mod spill;
pub(crate) mod sweep;
mod wanted;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_base::ids::{ManifestId, SessionId};
use strongroom_base::{CancelToken, ErrorClass, Progress};

use crate::condemned::{CondemnedDoc, CondemnedSet};
use crate::error::ReadError;
use crate::gc::census::Census;
use crate::gc::choose::Choice;
use crate::gc::mark::Marks;
use crate::gc::watch::Watch;
use crate::index::view::IndexView;
use crate::key::{self, PackId};
use crate::manifest::Manifest;
use crate::repository::Repository;
use crate::rules::Rule;
use crate::session::liveness::{AgeLiveness, Liveness};
use crate::session::reader::UnitReader;
use crate::session::{Session, SessionKind};

/// How often a waiting collector looks at the writers it waits for, in [`NAP`]s.
const POLL: u32 = 5;
/// How long a waiting collector does not look whether it has to stop.
const NAP: Duration = Duration::from_secs(1);

/// What a collection, or another pass over all maps, holds beside some bits for each unit, in bytes
/// (ARCHITECTURE.md).
pub(crate) const MEMORY: u64 = 400 << 20;

/// How to collect.
#[derive(Clone)]
pub struct CollectOptions {
    /// How long a deletion can be taken back. Default 24 h, 0 allowed.
    pub grave_delay: Duration,
    /// Judges sessions that show no life.
    pub liveness: Arc<dyn Liveness>,
    /// How long to wait for writers before leaving the rest to the next collection.
    pub wait: Duration,
    /// How long a request may be on its way after its sender gave up.
    pub latest_arrival: Duration,
    /// How many graves of backups collected long ago are worth a new buried set. Default 64.
    pub merge_graves: usize,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Look at everything even when nothing seems to have happened since the last collection.
    pub full: bool,
    /// After how long to stop and leave the rest to the next collection. Nothing is decided before
    /// all maps are read, so a budget below that time removes nothing, ever.
    pub budget: Option<Duration>,
    /// Stops the work.
    pub cancel: CancelToken,
    /// Shows how far it has come, phase by phase.
    pub progress: Progress,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            grave_delay: Duration::from_hours(24),
            liveness: Arc::new(AgeLiveness::default()),
            wait: Duration::from_mins(10),
            latest_arrival: Duration::from_hours(7 * 24),
            merge_graves: 64,
            dry_run: false,
            full: false,
            budget: None,
            cancel: CancelToken::new(),
            progress: Progress::new(),
        }
    }
}

/// What a collection did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Backups whose manifests were removed.
    pub manifests: Vec<ManifestId>,
    /// Packs removed, those that a collection which died had condemned among them.
    pub packs: u64,
    /// Bytes of the packs removed.
    pub removed_bytes: u64,
    /// Bytes written to keep what was still needed of them; of a dry run, about how many.
    pub moved_bytes: u64,
    /// Sessions that showed no life and were given up.
    pub given_up: u64,
    /// Deleted backups that stay until their delay is over.
    pub waiting: u64,
    /// What the next collection has to do because the time of this one was over.
    pub left: Option<Left>,
}

/// What a collection leaves to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It did not come to know what to remove.
    Everything,
    /// Packs that are condemned and still there.
    Condemned {
        /// How many.
        packs: u64,
        /// Their bytes.
        bytes: u64,
    },
}

impl CollectReport {
    /// Counts a pack as removed.
    fn removed(&mut self, size: u64) {
        self.packs += 1;
        self.removed_bytes += size;
        if let Some(Left::Condemned { packs, bytes }) = &mut self.left {
            *packs = packs.saturating_sub(1);
            *bytes = bytes.saturating_sub(size);
        }
    }
}

/// Why a collection stopped. Nothing that is needed was deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// A writer is still at work that may not have seen what is condemned.
    #[error("{count} writers are still at work")]
    Busy {
        /// How many.
        count: usize,
    },
    /// An index segment cannot be read, so that what it names looks like garbage.
    #[error("{count} index segments cannot be read")]
    Index {
        /// How many.
        count: usize,
    },
    /// Another collection removed what this one was about to keep, and nobody needs it any more.
    #[error("another collection was faster")]
    Raced,
    /// The caller asked to stop.
    #[error("the collection was cancelled")]
    Cancelled,
    /// The time given is over; [`Repository::collect`] reports that as [`CollectReport::left`].
    #[error("the time for the collection is over")]
    OutOfTime,
    /// Something could not be read.
    #[error("reading the repository")]
    Read(#[from] ReadError),
}

impl CollectError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Raced | Self::OutOfTime => ErrorClass::Retryable,
            Self::Cancelled => ErrorClass::Permanent,
            Self::Index { .. } => ErrorClass::Corruption,
            Self::Read(error) => error.class(),
        }
    }
}

impl Repository {
    /// Deletes what nothing refers to.
    pub async fn collect(&self, options: &CollectOptions) -> Result<CollectReport, CollectError> {
        let _share = self.env.memory.share(MEMORY).await;
        let session = self.announce(SessionKind::Collector, Vec::new()).await?;
        let CollectOptions { budget, cancel, progress, .. } = options;
        let collector = Collector {
            repo: self.clone(),
            session,
            options: options.clone(),
            watch: Watch::new(&self.env.clock, *budget, cancel, progress),
            index: Mutex::default(),
            rewritten: AtomicU32::new(0),
        };
        let mut report = CollectReport::default();
        let result = self.while_alive(session, Box::pin(collector.run(&mut report))).await;
        let was_thorough = match result {
            Ok(Extent::Everything) => Some(true),
            Ok(Extent::Nothing) => None,
            Err(_) if options.dry_run => None,
            Err(_) => Some(false),
        };
        let ended = self.end_as(session, was_thorough).await;
        match result {
            Ok(_) | Err(CollectError::OutOfTime) => {}
            Err(error) => return Err(error),
        }
        ended?;
        Ok(report)
    }
}

/// How much a collection that came to its end did.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// There was nothing to do, or it was a dry run.
    Nothing,
    /// Nothing is left that could be removed.
    Everything,
}

pub(crate) struct Collector {
    repo: Repository,
    session: Session,
    options: CollectOptions,
    watch: Watch,
    /// The segments of the newest view: they need not be read again for the next.
    index: Mutex<IndexView>,
    /// How many index segments this collector has rewritten: their keys are numbered.
    rewritten: AtomicU32,
}

/// What this collector finishes: its own condemned set and those of collectors that died.
struct Finish {
    packs: BTreeSet<PackId>,
    manifests: BTreeSet<ManifestId>,
    /// The names of the sets.
    sets: Vec<String>,
}

impl Finish {
    /// What collectors that died, or whose time was over, have left; and packs of finished sets
    /// that are there all the same, because they arrived late.
    fn of(census: &Census) -> Self {
        let mut finish =
            Self { packs: BTreeSet::new(), manifests: BTreeSet::new(), sets: Vec::new() };
        for set in &census.condemned {
            let unfinished = census.unfinished(set);
            let is_left = |pack: &&PackId| unfinished.is_some() || census.packs.contains_key(*pack);
            finish.packs.extend(set.packs.iter().filter(is_left));
            if unfinished.is_some() {
                finish.manifests.extend(&set.manifests);
            }
            finish.sets.extend(unfinished);
        }
        finish
    }

    fn is_empty(&self) -> bool {
        self.packs.is_empty() && self.manifests.is_empty() && self.sets.is_empty()
    }

    fn sizes<'f>(&'f self, census: &'f Census) -> impl Iterator<Item = u64> + 'f {
        self.packs.iter().filter_map(|pack| census.packs.get(pack).copied())
    }

    /// Bytes of its packs that are still there.
    fn bytes(&self, census: &Census) -> u64 {
        self.sizes(census).sum()
    }
}

impl Collector {
    async fn run(self, report: &mut CollectReport) -> Result<Extent, CollectError> {
        report.left = Some(Left::Everything);
        let census = self.census(report).await?;
        let dead = census.dead_manifests(&self.repo, self.options.grave_delay);
        report.waiting = census.waiting(&dead);
        if dead.is_empty() && self.is_idle(&census, report) {
            report.left = None;
            if !self.options.dry_run {
                self.sweep(&census).await?;
            }
            return Ok(Extent::Nothing);
        }
        self.watch.check()?;
        self.watch.begin("reading the index", 0);
        let reader = UnitReader::new(&self.repo, self.view().await?);
        check_index(&reader)?;
        let roots = census.roots(&dead);
        let mut marks = Marks::new(reader.view());
        self.mark(&reader, &mut marks, &roots, &census.guests()).await?;
        self.watch.begin("choosing packs", 0);
        let choice = self.choose(&census, &marks, &dead).await?;
        if self.options.dry_run {
            foresee(report, &census, choice);
            return Ok(Extent::Nothing);
        }
        let finish = self.publish(&census, choice).await?;
        let packs = finish.sizes(&census).count() as u64;
        report.left = Some(Left::Condemned { packs, bytes: finish.bytes(&census) });
        if !finish.is_empty() {
            self.finish(&census, reader, marks, &roots, &finish, report).await?;
        }
        report.left = None;
        self.sweep(&census).await?;
        Ok(Extent::Everything)
    }

    /// Step (3): says what will be deleted.
    async fn publish(&self, census: &Census, choice: Choice) -> Result<Finish, CollectError> {
        let mut finish = Finish::of(census);
        if choice.packs.is_empty() && choice.manifests.is_empty() {
            return Ok(finish);
        }
        let at = key::numbered(key::CONDEMNED, self.session.id, 0);
        let doc = CondemnedDoc {
            packs: choice.packs.iter().copied().map(Into::into).collect(),
            manifests: choice.manifests.iter().copied().collect(),
        };
        self.repo.create_control(&at, &doc).await?;
        finish.packs.extend(choice.packs);
        finish.manifests.extend(choice.manifests);
        finish.sets.extend(key::name(&at, key::CONDEMNED).map(str::to_owned));
        Ok(finish)
    }

    /// Steps (4) to (7).
    async fn finish(
        &self,
        census: &Census,
        reader: UnitReader,
        mut marks: Marks,
        roots: &BTreeMap<ManifestId, Manifest>,
        finish: &Finish,
        report: &mut CollectReport,
    ) -> Result<(), CollectError> {
        let mut guests = BTreeSet::new();
        if self.repo.obeys(Rule::RelistSessions) {
            guests = self.wait_for_writers(report).await?;
        }
        let mut again = roots.clone();
        let mut spared = BTreeSet::new();
        if self.repo.obeys(Rule::RelistManifests) {
            let second = self.second_look(census, &guests).await?;
            spared = second.alive;
            again.extend(second.newcomers);
        }
        let condemned = self.repo.list_fresh(key::CONDEMNED).await?;
        let condemned = CondemnedSet::of(&self.repo.read_condemned(condemned).await?);
        let all = if self.repo.obeys(Rule::CondemnedIsNoCopy) {
            condemned
        } else {
            CondemnedSet::from_packs(finish.packs.iter().copied())
        };
        reader.replace(self.view().await?);
        check_index(&reader)?;
        let named: BTreeSet<_> = again.keys().chain(&guests).copied().collect();
        if marks.is_of(&reader.view()) {
            let newcomers = again.into_iter().filter(|(id, _)| !roots.contains_key(id)).collect();
            self.mark(&reader, &mut marks, &newcomers, &guests).await?;
        } else {
            marks = Marks::new(reader.view());
            self.mark(&reader, &mut marks, &again, &guests).await?;
        }
        let reader = Arc::new(reader);
        match self.copy(&reader, &marks, &all, report).await {
            Err(error) if error.class() == ErrorClass::Corruption => {
                return Err(self.explain(error, &named, marks.view()).await?);
            }
            copied => copied?,
        }
        // Their memory is not needed any more.
        drop((reader, marks));
        self.rewrite_index(&finish.packs).await?;
        self.delete(census, finish, &spared, report).await?;
        Ok(())
    }

    /// Step (4): waits until each writer that may not have seen the condemned set has ended; the
    /// answer is what readers and writers that are there now refer to.
    async fn wait_for_writers(
        &self,
        report: &mut CollectReport,
    ) -> Result<BTreeSet<ManifestId>, CollectError> {
        let (mut open, now) = self.open_sessions().await?;
        open.remove(&self.session.id);
        let guests = open.values().flat_map(|open| open.doc.manifests.clone()).collect();
        open.retain(|_, session| session.doc.kind == SessionKind::Writer);
        let started = self.repo.env.clock.monotonic();
        self.watch.begin("waiting for writers", 0);
        loop {
            self.watch.check()?;
            let waited = self.repo.env.clock.monotonic().saturating_sub(started);
            let mut ended = Vec::new();
            for (id, session) in &open {
                if self.repo.has_ended(*id).await? {
                    ended.push(*id);
                } else if self.is_silent(*id, session.announced, now.plus(waited)).await? {
                    self.repo.give_up(*id, SessionKind::Writer, self.session.id).await?;
                    report.given_up += 1;
                    ended.push(*id);
                }
            }
            open.retain(|id, _| !ended.contains(id));
            if open.is_empty() {
                return Ok(guests);
            }
            if waited >= self.options.wait {
                return Err(CollectError::Busy { count: open.len() });
            }
            for _ in 0..POLL {
                self.repo.env.clock.sleep(NAP).await;
                self.watch.check()?;
            }
        }
    }

    /// The index, with every pack that it names either seen or known to be gone.
    async fn view(&self) -> Result<IndexView, ReadError> {
        let earlier =
            std::mem::take(&mut *self.index.lock().unwrap_or_else(PoisonError::into_inner));
        let mut view = self.repo.load_view_after(&earlier).await?;
        view.check_sets()?;
        self.repo.confirm_packs(&mut view).await?;
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = view.segments_only();
        Ok(view)
    }

    fn id(&self) -> SessionId {
        self.session.id
    }
}

/// What a collection would do now.
fn foresee(report: &mut CollectReport, census: &Census, choice: Choice) {
    let mut finish = Finish::of(census);
    finish.packs.extend(choice.packs);
    finish.manifests.extend(choice.manifests);
    let is_there = |id: &ManifestId| census.manifests.contains_key(id);
    report.manifests = finish.manifests.into_iter().filter(is_there).collect();
    finish.manifests = BTreeSet::new();
    report.left = None;
    report.moved_bytes = choice.live_bytes;
    for size in finish.sizes(census) {
        report.removed(size);
    }
}

fn check_index(reader: &UnitReader) -> Result<(), CollectError> {
    match reader.view().unreadable.len() {
        0 => Ok(()),
        count => Err(CollectError::Index { count }),
    }
}
