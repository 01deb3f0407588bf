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
//! Why these steps suffice: docs/format.md, "Protocol", and `testing::protocol`.

pub(crate) mod census;
pub(crate) mod choose;
pub(crate) mod copy;
pub(crate) mod mark;
pub(crate) mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use strongroom_base::ErrorClass;
use strongroom_base::ids::{ManifestId, SessionId};

use crate::condemned::{CondemnedDoc, CondemnedSet};
use crate::error::ReadError;
use crate::gc::census::Census;
use crate::gc::choose::Choice;
use crate::gc::mark::Marks;
use crate::index::view::IndexView;
use crate::key::{self, PackId};
use crate::manifest::Manifest;
use crate::repository::Repository;
use crate::rules::Rule;
use crate::session::liveness::{AgeLiveness, Liveness};
use crate::session::reader::UnitReader;
use crate::session::{Session, SessionKind};

/// How often a waiting collector looks at the writers it waits for.
const POLL: Duration = Duration::from_secs(5);

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
        }
    }
}

/// What a collection did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Backups whose manifests were removed.
    pub manifests: Vec<ManifestId>,
    /// Packs removed.
    pub packs: u64,
    /// Bytes of the packs removed.
    pub removed_bytes: u64,
    /// Bytes written to keep what was still needed of them.
    pub moved_bytes: u64,
    /// Sessions that showed no life and were given up.
    pub given_up: u64,
    /// Deleted backups that stay until their delay is over.
    pub waiting: u64,
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
    /// Something could not be read.
    #[error("reading the repository")]
    Read(#[from] ReadError),
}

impl CollectError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Raced => ErrorClass::Retryable,
            Self::Index { .. } => ErrorClass::Corruption,
            Self::Read(error) => error.class(),
        }
    }
}

impl Repository {
    /// Deletes what nothing refers to.
    pub async fn collect(&self, options: &CollectOptions) -> Result<CollectReport, CollectError> {
        let session = self.announce(SessionKind::Collector, Vec::new()).await?;
        let collector = Collector {
            repo: self.clone(),
            session,
            options: options.clone(),
            rewritten: AtomicU32::new(0),
        };
        let result = self.while_alive(session, Box::pin(collector.run())).await;
        let ended = self.end(session).await;
        let report = result?;
        ended?;
        Ok(report)
    }
}

pub(crate) struct Collector {
    repo: Repository,
    session: Session,
    options: CollectOptions,
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

impl Collector {
    async fn run(self) -> Result<CollectReport, CollectError> {
        let mut report = CollectReport::default();
        let census = self.census(&mut report).await?;
        let reader = UnitReader::new(&self.repo, self.view().await?);
        check_index(&reader)?;
        let dead = census.dead_manifests(&self.repo, self.options.grave_delay);
        report.waiting = census.waiting(&dead);
        let roots = census.roots(&dead);
        let mut marks = Marks::new(reader.view());
        self.mark(&reader, &mut marks, &roots, &census.guests()).await?;
        let choice = self.choose(&census, &marks, &dead).await?;
        report.packs = choice.packs.len() as u64;
        report.removed_bytes = choice.bytes;
        report.manifests = choice.manifests.iter().copied().collect();
        if self.options.dry_run {
            report.moved_bytes = choice.live_bytes;
            return Ok(report);
        }
        let finish = self.publish(&census, choice).await?;
        if !finish.packs.is_empty() || !finish.manifests.is_empty() {
            self.finish(&census, reader, marks, &roots, &finish, &mut report).await?;
        }
        self.sweep(&census).await?;
        Ok(report)
    }

    /// Step (3): says what will be deleted.
    async fn publish(&self, census: &Census, choice: Choice) -> Result<Finish, CollectError> {
        let mut finish = Finish {
            packs: census.condemned.iter().flat_map(|set| &set.packs).copied().collect(),
            manifests: census.condemned.iter().flat_map(|set| &set.manifests).copied().collect(),
            sets: census.condemned.iter().filter_map(|set| census.unfinished(set)).collect(),
        };
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
        report.moved_bytes = match self.copy(&reader, &marks, &all).await {
            Err(error) if error.class() == ErrorClass::Corruption => {
                return Err(self.explain(error, &named).await?);
            }
            copied => copied?,
        };
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
        loop {
            let waited = self.repo.env.clock.monotonic().saturating_sub(started);
            let mut ended = Vec::new();
            for (id, session) in &open {
                let newest = self.newest_sign(*id, session.announced).await?;
                if self.repo.has_ended(*id).await? {
                    ended.push(*id);
                } else if self.options.liveness.is_dead(*id, newest, now.plus(waited)).await {
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
            self.repo.env.clock.sleep(POLL).await;
        }
    }

    /// The index, with every pack that it names either seen or known to be gone.
    async fn view(&self) -> Result<IndexView, ReadError> {
        let mut view = self.repo.load_view().await?;
        view.check_sets()?;
        self.repo.confirm_packs(&mut view).await?;
        Ok(view)
    }

    fn id(&self) -> SessionId {
        self.session.id
    }
}

fn check_index(reader: &UnitReader) -> Result<(), CollectError> {
    match reader.view().unreadable.len() {
        0 => Ok(()),
        count => Err(CollectError::Index { count }),
    }
}
