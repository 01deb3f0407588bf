//! Reads a disk in order and names its units, on several threads.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use strongroom_base::{BlockSource, ByteRange, CancelToken, ExtentKind, Progress, SourceError};

use crate::buffer::{Buffer, BufferPool};
use crate::compute::{self, Compute};
use crate::crypto::{RepoKeys, UnitId};
use crate::manifest::map::UNIT_LEN;

/// Bytes read and hashed by one job. Small enough that what was read is still in the cache when
/// it is hashed and compressed.
pub(crate) const CHUNK_LEN: usize = 4 << 20;
/// Bytes of disk whose allocation is asked for at once.
const WINDOW_LEN: u64 = 1 << 30;
/// Bytes read by one call.
const READ_LEN: usize = 1 << 20;

static ZEROS: [u8; UNIT_LEN] = [0; UNIT_LEN];

/// The next part of a disk.
#[derive(Debug)]
pub(crate) enum Piece {
    /// So many units read as zeros, known without reading.
    Zeros(u64),
    /// Units that were read.
    Chunk(Chunk),
}

/// Units that were read and named.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Arc<Buffer>,
    /// One for each unit in `bytes`; nothing where it is all zeros.
    pub(crate) units: Vec<Option<UnitId>>,
    /// Bytes that were really read.
    pub(crate) read: u64,
}

/// Most memory that a scan holds when `width` threads read: chunks that are read or wait for the
/// one before them.
pub(crate) const fn memory(width: usize) -> usize {
    (width + 2) * CHUNK_LEN
}

/// What a scan needs.
#[derive(Clone)]
pub(crate) struct Scan {
    pub(crate) source: Arc<dyn BlockSource>,
    pub(crate) keys: RepoKeys,
    pub(crate) compute: Arc<dyn Compute>,
    pub(crate) pool: BufferPool,
    pub(crate) cancel: CancelToken,
    pub(crate) progress: Progress,
}

/// A chunk to read: where, and which parts of it may hold data.
#[derive(Debug)]
struct Plan {
    range: ByteRange,
    data: Vec<ByteRange>,
}

impl Scan {
    /// The pieces of the disk in order.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Piece, SourceError>> {
        let size = self.source.size();
        let width = self.compute.width() + 1;
        let windows = (0..size.div_ceil(WINDOW_LEN)).map(move |n| {
            let start = n * WINDOW_LEN;
            ByteRange { start, end: (start + WINDOW_LEN).min(size) }
        });
        let planner = self.clone();
        stream::iter(windows)
            .then(move |window| planner.clone().plan(window))
            .flat_map(|plans| match plans {
                Ok(plans) => stream::iter(plans).map(Ok).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            })
            .map(move |plan| self.clone().run(plan))
            .buffered(width)
    }

    /// Splits a window into chunks.
    async fn plan(self, window: ByteRange) -> Result<Vec<Plan>, SourceError> {
        let source = Arc::clone(&self.source);
        let extents = compute::run(&*self.compute, move || source.extents(window)).await?;
        let data: Vec<_> = extents
            .into_iter()
            .filter(|extent| extent.kind == ExtentKind::Data)
            .map(|extent| extent.range)
            .collect();
        let mut plans = Vec::new();
        let mut start = window.start;
        let mut first = 0;
        while start < window.end {
            let range = ByteRange { start, end: (start + CHUNK_LEN as u64).min(window.end) };
            while data.get(first).is_some_and(|extent| extent.end <= range.start) {
                first += 1;
            }
            let data =
                data.iter().skip(first).map_while(|extent| extent.intersect(range)).collect();
            plans.push(Plan { range, data });
            start = range.end;
        }
        Ok(plans)
    }

    /// Reads and names a chunk; the job is queued at once.
    fn run(
        self,
        plan: Result<Plan, SourceError>,
    ) -> impl Future<Output = Result<Piece, SourceError>> {
        let compute = Arc::clone(&self.compute);
        let job = plan.map(|plan| {
            (!self.cancel.is_cancelled()).then(|| compute::run(&*compute, move || self.read(&plan)))
        });
        async move {
            match job? {
                Some(job) => job.await,
                // The consumer sees the cancellation itself; nothing more is read.
                None => Ok(Piece::Zeros(0)),
            }
        }
    }

    fn read(&self, plan: &Plan) -> Result<Piece, SourceError> {
        let len = usize::try_from(plan.range.len()).expect("a chunk is a few MiB");
        self.progress.add_done(plan.range.len());
        if plan.data.is_empty() {
            return Ok(Piece::Zeros(plan.range.len().div_ceil(UNIT_LEN as u64)));
        }
        let mut bytes = self.pool.take(len);
        let mut units = Vec::with_capacity(len.div_ceil(UNIT_LEN));
        let mut read = 0;
        let mut offset = plan.range.start;
        for part in bytes.chunks_mut(READ_LEN) {
            let range = ByteRange::at(offset, part.len() as u64);
            read += self.fill(range, &plan.data, part)?;
            units.extend(part.chunks(UNIT_LEN).map(|unit| self.name(unit)));
            offset = range.end;
        }
        Ok(Piece::Chunk(Chunk { bytes: Arc::new(bytes), units, read }))
    }

    /// Reads `range` into `part`: extents that hold data from the disk, zeros elsewhere.
    fn fill(
        &self,
        range: ByteRange,
        data: &[ByteRange],
        part: &mut [u8],
    ) -> Result<u64, SourceError> {
        let mut read = 0;
        let mut filled = range.start;
        let mut rest = part;
        for extent in data.iter().filter_map(|extent| extent.intersect(range)) {
            let gap = usize::try_from(extent.start - filled).unwrap_or(usize::MAX);
            let (zeros, tail) = rest.split_at_mut(gap.min(rest.len()));
            zeros.fill(0);
            let len = usize::try_from(extent.len()).unwrap_or(usize::MAX);
            let (target, tail) = tail.split_at_mut(len.min(tail.len()));
            self.source.read_at(extent.start, target)?;
            read += extent.len();
            filled = extent.end;
            rest = tail;
        }
        rest.fill(0);
        Ok(read)
    }

    fn name(&self, unit: &[u8]) -> Option<UnitId> {
        let is_zero = ZEROS.get(..unit.len()).is_some_and(|zeros| zeros == unit);
        (!is_zero).then(|| self.keys.unit_id(unit))
    }
}
