//! Damaged sets: the places where verify found bytes that are not what was written.
//!
//! # Why
//! A unit with a damaged copy must be uploaded again when its content is next seen, or every later
//! backup of the same content would be as broken as the first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::condemned::PackName;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::key::{self, PackId};
use crate::repository::Repository;

/// The document at `damaged/<session>-<n>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DamagedDoc {
    /// Packs that are missing, or damaged as a whole.
    pub(crate) packs: Vec<PackName>,
    /// Single frames: pack and number.
    pub(crate) frames: Vec<(PackName, u32)>,
}

/// All places of all published sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct DamagedSet {
    packs: BTreeSet<PackId>,
    frames: BTreeSet<(PackId, u32)>,
}

impl DamagedSet {
    /// Whether nothing is damaged.
    pub(crate) fn is_empty(&self) -> bool {
        self.packs.is_empty() && self.frames.is_empty()
    }

    /// Whether the copy at `location` is damaged.
    pub(crate) fn holds(&self, location: &Location) -> bool {
        self.packs.contains(&location.pack)
            || self.frames.contains(&(location.pack, location.frame.part))
    }

    /// Adds what a document names.
    pub(crate) fn add(&mut self, doc: &DamagedDoc) {
        self.packs.extend(doc.packs.iter().copied().map(PackId::from));
        self.frames.extend(doc.frames.iter().map(|(pack, part)| (PackId::from(*pack), *part)));
    }
}

impl Repository {
    /// Everything that verify has published. A collector would delete the last good copy on the word
    /// of a listing that lacks a set.
    pub(crate) async fn load_damaged(&self) -> Result<DamagedSet, ReadError> {
        let mut set = DamagedSet::default();
        for meta in self.list_fresh(key::DAMAGED).await? {
            if let Some(doc) = self.read_control::<DamagedDoc>(&meta.key).await? {
                set.add(&doc);
            }
        }
        Ok(set)
    }
}
