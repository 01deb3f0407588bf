//! Step (2): which entries of the index are needed, one bit each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_base::ErrorClass;
use strongroom_base::ids::ManifestId;

use super::{CollectError, Collector};
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::manifest::Manifest;
use crate::rules::Rule;
use crate::session::reader::UnitReader;
use crate::walk::{self, Visitor};

/// A bit for each entry of one view of the index: 12.5 MB for 100 million units.
pub(crate) struct Marks {
    view: Arc<IndexView>,
    bits: Vec<u64>,
}

impl Marks {
    pub(crate) fn new(view: Arc<IndexView>) -> Self {
        let bits = vec![0; view.len().div_ceil(64)];
        Self { view, bits }
    }

    /// The view whose entries are marked.
    pub(crate) fn view(&self) -> &Arc<IndexView> {
        &self.view
    }

    /// Whether `view` has the same segments in the same order.
    pub(crate) fn is_of(&self, view: &IndexView) -> bool {
        self.view.is_same(view)
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.bits.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Marks one copy of `id`: one that lasts if there is one. Whether it was unmarked so far;
    /// nothing when there is no copy.
    fn mark(&mut self, id: &UnitId) -> Option<bool> {
        let copies = || self.view.copies(id);
        let is_good = |location: &Location| !self.view.damaged.holds(location);
        let entry = copies()
            .find(|entry| {
                is_good(&entry.location)
                    && !self.view.condemned.holds(entry.location.pack)
                    && self.view.is_present(entry.location.pack)
            })
            .or_else(|| {
                copies().find(|entry| {
                    is_good(&entry.location) && self.view.is_present(entry.location.pack)
                })
            })
            // A damaged or lost copy is better known than none: a pack stays, verify names it.
            .or_else(|| copies().find(|entry| !is_good(&entry.location)))?;
        let word = self.bits.get_mut(entry.number / 64)?;
        let bit = 1 << (entry.number % 64);
        let is_first = *word & bit == 0;
        *word |= bit;
        Some(is_first)
    }
}

struct Marker<'m> {
    marks: &'m mut Marks,
    missing: Option<UnitId>,
}

impl Visitor for Marker<'_> {
    fn enter(&mut self, node: UnitId) -> bool {
        self.marks.mark(&node).unwrap_or_else(|| {
            self.missing = Some(node);
            false
        })
    }

    fn unit(&mut self, unit: UnitId) {
        if self.marks.mark(&unit).is_none() {
            self.missing = Some(unit);
        }
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
    ) -> Result<(), ReadError> {
        for (id, manifest) in roots {
            if let Err(error) = mark_one(reader, marks, manifest).await
                && (error.class() != ErrorClass::Corruption || self.is_needed(*id).await?)
            {
                return Err(error);
            }
        }
        for id in guests.iter().filter(|id| !roots.contains_key(id)) {
            // A deleted parent or target may be gone in parts: then nobody uses it.
            if let Ok(Some(manifest)) = self.repo.read_manifest(*id).await {
                match mark_one(reader, marks, &manifest).await {
                    Err(error) if error.class() != ErrorClass::Corruption => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// After a unit to copy was missing: no damage if one of the manifests that were marked has been
    /// deleted and collected meanwhile. The next collection does not start from it.
    pub(super) async fn explain(
        &self,
        error: CollectError,
        marked: &BTreeSet<ManifestId>,
    ) -> Result<CollectError, CollectError> {
        let graves = self.repo.load_graves().await?;
        for id in marked {
            if graves.holds(*id) || self.repo.read_manifest(*id).await?.is_none() {
                return Ok(CollectError::Raced);
            }
        }
        Ok(error)
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

pub(crate) async fn mark_one(
    reader: &UnitReader,
    marks: &mut Marks,
    manifest: &Manifest,
) -> Result<(), ReadError> {
    let mut marker = Marker { marks, missing: None };
    walk::visit(reader, manifest, &mut marker).await?;
    match marker.missing {
        None => Ok(()),
        Some(id) => Err(ReadError::Missing { id, what: "no index segment names it" }),
    }
}
