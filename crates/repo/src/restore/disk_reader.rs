//! Reads the units of one disk, batch by batch: what a restore and an export have in common.
//!
//! # Invariants
//! - REPO-12: a batch that comes out was authenticated and named anew, unit by unit.

use std::ops::Range;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::{ByteRange, CancelToken};

use super::RestoreError;
use super::kept_frames::KeptFrames;
use super::loaded_frame::LoadedFrame;
use crate::buffer::{Buffer, BufferPool};
use crate::compute;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::key::PackId;
use crate::manifest::DiskRecord;
use crate::manifest::cursor::MapCursor;
use crate::manifest::map::{Geometry, UNIT_LEN};
use crate::manifest::node::{FAN_OUT, Node};
use crate::pack::open::FramePlace;
use crate::repository::Repository;
use crate::session::reader::{UnitReader, open_pack};

/// Units read by one job: 4 MiB.
pub(super) const BATCH: usize = 64;
/// Bytes between two frames that are rather read than skipped.
const GAP: u64 = 64 << 10;

/// Neighbouring units: which, and where on the disk the first one lies.
pub(super) struct Batch {
    pub(super) first: u64,
    pub(super) units: Vec<Option<UnitId>>,
}

/// Units of a batch that lie in one frame: where in the batch and where in the frame.
struct FrameWant {
    pack: PackId,
    frame: FramePlace,
    units: Vec<(usize, Location)>,
}

/// What came out of a batch: its bytes, and the units that need another try.
type Filled = (Buffer, Vec<usize>);

impl Batch {
    /// The bytes of the disk that it covers.
    pub(super) fn range(&self, geometry: &Geometry) -> ByteRange {
        let start = self.first * UNIT_LEN as u64;
        let end = start + (self.units.len() * UNIT_LEN) as u64;
        ByteRange { start, end: end.min(geometry.size) }
    }

    /// Runs of units that all hold data, or all read as zeros, with the bytes that they cover.
    pub(super) fn runs(&self, geometry: &Geometry) -> impl Iterator<Item = (ByteRange, bool)> {
        let whole = self.range(geometry);
        let mut start = whole.start;
        self.units.chunk_by(|a, b| a.is_some() == b.is_some()).map(move |run| {
            let end = (start + (run.len() * UNIT_LEN) as u64).min(whole.end);
            let range = ByteRange { start, end };
            start = end;
            (range, run.iter().any(Option::is_some))
        })
    }
}

/// One disk of a backup that is being read.
pub(super) struct DiskReader {
    pub(super) repo: Repository,
    pub(super) reader: Arc<UnitReader>,
    pub(super) disk: DiskRecord,
    pub(super) geometry: Geometry,
    pub(super) cancel: CancelToken,
    pool: BufferPool,
    kept: Arc<KeptFrames>,
}

impl DiskReader {
    pub(super) fn new(
        repo: &Repository,
        reader: &Arc<UnitReader>,
        disk: &DiskRecord,
        cancel: &CancelToken,
    ) -> Self {
        Self {
            repo: repo.clone(),
            reader: Arc::clone(reader),
            disk: disk.clone(),
            geometry: Geometry::of(disk.size),
            cancel: cancel.clone(),
            pool: BufferPool::default(),
            kept: Arc::default(),
        }
    }

    /// The batches of `units`, in order. Only the map is read, from the root to the first leaf and
    /// on; where a part of it is absent, one batch covers a whole leaf.
    pub(super) fn batches(
        self: &Arc<Self>,
        units: Range<u64>,
    ) -> BoxStream<'static, Result<Batch, RestoreError>> {
        let end = units.end.min(self.geometry.units);
        let units = units.start.min(end)..end;
        let cursor = MapCursor::new(Arc::clone(&self.reader), &self.disk);
        let first = units.start / FAN_OUT as u64;
        let state = (Arc::clone(self), cursor, first);
        let batches = stream::try_unfold(state, move |(this, mut cursor, n)| {
            let units = units.clone();
            async move {
                if units.is_empty() || n * FAN_OUT as u64 >= units.end {
                    return Ok::<_, RestoreError>(None);
                }
                if this.cancel.is_cancelled() {
                    return Err(RestoreError::Cancelled);
                }
                let leaf = cursor.leaf(n).await?.map(|(_, node)| node);
                Ok(Some((split(n, leaf.as_deref(), &units), (this, cursor, n + 1))))
            }
        });
        // Boxed, or the compiler cannot see that the whole may move between threads.
        batches.map_ok(|batches| stream::iter(batches).map(Ok)).try_flatten().boxed()
    }

    /// Reads and checks a batch; what cannot be read at one place is read at another.
    pub(super) async fn fill_checked(
        &self,
        batch: Batch,
    ) -> Result<(Batch, Option<Buffer>), RestoreError> {
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
}

/// The batches of leaf `n`, as far as they are wanted.
fn split(n: u64, leaf: Option<&Node>, wanted: &Range<u64>) -> Vec<Batch> {
    let start = n * FAN_OUT as u64;
    let first = start.max(wanted.start);
    let end = (start + FAN_OUT as u64).min(wanted.end).max(first);
    let inside = |unit: u64| usize::try_from(unit - start).unwrap_or(FAN_OUT);
    match leaf {
        None => vec![Batch { first, units: vec![None; inside(end) - inside(first)] }],
        Some(leaf) => leaf
            .children
            .get(inside(first)..inside(end))
            .unwrap_or_default()
            .chunks(BATCH)
            .zip((first..).step_by(BATCH))
            .map(|(units, first)| Batch { first, units: units.to_vec() })
            .collect(),
    }
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
