//! What one session knows of the index: all segments, and which places must not be used.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use strongroom_base::ByteRange;

use crate::condemned::CondemnedSet;
use crate::crypto::UnitId;
use crate::damaged::DamagedSet;
use crate::error::ReadError;
use crate::index::segment::{Location, PackRecord, Segment};
use crate::key::{self, PackId};
use crate::object::ObjectKey;
use crate::repository::Repository;

/// Segments fetched at the same time.
const FETCHES: usize = 8;
/// A collector replaces segments while others read them; more than a few rounds mean trouble.
const ROUNDS: usize = 5;

/// All index segments at one time, with the sets that forbid places in them.
#[derive(Default)]
pub(crate) struct IndexView {
    segments: Vec<LoadedSegment>,
    /// The newest segment that names each pack, and the pack's number there.
    by_pack: HashMap<PackId, (usize, usize)>,
    /// Units of the segments before each one, so that every entry has a number of its own.
    total: usize,
    /// Places that a collector is about to delete.
    pub(crate) condemned: CondemnedSet,
    /// Places that verify found damaged.
    pub(crate) damaged: DamagedSet,
    /// A condemned or damaged set that cannot be read. Whoever only reads needs neither.
    blind: Option<ObjectKey>,
    /// The packs that a listing showed after the index was read; nothing while none was taken.
    present: Option<BTreeSet<PackId>>,
    /// Segments that are there but cannot be read.
    pub(crate) unreadable: Vec<ObjectKey>,
}

/// A segment and where its entries' numbers start.
#[derive(Clone)]
pub(crate) struct LoadedSegment {
    pub(crate) key: ObjectKey,
    pub(crate) segment: Arc<Segment>,
    base: usize,
}

/// An entry of the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) location: Location,
}

impl IndexView {
    /// Adds a segment whose packs are there: this session has just written them.
    pub(crate) fn add_own(&mut self, key: ObjectKey, segment: Segment) {
        if let Some(present) = &mut self.present {
            present.extend(segment.packs().iter().map(|pack| pack.id));
        }
        self.add(key, Arc::new(segment));
    }

    fn add(&mut self, key: ObjectKey, segment: Arc<Segment>) {
        let base = self.total;
        for (number, pack) in segment.packs().iter().enumerate() {
            self.by_pack.insert(pack.id, (self.segments.len(), number));
        }
        self.total += segment.len();
        self.segments.push(LoadedSegment { key, segment, base });
    }

    /// How many entries there are; their numbers are below it.
    pub(crate) fn len(&self) -> usize {
        self.total
    }

    /// The segments.
    pub(crate) fn segments(&self) -> &[LoadedSegment] {
        &self.segments
    }

    /// The same segments, for [`Repository::load_view_after`].
    pub(crate) fn segments_only(&self) -> Self {
        Self { segments: self.segments.clone(), ..Self::default() }
    }

    /// Whether `other` has the same segments in the same order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let keys = |view: &Self| -> Vec<ObjectKey> {
            view.segments.iter().map(|loaded| loaded.key.clone()).collect()
        };
        keys(self) == keys(other)
    }

    /// Every copy of `id`, the newest segment's first.
    pub(crate) fn copies<'v>(&'v self, id: &'v UnitId) -> impl Iterator<Item = Entry> + 'v {
        self.segments.iter().rev().flat_map(move |loaded| {
            let entries = loaded.segment.find(id).filter_map(|n| loaded.segment.entry(n));
            entries.map(|(_, location)| Entry { location })
        })
    }

    /// Fails when a condemned or damaged set cannot be read: nothing may be referred to then, and
    /// nothing deleted.
    pub(crate) fn check_sets(&self) -> Result<(), ReadError> {
        let what = "it says what must not be used, and does not open";
        self.blind.as_ref().map_or(Ok(()), |key| Err(ReadError::damaged(key, what)))
    }

    /// A copy that a reader can use: any that is not known to be damaged.
    pub(crate) fn readable(&self, id: &UnitId) -> Option<Entry> {
        self.copies(id).find(|entry| !self.damaged.holds(&entry.location))
    }

    /// A copy that a writer may refer to instead of uploading the unit again.
    pub(crate) fn lasting(&self, id: &UnitId) -> Option<Entry> {
        self.copies(id).find(|entry| {
            !self.damaged.holds(&entry.location)
                && !self.condemned.holds(entry.location.pack)
                && self.is_present(entry.location.pack)
        })
    }

    /// Whether a pack was there when the view was taken. A segment that arrives late, from a
    /// process that slept, may name packs that were collected long ago.
    pub(crate) fn is_present(&self, pack: PackId) -> bool {
        self.present.as_ref().is_none_or(|present| present.contains(&pack))
    }

    /// Every pack that some segment names, once.
    pub(crate) fn packs(&self) -> impl Iterator<Item = &PackRecord> {
        let mut seen = BTreeSet::new();
        self.segments
            .iter()
            .flat_map(|loaded| loaded.segment.packs())
            .filter(move |pack| seen.insert(pack.id))
    }

    /// What a segment knows of a pack.
    pub(crate) fn pack(&self, id: PackId) -> Option<&PackRecord> {
        let (segment, number) = self.by_pack.get(&id)?;
        self.segments.get(*segment)?.segment.packs().get(*number)
    }

    /// The segment that entry `number` lies in, and the entry's number there.
    pub(crate) fn place(&self, number: usize) -> Option<(usize, usize)> {
        let segment =
            self.segments.partition_point(|loaded| loaded.base <= number).checked_sub(1)?;
        Some((segment, number - self.segments.get(segment)?.base))
    }

    fn segment_at(&self, key: &ObjectKey) -> Option<Arc<Segment>> {
        // Segments are listed, and so kept, in ascending order of their keys.
        let found = self.segments.binary_search_by(|loaded| loaded.key.cmp(key)).ok()?;
        self.segments.get(found).map(|loaded| Arc::clone(&loaded.segment))
    }
}

impl LoadedSegment {
    /// The number among all of its first entry.
    pub(crate) fn base(&self) -> usize {
        self.base
    }
}

/// The sets, or none and the object that cannot be read.
fn or_blind<T: Default>(loaded: Result<T, ReadError>) -> Result<(T, Option<ObjectKey>), ReadError> {
    match loaded {
        Err(ReadError::Damaged { key, .. }) => Ok((T::default(), Some(key))),
        loaded => loaded.map(|sets| (sets, None)),
    }
}

impl Repository {
    /// Loads the condemned and damaged sets and after them the index: in that order, because a
    /// collector publishes a condemned set before it changes the index (repository protocol,
    /// writer's step (b)).
    pub(crate) async fn load_view(&self) -> Result<IndexView, ReadError> {
        self.load_view_after(&IndexView::default()).await
    }

    /// As [`Self::load_view`]; segments that `earlier` has are not read again: a segment's key is
    /// written once.
    pub(crate) async fn load_view_after(
        &self,
        earlier: &IndexView,
    ) -> Result<IndexView, ReadError> {
        use crate::rules::Rule;
        let mut view = if self.obeys(Rule::CondemnedBeforeIndex) {
            IndexView::default()
        } else {
            self.load_segments(earlier).await?
        };
        let (condemned, no_condemned) = or_blind(self.load_condemned().await)?;
        let (damaged, no_damaged) = or_blind(self.load_damaged().await)?;
        if self.obeys(Rule::CondemnedBeforeIndex) {
            view = self.load_segments(earlier).await?;
        }
        if self.obeys(Rule::PresentPacks) {
            let listed = self.env.store.list(key::PACKS).await?;
            view.present = Some(crate::gc::census::listed_packs(&listed).into_keys().collect());
        }
        if self.obeys(Rule::AvoidCondemned) {
            view.condemned = condemned;
        }
        if self.obeys(Rule::AvoidDamaged) {
            view.damaged = damaged;
        }
        view.blind = no_condemned.or(no_damaged);
        Ok(view)
    }

    /// Asks for each pack that the index names and the listing did not show: a listing of data
    /// may be old, and a collector must not take what is new for missing.
    pub(crate) async fn confirm_packs(&self, view: &mut IndexView) -> Result<(), ReadError> {
        let absent: Vec<_> =
            view.packs().map(|pack| pack.id).filter(|pack| !view.is_present(*pack)).collect();
        for pack in absent {
            match self.env.store.get_range(&pack.key(), ByteRange::at(0, 1)).await {
                Ok(_) => {
                    if let Some(present) = &mut view.present {
                        present.insert(pack);
                    }
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn load_segments(&self, earlier: &IndexView) -> Result<IndexView, ReadError> {
        for _ in 0..ROUNDS {
            if let Some(view) = self.try_load_segments(earlier).await? {
                return Ok(view);
            }
        }
        Err(ReadError::StaleList { prefix: key::INDEX.to_owned() })
    }

    /// `None` when a segment vanished after it was listed: it was replaced meanwhile.
    async fn try_load_segments(&self, earlier: &IndexView) -> Result<Option<IndexView>, ReadError> {
        let listed = self.list(key::INDEX).await?;
        let mut fetches = stream::iter(listed)
            .map(|meta| async move {
                let fetched = match earlier.segment_at(&meta.key) {
                    Some(segment) => Ok(segment),
                    None => self.fetch_segment(&meta.key).await.map(Arc::new),
                };
                (meta.key, fetched)
            })
            .buffered(FETCHES);
        let mut view = IndexView::default();
        while let Some((key, fetched)) = fetches.next().await {
            match fetched {
                Ok(segment) => view.add(key, segment),
                Err(ReadError::Store(error)) if error.is_not_found() => return Ok(None),
                Err(ReadError::Damaged { key, .. }) => view.unreadable.push(key),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(view))
    }

    async fn fetch_segment(&self, key: &ObjectKey) -> Result<Segment, ReadError> {
        let sealed = self.env.store.get(key).await?;
        let plain = self.unseal(key, sealed)?;
        Segment::decode(plain)
            .map_err(ReadError::Local)?
            .ok_or_else(|| ReadError::damaged(key, "it is not an index segment"))
    }
}
