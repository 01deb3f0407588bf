//! Makes a backup: scan, find what is new, frame, seal, upload, commit.
//!
//! # Why
//! Three stages run side by side, joined by short queues: the scan reads and names units on
//! several threads, the middle decides in order what is new and builds the map, the last sends.
//! The middle alone touches the index, so that look-ups need no locks worth the name.
//!
//! # Invariants
//! - REPO-11, REPO-3, REPO-9: announce, then read the sets, then the index; packs, then segments,
//!   then the manifest.
//! - What a source reports at its end (a change while it was read) fails the backup.
//!
//! # Concurrency and crash
//! Any number of writers at once. One that dies leaves packs and segments behind, which the next
//! writer of the same content uses and a collector removes otherwise.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use strongroom_base::ids::ManifestId;
use strongroom_base::{BlockSource, CancelToken, ErrorClass, Progress, SourceError};
use tokio::sync::mpsc;

use super::upload::{Known, SharedKnown, UPLOAD_MEMORY, Uploader};
use super::{Session, SessionKind, commit, scan};
use crate::buffer::BufferPool;
use crate::error::ReadError;
use crate::manifest::{BackupCost, DiskRecord, Manifest};
use crate::pack::frame::DEFAULT_LEVEL;
use crate::repository::Repository;
use crate::rules::Rule;
use crate::session::reader::{READER_MEMORY, UnitReader};
use crate::stage::{self, Stage};

/// Most memory that a backup holds on `width` threads, in bytes: 235 MiB on two.
pub(crate) const fn memory(width: usize) -> u64 {
    (scan::memory(width) + stage::memory(width) + UPLOAD_MEMORY + READER_MEMORY) as u64
}

/// A disk to back up.
#[derive(Clone)]
pub struct DiskInput {
    /// Its name, unique in the backup; the parent's disk of the same name is compared with it.
    pub name: String,
    /// Where its bytes come from.
    pub source: Arc<dyn BlockSource>,
}

/// What to back up and how.
#[derive(Clone)]
pub struct NewBackup {
    /// The disks, in the order in which the manifest lists them.
    pub disks: Vec<DiskInput>,
    /// Manifests to compare with; those that are deleted or unreadable are not used.
    pub parents: Vec<ManifestId>,
    /// The definition of the server that the disks belong to; opaque here.
    pub server: Option<String>,
    /// Whatever the caller wants to find again; opaque here.
    pub description: String,
    /// zstd level: 1 to 22; [`DEFAULT_LEVEL`] unless told otherwise.
    pub level: i32,
    /// Stops the work.
    pub cancel: CancelToken,
    /// Shows how far it has come.
    pub progress: Progress,
}

impl NewBackup {
    /// A backup of `disks` compared with `parents`, at the default level.
    pub fn of(disks: Vec<DiskInput>, parents: Vec<ManifestId>) -> Self {
        Self {
            disks,
            parents,
            server: None,
            description: String::new(),
            level: DEFAULT_LEVEL,
            cancel: CancelToken::new(),
            progress: Progress::new(),
        }
    }
}

/// Why a backup was not made. Nothing of it is visible then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// No disk was given.
    #[error("a backup needs at least one disk")]
    NoDisk,
    /// Two disks have one name.
    #[error("two disks are named {name}")]
    SameName {
        /// The name.
        name: String,
    },
    /// A disk could not be read.
    #[error("reading disk {name}")]
    Source {
        /// The disk.
        name: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The repository could not be read or written.
    #[error("writing the backup")]
    Repository(#[from] ReadError),
    /// The store stopped answering before it was decided whether the backup is made. It counts as
    /// not made unless it is listed later.
    #[error("it is not decided whether backup {id} was made")]
    Undecided {
        /// The id that it would have.
        id: ManifestId,
        /// What went wrong first.
        #[source]
        source: Box<BackupError>,
    },
    /// Somebody gave this session up before it could commit.
    #[error("the backup was given up, it showed no life for too long")]
    GivenUp,
    /// Verify found damage in what this backup was about to refer to.
    #[error("data that the backup refers to was found damaged meanwhile")]
    DamagedMeanwhile,
    /// The caller asked to stop.
    #[error("the backup was cancelled")]
    Cancelled,
}

impl BackupError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Repository(error) => error.class(),
            Self::Source { source, .. } => source.class(),
            Self::Undecided { source, .. } => source.class(),
            Self::GivenUp | Self::DamagedMeanwhile => ErrorClass::Retryable,
            _ => ErrorClass::Permanent,
        }
    }
}

impl Repository {
    /// Makes a backup. When this returns a manifest, the backup can be restored.
    pub async fn backup(&self, new: NewBackup) -> Result<(ManifestId, Manifest), BackupError> {
        check_names(&new)?;
        let _share = self.env.memory.share(memory(self.env.compute.width())).await;
        let started = self.env.clock.monotonic();
        let created = self.env.clock.now();
        let session = self.announce(SessionKind::Writer, new.parents.clone()).await?;
        let work = async {
            let mut manifest = self.write(session, &new).await?;
            manifest.created = created;
            let took = self.env.clock.monotonic().saturating_sub(started);
            manifest.cost.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            if self.obeys(Rule::ManifestLast) {
                commit::commit(self, session, &manifest).await?;
            }
            Ok(manifest)
        };
        match self.while_alive(session, Box::pin(work)).await {
            Ok(manifest) => Ok((session.id, manifest)),
            Err(error) => self.failed(session, error).await,
        }
    }

    /// Decides the manifest key before the backup is reported failed: a commit whose answer was
    /// lost may have succeeded, or may still be on its way.
    async fn failed(
        &self,
        session: Session,
        error: BackupError,
    ) -> Result<(ManifestId, Manifest), BackupError> {
        if !self.obeys(Rule::GiveUpFirst) {
            return Err(error);
        }
        match self.give_up(session.id, SessionKind::Writer, session.id).await {
            Ok(true) => Err(error),
            Ok(false) => match self.read_manifest(session.id).await? {
                Some(manifest) => Ok((session.id, manifest)),
                None => Err(error),
            },
            Err(_) => Err(BackupError::Undecided { id: session.id, source: Box::new(error) }),
        }
    }

    /// Everything between announcement and commit.
    async fn write(&self, session: Session, new: &NewBackup) -> Result<Manifest, BackupError> {
        new.progress.add_total(new.disks.iter().map(|disk| disk.source.size()).sum());
        let parents = self.usable_parents(&new.parents).await?;
        let view = self.load_view().await?;
        view.check_sets()?;
        let parent_ids = parents.iter().map(|(id, _)| *id).collect();
        // The parents' maps are read through a view of their own: it may be renewed at any time,
        // and what this session may refer to must stay as it was announced.
        let parent_view = if parents.is_empty() {
            crate::index::view::IndexView::default()
        } else {
            self.load_view().await?
        };
        let reader = Arc::new(UnitReader::new(self, parent_view));
        let known: SharedKnown = Arc::new(Mutex::new(Known { view, pending: HashSet::new() }));
        let (packs, arrivals) = mpsc::channel(1);
        let upload = Uploader::new(self, session.id, Arc::clone(&known), new.progress.clone());
        let mut stage = Stage::new(self, session.id, known, packs, new.level);
        let write = async {
            let mut disks = Vec::new();
            let pool = BufferPool::default();
            for input in &new.disks {
                let parent = parents.iter().find_map(|(_, manifest)| manifest.disk(&input.name));
                disks.push(write_disk(&mut stage, input, parent, &reader, new, &pool).await?);
            }
            let (read, fresh) = stage.finish().await?;
            let manifest = Manifest {
                created: self.env.clock.now(),
                parents: parent_ids,
                disks,
                server: new.server.clone(),
                description: new.description.clone(),
                cost: BackupCost { read, new: fresh, stored: 0, duration_ms: 0 },
            };
            if !self.obeys(Rule::ManifestLast) {
                // What a test leaves out: waiting until everything is durable and indexed.
                commit::commit(self, session, &manifest).await?;
            }
            Ok::<_, BackupError>(manifest)
        };
        let upload = async { upload.run(arrivals).await.map_err(BackupError::from) };
        let (mut manifest, stored) = futures_util::try_join!(write, upload)?;
        manifest.cost.stored = stored;
        Ok(manifest)
    }

    /// The parents that are neither deleted, nor perhaps deleted, nor unreadable.
    async fn usable_parents(
        &self,
        parents: &[ManifestId],
    ) -> Result<Vec<(ManifestId, Manifest)>, ReadError> {
        if parents.is_empty() {
            return Ok(Vec::new());
        }
        let graves = self.load_graves_where(|id| parents.contains(&id)).await?;
        let mut usable = Vec::new();
        for id in parents {
            let is_graved = graves.holds(*id) && self.obeys(Rule::GravedParent);
            if is_graved || graves.is_doubtful(*id) {
                continue;
            }
            match self.read_manifest(*id).await {
                Ok(Some(manifest)) => usable.push((*id, manifest)),
                Ok(None) | Err(ReadError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(usable)
    }
}

async fn write_disk(
    stage: &mut Stage,
    input: &DiskInput,
    parent: Option<&DiskRecord>,
    reader: &Arc<UnitReader>,
    new: &NewBackup,
    pool: &BufferPool,
) -> Result<DiskRecord, BackupError> {
    use futures_util::TryStreamExt as _;
    let wrong = |source| BackupError::Source { name: input.name.clone(), source };
    let size = input.source.size();
    let repo = reader.repo();
    let scan = scan::Scan {
        source: Arc::clone(&input.source),
        keys: repo.keys.clone(),
        compute: Arc::clone(&repo.env.compute),
        pool: pool.clone(),
        cancel: new.cancel.clone(),
        progress: new.progress.clone(),
    };
    stage.begin_disk(size, parent.map(|disk| (Arc::clone(reader), disk)));
    let mut pieces = std::pin::pin!(scan.pieces());
    while let Some(piece) = pieces.try_next().await.map_err(wrong)? {
        if new.cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        stage.push(piece).await?;
    }
    let root = stage.end_disk().await?;
    let source = Arc::clone(&input.source);
    crate::compute::run(&*repo.env.compute, move || source.check_unchanged())
        .await
        .map_err(wrong)?;
    if new.cancel.is_cancelled() {
        return Err(BackupError::Cancelled);
    }
    Ok(DiskRecord { name: input.name.clone(), size, root })
}

fn check_names(new: &NewBackup) -> Result<(), BackupError> {
    if new.disks.is_empty() {
        return Err(BackupError::NoDisk);
    }
    let mut names = BTreeSet::new();
    match new.disks.iter().find(|disk| !names.insert(&disk.name)) {
        Some(disk) => Err(BackupError::SameName { name: disk.name.clone() }),
        None => Ok(()),
    }
}
