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

mod kept_frames;
mod loaded_frame;

use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::ids::ManifestId;
use strongroom_base::{BlockSink, ByteRange, CancelToken, ErrorClass, Progress, SinkError};

use crate::buffer::{Buffer, BufferPool};
use crate::compute;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::key::PackId;
use crate::manifest::cursor::MapCursor;
use crate::manifest::map::{Geometry, UNIT_LEN};
use crate::manifest::node::{FAN_OUT, Node};
use crate::manifest::{DiskRecord, Manifest};
use crate::pack::frame::FRAME_LEN;
use crate::pack::open::FramePlace;
use crate::repository::Repository;
use crate::restore::kept_frames::KeptFrames;
use crate::restore::loaded_frame::LoadedFrame;
use crate::rules::Rule;
use crate::session::reader::{READER_MEMORY, UnitReader, open_pack};
use crate::session::{Session, SessionKind};

/// Units restored by one job: 4 MiB.
const BATCH: usize = 64;
/// Batches under way at the same time, beside those that are computed.
const AHEAD: usize = 4;
/// Bytes between two frames that are rather read than skipped.
const GAP: u64 = 64 << 10;

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

/// What a batch needs: which units, and where on the disk the first one lies.
struct Batch {
    first: u64,
    units: Vec<Option<UnitId>>,
}

/// Units of a batch that lie in one frame: where in the batch and where in the frame.
struct FrameWant {
    pack: PackId,
    frame: FramePlace,
    units: Vec<(usize, Location)>,
}

/// What came out of a batch: its bytes, and the units that need another try.
type Filled = (Buffer, Vec<usize>);

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
        let disk = self
            .manifest
            .disk(name)
            .ok_or_else(|| RestoreError::NoDisk { id: self.id, name: name.to_owned() })?;
        let restore = DiskRestore {
            repo: self.repo.clone(),
            reader: Arc::clone(&self.reader),
            disk: disk.clone(),
            geometry: Geometry::of(disk.size),
            sink,
            cancel: cancel.clone(),
            progress: progress.clone(),
            pool: BufferPool::default(),
            kept: Arc::default(),
        };
        let run = async {
            // While it waits it shows life: it was announced when the backup was opened.
            let env = &self.repo.env;
            let _share = env.memory.share(memory(env.compute.width())).await;
            restore.run().await
        };
        self.repo.while_alive(self.session, run).await
    }
}

/// One disk on its way to a sink.
struct DiskRestore {
    repo: Repository,
    reader: Arc<UnitReader>,
    disk: DiskRecord,
    geometry: Geometry,
    sink: Arc<dyn BlockSink>,
    cancel: CancelToken,
    progress: Progress,
    pool: BufferPool,
    kept: Arc<KeptFrames>,
}

impl DiskRestore {
    async fn run(&self) -> Result<(), RestoreError> {
        self.progress.add_total(self.disk.size);
        let cursor = MapCursor::new(Arc::clone(&self.reader), &self.disk);
        let batches = stream::try_unfold((cursor, 0), |(mut cursor, n)| async move {
            if n >= self.geometry.leaves {
                return Ok::<_, RestoreError>(None);
            }
            let leaf = cursor.leaf(n).await?.map(|(_, node)| node);
            Ok(Some((self.split(n, leaf.as_deref()), (cursor, n + 1))))
        });
        // Boxed, or the compiler cannot see that the whole may move between threads.
        let batches = batches.map_ok(|batches| stream::iter(batches).map(Ok)).try_flatten().boxed();
        let ahead = self.repo.env.compute.width() + AHEAD;
        if self.sink.in_order() {
            let filled = batches.map_ok(|batch| self.fill_checked(batch)).try_buffered(ahead);
            let mut filled = std::pin::pin!(filled);
            while let Some((batch, buffer)) = filled.try_next().await? {
                self.write(batch, buffer).await?;
            }
        } else {
            let written = batches
                .map_ok(|batch| async {
                    let (batch, buffer) = self.fill_checked(batch).await?;
                    self.write(batch, buffer).await
                })
                .try_buffer_unordered(ahead);
            written.try_collect::<()>().await?;
        }
        let sink = Arc::clone(&self.sink);
        Ok(compute::run(&*self.repo.env.compute, move || sink.finish()).await?)
    }

    /// The batches of leaf `n`.
    fn split(&self, n: u64, leaf: Option<&Node>) -> Vec<Batch> {
        let first = n * FAN_OUT as u64;
        let count = usize::try_from(self.geometry.units - first).unwrap_or(FAN_OUT).min(FAN_OUT);
        match leaf {
            None => vec![Batch { first, units: vec![None; count] }],
            Some(leaf) => leaf
                .children
                .get(..count)
                .unwrap_or_default()
                .chunks(BATCH)
                .zip((first..).step_by(BATCH))
                .map(|(units, first)| Batch { first, units: units.to_vec() })
                .collect(),
        }
    }

    /// Reads and checks a batch; what cannot be read at one place is read at another.
    async fn fill_checked(&self, batch: Batch) -> Result<(Batch, Option<Buffer>), RestoreError> {
        if self.cancel.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        if batch.units.iter().all(Option::is_none) {
            return Ok((batch, None));
        }
        let (mut buffer, again) = self.fill(&batch).await?;
        for n in again {
            let range = self.unit_range(&batch, n);
            if let (Some(id), Some(out)) =
                (batch.units.get(n).copied().flatten(), buffer.get_mut(range))
            {
                self.reader.unit(id, out).await.map_err(|source| RestoreError::Unit {
                    name: self.disk.name.clone(),
                    offset: (batch.first + n as u64) * UNIT_LEN as u64,
                    source,
                })?;
            }
        }
        Ok((batch, Some(buffer)))
    }

    /// Where unit `n` of a batch lies in its buffer.
    fn unit_range(&self, batch: &Batch, n: usize) -> Range<usize> {
        let start = n * UNIT_LEN;
        start..start + self.geometry.unit_len(batch.first + n as u64)
    }

    async fn fill(&self, batch: &Batch) -> Result<Filled, RestoreError> {
        let view = self.reader.view();
        let (wants, mut again) = wants(&view, batch);
        let mut loads = Vec::new();
        for group in coalesce(wants) {
            loads.push(self.load(&view, group));
        }
        let mut loaded = Vec::new();
        for load in futures_util::future::join_all(loads).await {
            match load {
                Ok(frames) => loaded.extend(frames),
                Err((units, ReadError::Damaged { .. })) => again.extend(units),
                Err((_, error)) => return Err(error.into()),
            }
        }
        let ends: Vec<_> = (0..batch.units.len()).map(|n| self.unit_range(batch, n)).collect();
        let units = batch.units.clone();
        let (keys, kept) = (self.repo.keys.clone(), Arc::clone(&self.kept));
        let mut buffer = self.pool.take(ends.last().map_or(0, |range| range.end));
        let job = move || {
            for frame in &loaded {
                again.extend(frame.unpack(&ends, &units, &keys, &kept, &mut buffer));
            }
            (buffer, again)
        };
        Ok(compute::run(&*self.repo.env.compute, job).await)
    }

    /// Reads the sealed bytes of neighbouring frames of one pack.
    async fn load(
        &self,
        view: &IndexView,
        group: Vec<FrameWant>,
    ) -> Result<Vec<LoadedFrame>, (Vec<usize>, ReadError)> {
        let units = || group.iter().flat_map(|want| want.units.iter().map(|(n, _)| *n)).collect();
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(vec![]) };
        let range = ByteRange { start: first.frame.range().start, end: last.frame.range().end };
        let pack = open_pack(&self.repo, view, first.pack).map_err(|error| (units(), error))?;
        let pack = Arc::new(pack);
        let bytes =
            self.reader.sealed(first.pack, range).await.map_err(|error| (units(), error))?;
        let place = |frame: FramePlace| {
            let start = usize::try_from(frame.range().start - range.start).unwrap_or(usize::MAX);
            start..start.saturating_add(frame.sealed_len as usize)
        };
        let frame = |want: FrameWant| LoadedFrame {
            id: want.pack,
            pack: Arc::clone(&pack),
            frame: want.frame,
            sealed: bytes.slice(place(want.frame)),
            units: want.units,
        };
        Ok(group.into_iter().map(frame).collect())
    }

    async fn write(&self, batch: Batch, buffer: Option<Buffer>) -> Result<(), RestoreError> {
        let start = batch.first * UNIT_LEN as u64;
        let end = (start + (batch.units.len() * UNIT_LEN) as u64).min(self.disk.size);
        let sink = Arc::clone(&self.sink);
        let job = move || match buffer {
            None => sink.zero(ByteRange { start, end }),
            Some(buffer) => write_runs(&*sink, start, end, &batch.units, &buffer),
        };
        compute::run(&*self.repo.env.compute, job).await?;
        self.progress.add_done(end - start);
        Ok(())
    }
}

/// Writes runs of data and runs of zeros, each by one call.
fn write_runs(
    sink: &dyn BlockSink,
    start: u64,
    end: u64,
    units: &[Option<UnitId>],
    buffer: &[u8],
) -> Result<(), SinkError> {
    let mut n = 0;
    for run in units.chunk_by(|a, b| a.is_some() == b.is_some()) {
        let from = n * UNIT_LEN;
        n += run.len();
        let range =
            ByteRange { start: start + from as u64, end: (start + (n * UNIT_LEN) as u64).min(end) };
        if run.iter().all(Option::is_none) {
            sink.zero(range)?;
        } else {
            let bytes = buffer.get(from..(n * UNIT_LEN).min(buffer.len())).unwrap_or_default();
            sink.write_at(range.start, bytes)?;
        }
    }
    Ok(())
}

/// Sorts the units of a batch by the frames they lie in; those with no copy come out second.
fn wants(view: &IndexView, batch: &Batch) -> (Vec<FrameWant>, Vec<usize>) {
    let mut wants: Vec<FrameWant> = Vec::new();
    let mut missing = Vec::new();
    for (n, id) in batch.units.iter().enumerate() {
        let Some(id) = id else { continue };
        let Some(entry) = view.readable(id) else {
            missing.push(n);
            continue;
        };
        let location = entry.location;
        let same = |want: &&mut FrameWant| {
            want.pack == location.pack && want.frame.part == location.frame.part
        };
        match wants.iter_mut().rev().find(same) {
            Some(want) => want.units.push((n, location)),
            None => wants.push(FrameWant {
                pack: location.pack,
                frame: location.frame,
                units: vec![(n, location)],
            }),
        }
    }
    wants.sort_by_key(|want| (want.pack, want.frame.offset));
    (wants, missing)
}

/// Groups frames that one range read can cover.
fn coalesce(wants: Vec<FrameWant>) -> Vec<Vec<FrameWant>> {
    let mut groups: Vec<Vec<FrameWant>> = Vec::new();
    for want in wants {
        let near = groups.last().and_then(|group| group.last()).is_some_and(|last| {
            last.pack == want.pack && last.frame.range().end + GAP >= want.frame.range().start
        });
        match groups.last_mut() {
            Some(group) if near => group.push(want),
            _ => groups.push(vec![want]),
        }
    }
    groups
}
