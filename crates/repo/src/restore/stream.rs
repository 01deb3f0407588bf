//! Reads a disk in order and hands its bytes out: exports, which nobody may seek in.
//!
//! # Invariants
//! - REPO-12: what cannot be read back ends the stream with an error before any byte of it.
//!
//! # Concurrency and crash
//! The stream reads ahead only while somebody asks it for more, so it may stand still for as long
//! as its session shows life: [`ReadSession::while_alive`].

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::{ByteRange, CancelToken};

use super::disk_reader::{BATCH, Batch, DiskReader};
use super::{ReadSession, RestoreError, kept_frames};
use crate::buffer::Buffer;
use crate::manifest::map::UNIT_LEN;
use crate::pack::frame::FRAME_LEN;
use crate::session::reader::READER_MEMORY;

/// Batches that are read before they are asked for.
const AHEAD: usize = 2;
/// Batches that are handed out and not yet dropped, as far as memory is counted.
const OUT: usize = 3;

/// Most memory that a stream holds on `width` threads, in bytes: 96 MiB on two.
const fn memory(width: usize) -> u64 {
    let batches = (AHEAD * 2 + OUT) * BATCH * UNIT_LEN;
    (READER_MEMORY + batches + width * 4 * FRAME_LEN + kept_frames::MEMORY) as u64
}

/// A part of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPiece {
    /// Where it lies.
    pub range: ByteRange,
    /// Its bytes; none where the map says that it reads as zeros.
    pub bytes: Option<Bytes>,
}

impl ReadSession {
    /// The bytes `range` of the disk `name`, in order and without gaps, as far as the disk goes.
    /// Beginning anywhere costs the way to its leaf in the map. Zeros are told and not read. The
    /// first piece waits for a share of the memory budget, which the stream keeps.
    pub fn read(
        &self,
        name: &str,
        range: ByteRange,
        cancel: &CancelToken,
    ) -> Result<BoxStream<'static, Result<DiskPiece, RestoreError>>, RestoreError> {
        let disk = Arc::new(self.disk(name, cancel)?);
        let unit = UNIT_LEN as u64;
        let batches = disk.batches(range.start / unit..range.end.div_ceil(unit));
        let filling = Arc::clone(&disk);
        let filled = batches
            .map_ok(move |batch| {
                let disk = Arc::clone(&filling);
                async move { disk.fill_checked(batch).await }
            })
            .try_buffered(AHEAD);
        let env = self.repo.env.clone();
        let pieces = filled
            .map_ok(move |(batch, buffer)| {
                stream::iter(pieces(&disk, &batch, buffer, range)).map(Ok)
            })
            .try_flatten();
        let held = async move {
            let share = env.memory.share(memory(env.compute.width())).await;
            pieces.map(move |piece| {
                // Moved in here, it is held until the stream is dropped.
                let _share = &share;
                piece
            })
        };
        Ok(held.flatten_stream().boxed())
    }

    /// Tells the parts of the disk `name` that hold data, in order; neighbours may come apart. Only
    /// the map is read.
    pub async fn data_runs(
        &self,
        name: &str,
        cancel: &CancelToken,
        mut found: impl FnMut(ByteRange) + Send,
    ) -> Result<(), RestoreError> {
        let disk = Arc::new(self.disk(name, cancel)?);
        let mut batches = disk.batches(0..disk.geometry.units);
        while let Some(batch) = batches.try_next().await? {
            let runs = batch.runs(&disk.geometry);
            runs.filter(|(_, has_data)| *has_data).for_each(|(range, _)| found(range));
        }
        Ok(())
    }

    /// Runs `work` while showing that the session lives; a restore does so by itself.
    pub async fn while_alive<T>(
        &self,
        work: impl Future<Output = Result<T, RestoreError>>,
    ) -> Result<T, RestoreError> {
        self.repo.while_alive(self.session, work).await
    }
}

/// A batch as pieces, as far as they are wanted.
fn pieces(
    disk: &DiskReader,
    batch: &Batch,
    buffer: Option<Buffer>,
    wanted: ByteRange,
) -> Vec<DiskPiece> {
    let whole = batch.range(&disk.geometry);
    let bytes = buffer.map(Bytes::from_owner);
    let at = |offset: u64| usize::try_from(offset - whole.start).unwrap_or(usize::MAX);
    let piece = |(run, has_data): (ByteRange, bool)| {
        let range = run.intersect(wanted)?;
        let bytes = bytes.as_ref().filter(|_| has_data);
        let bytes = bytes.map(|bytes| bytes.slice(at(range.start)..at(range.end)));
        Some(DiskPiece { range, bytes })
    };
    batch.runs(&disk.geometry).filter_map(piece).collect()
}
