//! Condemned sets: the packs that a collector is about to delete, published before it deletes.
//!
//! # Invariants
//! - Condemnation is never revoked, so a delete that arrives late harms nobody.
//! - REPO-8: a writer uses nothing that lies in a condemned pack, unless through its parent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_base::ids::{ManifestId, SessionId};

use crate::error::ReadError;
use crate::key::{self, PackId};
use crate::object::ObjectKey;
use crate::repository::Repository;

/// The document at `condemned/<session>-<n>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CondemnedDoc {
    pub(crate) packs: Vec<PackName>,
    /// Manifests that will be removed with them: an undelete that sees one refuses.
    pub(crate) manifests: Vec<ManifestId>,
}

/// The document at `done/<name of a condemned set>`: its deletes are done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DoneDoc {
    pub(crate) by: SessionId,
}

/// A pack as documents spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PackName {
    pub(crate) session: SessionId,
    pub(crate) number: u32,
}

impl From<PackId> for PackName {
    fn from(id: PackId) -> Self {
        Self { session: id.session, number: id.number }
    }
}

impl From<PackName> for PackId {
    fn from(name: PackName) -> Self {
        Self { session: name.session, number: name.number }
    }
}

/// One published set.
#[derive(Debug, Clone)]
pub(crate) struct Condemned {
    pub(crate) key: ObjectKey,
    pub(crate) packs: Vec<PackId>,
    pub(crate) manifests: Vec<ManifestId>,
}

/// All packs of all published sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct CondemnedSet {
    packs: BTreeSet<PackId>,
    manifests: BTreeSet<ManifestId>,
}

impl CondemnedSet {
    /// A set of packs alone.
    pub(crate) fn from_packs(packs: impl IntoIterator<Item = PackId>) -> Self {
        Self { packs: packs.into_iter().collect(), manifests: BTreeSet::new() }
    }

    /// Whether `manifest` is about to be removed.
    pub(crate) fn holds_manifest(&self, manifest: ManifestId) -> bool {
        self.manifests.contains(&manifest)
    }

    /// The packs of `sets`.
    pub(crate) fn of(sets: &[Condemned]) -> Self {
        Self {
            packs: sets.iter().flat_map(|set| &set.packs).copied().collect(),
            manifests: sets.iter().flat_map(|set| &set.manifests).copied().collect(),
        }
    }

    /// Whether `pack` is condemned.
    pub(crate) fn holds(&self, pack: PackId) -> bool {
        self.packs.contains(&pack)
    }
}

impl Repository {
    /// Every condemned pack, as a writer or reader sees it.
    pub(crate) async fn load_condemned(&self) -> Result<CondemnedSet, ReadError> {
        let listed = self.list_fresh(key::CONDEMNED).await?;
        Ok(CondemnedSet::of(&self.read_condemned(listed).await?))
    }

    /// Reads the sets that a listing of `condemned/` shows; one that has gone since was done.
    pub(crate) async fn read_condemned(
        &self,
        listed: Vec<crate::object::ObjectMeta>,
    ) -> Result<Vec<Condemned>, ReadError> {
        let mut sets = Vec::new();
        for meta in listed {
            if let Some(doc) = self.read_control::<CondemnedDoc>(&meta.key).await? {
                let packs = doc.packs.into_iter().map(PackId::from).collect();
                sets.push(Condemned { key: meta.key, packs, manifests: doc.manifests });
            }
        }
        Ok(sets)
    }
}
