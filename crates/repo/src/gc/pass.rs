//! One pass over the nodes of maps, in the order in which they lie, in bounded memory.
//!
//! # Why
//! A node at a time, each looked up and read for itself, costs a request for each 16 MiB of disk
//! and a look-up in every segment for each unit. So nodes are taken level by level, many at once:
//! looked up together, read in long runs with several reads under way. The names of units are set
//! aside and looked up in parts.
//!
//! # Invariants
//! - Every byte was authenticated and named anew (REPO-12); a run that cannot be read is read node
//!   by node, from any copy.
//! - Memory is bounded by the index (`Marks`) and by the sizes below, not by the maps.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::{ByteRange, ErrorClass};

use super::CollectError;
use super::mark::Marks;
use super::spill::{Part, Spill};
use super::wanted::{Among, Wanted};
use super::watch::Watch;
use crate::compute;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::key::PackId;
use crate::manifest::Manifest;
use crate::manifest::map::Geometry;
use crate::manifest::node::{FAN_OUT, Node};
use crate::repository::Repository;
use crate::session::reader::{UnitReader, open_pack, unit_in};

/// Nodes that are looked up together.
const BATCH: usize = 1 << 20;
/// Most bytes of one read, and most bytes between two frames that are read together.
const RUN_LEN: u64 = 4 << 20;
const GAP: u64 = 256 << 10;
/// Reads under way at the same time.
const READS: usize = 4;
/// Names of units set aside before they are looked up, unless the index is longer.
const UNITS: usize = 1 << 20;
/// One look-up costs about as much as going past so many entries of a segment, for each segment.
const LOOK_UP: usize = 8;

/// What the progress calls the reading of nodes.
const READING: &str = "reading maps";

/// What it means when a node or unit has no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It ends the pass.
    IsError,
    /// What is below it is not walked.
    IsFine,
}

/// Marks all that some manifests refer to.
pub(crate) struct Pass<'p> {
    reader: &'p UnitReader,
    marks: &'p mut Marks,
    watch: &'p Watch,
    missing: Missing,
    /// Nodes to read, by level.
    nodes: Vec<Vec<UnitId>>,
    units: Spill,
}

/// Where a node lies: number of the segment, of the frame in it, of the entry in it.
type Place = (usize, usize, usize);

/// Nodes that are read together.
struct Run {
    pack: PackId,
    range: ByteRange,
    nodes: Vec<(UnitId, Location)>,
}

impl<'p> Pass<'p> {
    pub(crate) fn new(
        reader: &'p UnitReader,
        marks: &'p mut Marks,
        watch: &'p Watch,
        missing: Missing,
    ) -> Self {
        Self { reader, marks, watch, missing, nodes: Vec::new(), units: Spill::default() }
    }

    /// Adds the disks of a manifest.
    pub(crate) fn add(&mut self, manifest: &Manifest) {
        for disk in &manifest.disks {
            let level = usize::from(Geometry::of(disk.size).root_level);
            if let Some(root) = disk.root {
                self.at_level(level).push(root);
            }
        }
    }

    fn at_level(&mut self, level: usize) -> &mut Vec<UnitId> {
        if self.nodes.len() <= level {
            self.nodes.resize_with(level + 1, Vec::new);
        }
        self.nodes.get_mut(level).expect("it was just made")
    }

    /// Walks everything that was added.
    pub(crate) async fn run(mut self) -> Result<(), CollectError> {
        while let Some((level, ids)) = self.next_batch() {
            self.walk(level, ids).await?;
        }
        self.match_units().await
    }

    /// Nodes of one level: the lowest that has enough of them, else the highest that has any, so
    /// that no level collects much more than a batch.
    fn next_batch(&mut self) -> Option<(usize, Vec<UnitId>)> {
        let full = self.nodes.iter().position(|ids| ids.len() >= BATCH);
        let level = full.or_else(|| self.nodes.iter().rposition(|ids| !ids.is_empty()))?;
        let most = if level == 0 { 2 * BATCH } else { BATCH / FAN_OUT };
        let ids = self.at_level(level);
        let rest = ids.len().saturating_sub(most);
        Some((level, ids.split_off(rest)))
    }

    async fn walk(&mut self, level: usize, ids: Vec<UnitId>) -> Result<(), CollectError> {
        let places = self.look_up(ids).await?;
        let view = Arc::clone(self.marks.view());
        let mut left = sealed_len(&view, &places);
        self.watch.begin(READING, left);
        let (reader, missing) = (self.reader, self.missing);
        let runs = Runs { view: Arc::clone(&view), places: places.into_iter().peekable() };
        let mut reads = stream::iter(runs)
            .map(|run| {
                let view = Arc::clone(&view);
                async move {
                    let len = run.range.len();
                    Ok::<_, ReadError>((len, read(reader, &view, run, level, missing).await?))
                }
            })
            .buffered(READS);
        while let Some((len, children)) = reads.try_next().await? {
            self.watch.check()?;
            self.watch.add_done(len);
            left = left.saturating_sub(len);
            if level > 0 {
                self.at_level(level - 1).extend(children);
                continue;
            }
            for unit in children {
                self.units.push(unit).map_err(ReadError::Local)?;
            }
            if self.units.len() >= view.len().max(UNITS) {
                self.match_units().await?;
                self.watch.begin(READING, left);
            }
        }
        Ok(())
    }

    /// Marks nodes; the answer is where those lie that were not marked before, in order.
    async fn look_up(&mut self, ids: Vec<UnitId>) -> Result<Vec<Place>, CollectError> {
        self.watch.check()?;
        let view = Arc::clone(self.marks.view());
        let mut places = Vec::new();
        let is_few = ids.len() * view.segments().len() <= view.len() / LOOK_UP;
        let found = if is_few {
            ids.iter().map(|id| self.marks.best(id).ok_or(*id)).collect()
        } else {
            self.look_up_many(Wanted::new(ids)).await
        };
        for number in found {
            match number {
                Ok(number) if self.marks.set(number) => places.extend(place(&view, number)),
                Ok(_) => {}
                Err(id) => self.miss(id)?,
            }
        }
        places.sort_unstable();
        Ok(places)
    }

    async fn look_up_many(&self, wanted: Wanted) -> Vec<Result<usize, UnitId>> {
        let view = Arc::clone(self.marks.view());
        let grades = Arc::clone(self.marks.grades());
        let ids = wanted.into_ids();
        let parts: Vec<Vec<UnitId>> =
            ids.chunks(ids.len().div_ceil(64).max(1)).map(<[UnitId]>::to_vec).collect();
        let compute = Arc::clone(&self.reader.repo().env.compute);
        let found = stream::iter(parts).map(|part| {
            let (view, grades) = (Arc::clone(&view), Arc::clone(&grades));
            compute::run(&*compute, move || {
                let wanted = Wanted::new(part);
                let best = wanted.best(&view, &grades, Among::Nodes);
                let ids = wanted.ids().iter().zip(best);
                ids.map(|(id, best)| best.map(|(_, number)| number).ok_or(*id)).collect::<Vec<_>>()
            })
        });
        let found: Vec<_> = found.buffered(compute.width()).collect().await;
        found.into_iter().flatten().collect()
    }

    fn miss(&self, id: UnitId) -> Result<(), ReadError> {
        match self.missing {
            Missing::IsFine => Ok(()),
            Missing::IsError => Err(ReadError::Missing { id, what: "no index segment names it" }),
        }
    }

    /// Marks the units that were set aside.
    async fn match_units(&mut self) -> Result<(), CollectError> {
        let view = Arc::clone(self.marks.view());
        let grades = Arc::clone(self.marks.grades());
        let compute = Arc::clone(&self.reader.repo().env.compute);
        let parts: Vec<_> = self.units.take().filter(|part| !part.is_empty()).collect();
        self.watch.begin("looking up units", parts.iter().map(Part::bytes).sum());
        let mut found = stream::iter(parts)
            .map(|part| {
                let (view, grades) = (Arc::clone(&view), Arc::clone(&grades));
                let len = part.bytes();
                let work = compute::run(&*compute, move || {
                    let wanted = Wanted::new(part.read().map_err(ReadError::Local)?);
                    let best = wanted.best(&view, &grades, Among::All);
                    let ids = wanted.ids().iter().zip(&best);
                    let missing = ids.filter(|(_, best)| best.is_none()).map(|(id, _)| *id).next();
                    let numbers = best.into_iter().flatten().map(|(_, number)| number);
                    Ok::<_, ReadError>((missing, numbers.collect::<Vec<_>>()))
                });
                async move { (len, work.await) }
            })
            .buffered(compute.width());
        while let Some((len, found)) = found.next().await {
            let (missing, numbers) = found?;
            for number in numbers {
                self.marks.set(number);
            }
            missing.map_or(Ok(()), |id| self.miss(id))?;
            self.watch.add_done(len);
            self.watch.check()?;
        }
        Ok(())
    }
}

fn place(view: &IndexView, number: usize) -> Option<Place> {
    let (segment, n) = view.place(number)?;
    let frame = view.segments().get(segment)?.segment.frame_of(n)?;
    Some((segment, frame, n))
}

/// Sealed bytes of the frames that nodes lie in.
fn sealed_len(view: &IndexView, places: &[Place]) -> u64 {
    let mut last = None;
    let mut sum = 0;
    for (segment, frame, _) in places {
        if last.replace((segment, frame)) != Some((segment, frame)) {
            let place = view.segments().get(*segment);
            let place = place.and_then(|loaded| loaded.segment.frame(*frame));
            sum += place.map_or(0, |(_, frame)| u64::from(frame.sealed_len));
        }
    }
    sum
}

/// Joins neighbouring nodes into runs as they are asked for.
struct Runs {
    view: Arc<IndexView>,
    places: std::iter::Peekable<std::vec::IntoIter<Place>>,
}

impl Runs {
    fn node(&self, (segment, _, n): Place) -> Option<(UnitId, Location)> {
        let loaded = self.view.segments().get(segment)?;
        loaded.segment.entry(n)
    }
}

impl Iterator for Runs {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let first = self.places.next().and_then(|place| self.node(place))?;
        let mut run = Run { pack: first.1.pack, range: first.1.frame.range(), nodes: vec![first] };
        while let Some(next) = self.places.peek().copied().and_then(|place| self.node(place)) {
            let range = next.1.frame.range();
            let is_near = range.start <= run.range.end + GAP
                && range.start >= run.range.start
                && range.end.saturating_sub(run.range.start) <= RUN_LEN;
            if next.1.pack != run.pack || !is_near {
                break;
            }
            run.range.end = run.range.end.max(range.end);
            run.nodes.push(next);
            self.places.next();
        }
        Some(run)
    }
}

/// Reads a run; the answer is the children of its nodes.
async fn read(
    reader: &UnitReader,
    view: &Arc<IndexView>,
    run: Run,
    level: usize,
    missing: Missing,
) -> Result<Vec<UnitId>, ReadError> {
    let ids: Vec<_> = run.nodes.iter().map(|(id, _)| *id).collect();
    let opened = match reader.sealed(run.pack, run.range).await {
        Ok(sealed) => {
            let (repo, view) = (reader.repo().clone(), Arc::clone(view));
            let compute = Arc::clone(&repo.env.compute);
            compute::run(&*compute, move || open(&repo, &view, &run, &sealed, level)).await
        }
        Err(error) => Err(error),
    };
    match opened {
        Err(error) if error.class() == ErrorClass::Corruption => {}
        opened => return opened,
    }
    let mut children = Vec::new();
    for id in ids {
        match reader.node(id).await.and_then(|node| checked(id, node, level)) {
            Ok(node) => children.extend(node.children.into_iter().flatten()),
            Err(error) if error.class() == ErrorClass::Corruption && missing == Missing::IsFine => {
            }
            Err(error) => return Err(error),
        }
    }
    Ok(children)
}

fn open(
    repo: &Repository,
    view: &IndexView,
    run: &Run,
    sealed: &[u8],
    level: usize,
) -> Result<Vec<UnitId>, ReadError> {
    let damaged = |what| ReadError::damaged(&run.pack.key(), what);
    let pack = open_pack(repo, view, run.pack)?;
    let (mut scratch, mut frame, mut open) = (Vec::new(), Vec::new(), None);
    let mut children = Vec::with_capacity(run.nodes.len() * FAN_OUT);
    for (id, location) in &run.nodes {
        if open.replace(location.frame) != Some(location.frame) {
            let range = location.frame.range();
            let start = usize::try_from(range.start - run.range.start).unwrap_or(usize::MAX);
            let part = start.checked_add(location.frame.sealed_len as usize);
            let part = part.and_then(|end| sealed.get(start..end));
            let part = part.ok_or_else(|| damaged("a frame lies outside what was read"))?;
            pack.open_frame(location.frame, part, &mut scratch, &mut frame)?;
        }
        let bytes = unit_in(location, &frame)?;
        if repo.keys.node_id(bytes) != *id {
            return Err(damaged("a node does not have its name"));
        }
        let node = Node::decode(bytes).ok_or_else(|| damaged("a node cannot be read"))?;
        children.extend(checked(*id, node, level)?.children.into_iter().flatten());
    }
    Ok(children)
}

fn checked(id: UnitId, node: Node, level: usize) -> Result<Node, ReadError> {
    if usize::from(node.level) == level {
        return Ok(node);
    }
    Err(ReadError::Missing { id, what: "a node of another level stands in its place" })
}
