//! Restores a disk: reads its units, checks each, writes them to a sink.
//!
//! # Invariants
//! - REPO-12: nothing reaches the sink that was not authenticated and named anew.
//! - REPO-11: the reader announces itself and then looks at the graves; a deleted backup is not
//!   read.
//!
//! # Concurrency and crash
//! A restore that fails or dies never calls the sink's `finish`: a new file keeps its temporary
//! name, a disk in place is partly written and the same call repeats it.

mod disk_reader;
mod kept_frames;
mod loaded_frame;
mod stream;

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use strongroom_base::ids::ManifestId;
use strongroom_base::{BlockSink, ByteRange, CancelToken, ErrorClass, Progress, SinkError};

use crate::buffer::Buffer;
use crate::compute;
use crate::error::ReadError;
use crate::manifest::Manifest;
use crate::manifest::map::UNIT_LEN;
use crate::pack::frame::FRAME_LEN;
use crate::repository::Repository;
use crate::restore::disk_reader::{BATCH, Batch, DiskReader};
use crate::rules::Rule;
use crate::session::reader::{READER_MEMORY, UnitReader};
use crate::session::{Session, SessionKind};

pub use stream::DiskPiece;

/// Batches under way at the same time, beside those that are computed.
const AHEAD: usize = 4;

/// Most memory that a restore holds on `width` threads, in bytes: a batch under way has its bytes
/// and the sealed frames that they come from; and the frames that are kept for later batches.
const fn memory(width: usize) -> u64 {
    let batches = (width + AHEAD) * 2 * BATCH * UNIT_LEN;
    (READER_MEMORY + batches + width * 4 * FRAME_LEN + kept_frames::MEMORY) as u64
}

/// Why a backup could not be restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// No such backup, or it is deleted.
    #[error("no backup {id}")]
    Absent {
        /// Which.
        id: ManifestId,
    },
    /// The backup has no disk of that name.
    #[error("backup {id} has no disk {name}")]
    NoDisk {
        /// Which backup.
        id: ManifestId,
        /// The name asked for.
        name: String,
    },
    /// A part of the disk cannot be read back.
    #[error("disk {name} cannot be restored at byte {offset}")]
    Unit {
        /// The disk.
        name: String,
        /// Where on the disk.
        offset: u64,
        /// What is wrong.
        #[source]
        source: ReadError,
    },
    /// The repository could not be read.
    #[error("reading the backup")]
    Repository(#[from] ReadError),
    /// The target could not be written.
    #[error("writing the target")]
    Sink(#[from] SinkError),
    /// The caller asked to stop.
    #[error("the restore was cancelled")]
    Cancelled,
}

impl RestoreError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Repository(error) | Self::Unit { source: error, .. } => error.class(),
            Self::Sink(error) => error.class(),
            _ => ErrorClass::Permanent,
        }
    }
}

/// A backup that is being read: announced, so that no collector takes its data away.
pub struct ReadSession {
    repo: Repository,
    session: Session,
    id: ManifestId,
    manifest: Manifest,
    reader: Arc<UnitReader>,
}

impl Repository {
    /// Begins to read a backup.
    pub async fn read_backup(&self, id: ManifestId) -> Result<ReadSession, RestoreError> {
        let session = if self.obeys(Rule::ReaderAnnounces) {
            let session = self.announce(SessionKind::Reader, vec![id]).await?;
            self.refuse_graved(id, session).await?;
            session
        } else {
            // What a test leaves out: looking first, announcing afterwards.
            if self.load_graves_of(id).await?.holds(id) {
                return Err(RestoreError::Absent { id });
            }
            self.announce(SessionKind::Reader, vec![id]).await?
        };
        let opened = async {
            let manifest = self.read_manifest(id).await?.ok_or(RestoreError::Absent { id })?;
            let reader = Arc::new(UnitReader::new(self, self.load_view().await?));
            Ok(ReadSession { repo: self.clone(), session, id, manifest, reader })
        };
        let opened: Result<ReadSession, RestoreError> = opened.await;
        if opened.is_err() {
            self.end(session).await?;
        }
        opened
    }

    async fn refuse_graved(&self, id: ManifestId, session: Session) -> Result<(), RestoreError> {
        let graves = self.load_graves_of(id).await;
        if graves.as_ref().is_ok_and(|graves| !graves.holds(id)) {
            return Ok(());
        }
        self.end(session).await?;
        graves?;
        Err(RestoreError::Absent { id })
    }
}

impl ReadSession {
    /// The backup's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The backup's id.
    pub fn id(&self) -> ManifestId {
        self.id
    }

    pub(crate) fn reader(&self) -> &Arc<UnitReader> {
        &self.reader
    }

    /// Says that the reading has ended. Without it, a collector waits until the session shows no
    /// life any more.
    pub async fn end(self) -> Result<(), RestoreError> {
        Ok(self.repo.end(self.session).await?)
    }

    /// Writes the disk `name` to `sink` and finishes it.
    pub async fn restore(
        &self,
        name: &str,
        sink: Arc<dyn BlockSink>,
        cancel: &CancelToken,
        progress: &Progress,
    ) -> Result<(), RestoreError> {
        let disk = Arc::new(self.disk(name, cancel)?);
        let restore = DiskRestore { disk, sink, progress: progress.clone() };
        let run = async {
            // While it waits it shows life: it was announced when the backup was opened.
            let env = &self.repo.env;
            let _share = env.memory.share(memory(env.compute.width())).await;
            restore.run().await
        };
        self.repo.while_alive(self.session, run).await
    }

    fn disk(&self, name: &str, cancel: &CancelToken) -> Result<DiskReader, RestoreError> {
        let disk = self.manifest.disk(name);
        let disk =
            disk.ok_or_else(|| RestoreError::NoDisk { id: self.id, name: name.to_owned() })?;
        Ok(DiskReader::new(&self.repo, &self.reader, disk, cancel))
    }
}

/// One disk on its way to a sink.
struct DiskRestore {
    disk: Arc<DiskReader>,
    sink: Arc<dyn BlockSink>,
    progress: Progress,
}

impl DiskRestore {
    async fn run(&self) -> Result<(), RestoreError> {
        let disk = &self.disk;
        self.progress.add_total(disk.geometry.size);
        let batches = disk.batches(0..disk.geometry.units);
        let compute = &*disk.repo.env.compute;
        let ahead = compute.width() + AHEAD;
        if self.sink.in_order() {
            let filled = batches.map_ok(|batch| disk.fill_checked(batch)).try_buffered(ahead);
            let mut filled = std::pin::pin!(filled);
            while let Some((batch, buffer)) = filled.try_next().await? {
                self.write(batch, buffer).await?;
            }
        } else {
            let written = batches
                .map_ok(|batch| async {
                    let (batch, buffer) = disk.fill_checked(batch).await?;
                    self.write(batch, buffer).await
                })
                .try_buffer_unordered(ahead);
            written.try_collect::<()>().await?;
        }
        let sink = Arc::clone(&self.sink);
        Ok(compute::run(compute, move || sink.finish()).await?)
    }

    async fn write(&self, batch: Batch, buffer: Option<Buffer>) -> Result<(), RestoreError> {
        let geometry = self.disk.geometry;
        let range = batch.range(&geometry);
        let sink = Arc::clone(&self.sink);
        let job = move || {
            for (run, has_data) in batch.runs(&geometry) {
                match buffer.as_deref().filter(|_| has_data) {
                    Some(buffer) => sink.write_at(run.start, part(buffer, range, run))?,
                    None => sink.zero(run)?,
                }
            }
            Ok::<(), SinkError>(())
        };
        compute::run(&*self.disk.repo.env.compute, job).await?;
        self.progress.add_done(range.len());
        Ok(())
    }
}

/// The bytes of `run` in the buffer of `batch`.
fn part(buffer: &[u8], batch: ByteRange, run: ByteRange) -> &[u8] {
    let at = |offset: u64| usize::try_from(offset - batch.start).unwrap_or(usize::MAX);
    buffer.get(at(run.start)..at(run.end)).unwrap_or_default()
}
