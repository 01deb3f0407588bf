//! Step (2): which entries of the index are needed, one bit each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_base::ErrorClass;
use strongroom_base::ids::ManifestId;

use super::pass::{Missing, Pass};
use super::watch::Watch;
use super::{CollectError, Collector};
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::manifest::Manifest;
use crate::pack::PackKind;
use crate::rules::Rule;
use crate::session::reader::UnitReader;

/// How often a collector looks at the index again for a unit that it misses. An index
/// that changes all the while leaves the rest to the next collection.
const LOOKS: u32 = 3;

/// How good a copy is to keep: lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// It is there and stays.
    Lasting,
    /// It is there, in a pack that is about to be deleted.
    Condemned,
    /// It is damaged or lost, which is better known than no copy: its pack stays, verify names it.
    Damaged,
}

/// What each frame of the index is worth as a copy: two bytes for each.
pub(crate) struct Grades(Vec<Vec<(Option<Grade>, PackKind)>>);

impl Grades {
    fn new(view: &IndexView) -> Self {
        let grade = |location: &Location| {
            if view.damaged.holds(location) {
                Some(Grade::Damaged)
            } else if !view.is_present(location.pack) {
                None
            } else if view.condemned.holds(location.pack) {
                Some(Grade::Condemned)
            } else {
                Some(Grade::Lasting)
            }
        };
        let segments = view.segments().iter().map(|loaded| {
            let segment = &loaded.segment;
            let frames = (0..segment.frames()).map(|number| {
                let pack = segment.pack_of(number).and_then(|pack| segment.packs().get(pack));
                let kind = pack.map_or(PackKind::Data, |pack| pack.kind);
                let place = segment.frame(number);
                let place = place.map(|(pack, frame)| Location { pack, frame, offset: 0, len: 0 });
                (place.as_ref().and_then(grade), kind)
            });
            frames.collect()
        });
        Self(segments.collect())
    }

    /// The grade of what lies in a frame; nothing when it is no copy.
    pub(crate) fn of(&self, segment: usize, frame: usize) -> Option<Grade> {
        self.0.get(segment)?.get(frame)?.0
    }

    /// Whether a frame lies in a pack of nodes.
    pub(crate) fn has_nodes(&self, segment: usize, frame: usize) -> bool {
        let frame = self.0.get(segment).and_then(|frames| frames.get(frame));
        frame.is_some_and(|(_, kind)| *kind == PackKind::Nodes)
    }
}

/// A bit for each entry of one view of the index: 12.5 MB for 100 million units.
pub(crate) struct Marks {
    view: Arc<IndexView>,
    grades: Arc<Grades>,
    bits: Vec<u64>,
}

impl Marks {
    pub(crate) fn new(view: Arc<IndexView>) -> Self {
        let bits = vec![0; view.len().div_ceil(64)];
        let grades = Arc::new(Grades::new(&view));
        Self { view, grades, bits }
    }

    /// The view whose entries are marked.
    pub(crate) fn view(&self) -> &Arc<IndexView> {
        &self.view
    }

    pub(crate) fn grades(&self) -> &Arc<Grades> {
        &self.grades
    }

    /// Whether `view` has the same segments in the same order.
    pub(crate) fn is_of(&self, view: &IndexView) -> bool {
        self.view.is_same(view)
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.bits.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Marks entry `number`; whether it was unmarked so far.
    pub(crate) fn set(&mut self, number: usize) -> bool {
        let Some(word) = self.bits.get_mut(number / 64) else { return false };
        let bit = 1 << (number % 64);
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }

    /// The number of the best copy of `id`; nothing when there is none.
    pub(crate) fn best(&self, id: &UnitId) -> Option<usize> {
        let mut best: Option<(Grade, usize)> = None;
        for (number, loaded) in self.view.segments().iter().enumerate().rev() {
            for n in loaded.segment.find(id) {
                let frame = loaded.segment.frame_of(n);
                let grade = frame.and_then(|frame| self.grades.of(number, frame));
                let is_better =
                    |grade: &Grade| best.as_ref().is_none_or(|(other, _)| grade < other);
                if let Some(grade) = grade.filter(is_better) {
                    best = Some((grade, loaded.base() + n));
                }
            }
            if best.as_ref().is_some_and(|(grade, _)| *grade == Grade::Lasting) {
                break;
            }
        }
        best.map(|(_, number)| number)
    }
}

impl Collector {
    /// Marks everything that `roots` refer to, and what `guests` refer to as far as it is there.
    pub(crate) async fn mark(
        &self,
        reader: &UnitReader,
        marks: &mut Marks,
        roots: &BTreeMap<ManifestId, Manifest>,
        guests: &BTreeSet<ManifestId>,
    ) -> Result<(), CollectError> {
        let mut doubted = BTreeMap::new();
        let mut sure: BTreeMap<_, _> = roots.iter().collect();
        let before = marks.bits.clone();
        loop {
            let manifests: Vec<_> = sure.values().copied().collect();
            let passed = self.pass(reader, marks, &manifests, Missing::IsError).await;
            let Err(error) = passed else { break };
            let doubts = self.doubts(&error, &sure).await?;
            if doubts.is_empty() {
                return Err(self.unless_moved(error, marks.view()).await?);
            }
            for id in doubts {
                doubted.extend(sure.remove_entry(&id));
            }
            // What a pass that failed has marked it has not walked to its end.
            marks.bits.clone_from(&before);
        }
        for (id, manifest) in doubted {
            let before = marks.bits.clone();
            if let Err(error) = self.pass(reader, marks, &[manifest], Missing::IsError).await {
                if error.class() != ErrorClass::Corruption || self.is_needed(*id).await? {
                    return Err(self.unless_moved(error, marks.view()).await?);
                }
                marks.bits = before;
            }
        }
        let mut present = Vec::new();
        for id in guests.iter().filter(|id| !roots.contains_key(id)) {
            // A deleted parent or target may be gone in parts: then nobody uses it.
            match self.repo.read_manifest(*id).await {
                Ok(manifest) => present.extend(manifest),
                Err(ReadError::Damaged { .. }) => {}
                // A store that does not answer is no reason to take it away from a reader.
                Err(error) => return Err(error.into()),
            }
        }
        let present: Vec<_> = present.iter().collect();
        self.pass(reader, marks, &present, Missing::IsFine).await
    }

    async fn pass(
        &self,
        reader: &UnitReader,
        marks: &mut Marks,
        manifests: &[&Manifest],
        missing: Missing,
    ) -> Result<(), CollectError> {
        let mut pass = Pass::new(reader, marks, &self.watch, missing);
        for manifest in manifests {
            pass.add(manifest);
        }
        pass.run().await
    }

    /// After a pass failed: those of `roots` that somebody deleted or removed meanwhile. None when
    /// that cannot explain the error.
    async fn doubts(
        &self,
        error: &CollectError,
        roots: &BTreeMap<&ManifestId, &Manifest>,
    ) -> Result<Vec<ManifestId>, ReadError> {
        let mut doubts = Vec::new();
        if error.class() != ErrorClass::Corruption || !self.repo.obeys(Rule::RecheckMissing) {
            return Ok(doubts);
        }
        let graves = self.repo.load_graves().await?;
        for id in roots.keys() {
            if graves.holds(**id) || self.repo.read_manifest(**id).await?.is_none() {
                doubts.push(**id);
            }
        }
        Ok(doubts)
    }

    /// After a unit to copy was missing: no damage if one of the manifests that were marked has been
    /// deleted and collected meanwhile. The next collection does not start from it.
    pub(super) async fn explain(
        &self,
        error: CollectError,
        marked: &BTreeSet<ManifestId>,
        seen: &Arc<IndexView>,
    ) -> Result<CollectError, CollectError> {
        let graves = self.repo.load_graves().await?;
        for id in marked {
            if graves.holds(*id) || self.repo.read_manifest(*id).await?.is_none() {
                return Ok(CollectError::Raced);
            }
        }
        self.unless_moved(error, seen).await
    }

    /// After a unit was missing under `seen`: no damage if it lies elsewhere by now. Another
    /// collection may have copied it between this one's look at the index and its look at the
    /// packs. An index that has not changed since names a pack that is not there: that is damage.
    async fn unless_moved(
        &self,
        error: CollectError,
        seen: &Arc<IndexView>,
    ) -> Result<CollectError, CollectError> {
        let CollectError::Read(ReadError::Missing { id, .. }) = &error else { return Ok(error) };
        if !self.repo.obeys(Rule::RecheckMissing) {
            return Ok(error);
        }
        let mut last = Arc::clone(seen);
        for _ in 0..LOOKS {
            let newer = Marks::new(Arc::new(self.view().await?));
            if newer.best(id).is_some() {
                return Ok(CollectError::Raced);
            }
            if newer.is_of(&last) {
                return Ok(error);
            }
            last = Arc::clone(newer.view());
        }
        Ok(CollectError::Raced)
    }

    /// After a unit was missing: whether somebody still needs the manifest, the graves listed
    /// again. Another collector may have removed a backup that was deleted meanwhile; an undelete
    /// of it that has not succeeded yet is refused, so that it cannot any more.
    async fn is_needed(&self, id: ManifestId) -> Result<bool, ReadError> {
        if !self.repo.obeys(Rule::RecheckMissing) {
            return Ok(true);
        }
        if self.repo.read_manifest(id).await?.is_none() {
            return Ok(false);
        }
        let graves = self.repo.load_graves_of(id).await?;
        if graves.is_buried(id) {
            return Ok(false);
        }
        let Some((grave, _)) = graves.open_grave(id) else {
            return Ok(true);
        };
        if !self.repo.obeys(Rule::MissingRefuses) {
            return Ok(false);
        }
        Ok(!self.repo.seal_grave(id, grave, self.id()).await?)
    }
}

/// Marks everything that one manifest refers to.
pub(crate) async fn mark_one(
    reader: &UnitReader,
    marks: &mut Marks,
    manifest: &Manifest,
) -> Result<(), ReadError> {
    let watch = Watch::patient(&reader.repo().env.clock);
    let mut pass = Pass::new(reader, marks, &watch, Missing::IsError);
    pass.add(manifest);
    match pass.run().await {
        Err(CollectError::Read(error)) => Err(error),
        // Nobody stops a patient watch.
        _ => Ok(()),
    }
}
