//! Manifests: the commit object of one backup, and the tombstone that takes its place.
//!
//! # Invariants
//! - REPO-9: a manifest's units and nodes are durable, and named by durable index segments, before
//!   the manifest is.
//! - REPO-10: who creates the key `manifest/<session>` first decides whether the session committed;
//!   the key is never free again.

pub(crate) mod cursor;
pub(crate) mod map;
pub(crate) mod node;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::key;
use crate::repository::Repository;

/// The document at `manifest/<session>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum ManifestDoc {
    /// The session committed this.
    Backup(Manifest),
    /// The session was given up before it committed.
    Tombstone {
        /// Who gave it up.
        by: SessionId,
    },
}

/// One backup: which disks, and the roots of their maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When the session began, by the writer's clock.
    pub created: Timestamp,
    /// The manifests whose maps this one was compared with.
    pub parents: Vec<ManifestId>,
    /// The disks, in the order given.
    pub disks: Vec<DiskRecord>,
    /// The definition of the server that the disks belong to; opaque here.
    pub server: Option<String>,
    /// Whatever the caller wants to find again; opaque here.
    pub description: String,
    /// What making it cost.
    pub cost: BackupCost,
}

/// One disk of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskRecord {
    /// Its name, unique in the manifest.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The root of its map; none when the disk is all zeros.
    pub root: Option<UnitId>,
}

/// What making a backup cost, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCost {
    /// Read from the disks.
    pub read: u64,
    /// Of units that no manifest had before, unpacked.
    pub new: u64,
    /// Sent to the store.
    pub stored: u64,
    /// Milliseconds from announcement to commit.
    pub duration_ms: u64,
}

impl Manifest {
    /// The disk of that name.
    pub fn disk(&self, name: &str) -> Option<&DiskRecord> {
        self.disks.iter().find(|disk| disk.name == name)
    }

    /// The sizes of all disks together, in bytes.
    pub fn size(&self) -> u64 {
        self.disks.iter().map(|disk| disk.size).sum()
    }
}

impl Repository {
    /// Reads what stands at a session's manifest key.
    pub(crate) async fn read_manifest_doc(
        &self,
        id: ManifestId,
    ) -> Result<Option<ManifestDoc>, ReadError> {
        self.read_control(&key::of_session(key::MANIFESTS, id)).await
    }

    /// Reads a manifest, graved or not; `None` when there is none or a tombstone.
    pub(crate) async fn read_manifest(
        &self,
        id: ManifestId,
    ) -> Result<Option<Manifest>, ReadError> {
        Ok(match self.read_manifest_doc(id).await? {
            Some(ManifestDoc::Backup(manifest)) => Some(manifest),
            Some(ManifestDoc::Tombstone { .. }) | None => None,
        })
    }
}

/// Feeds arbitrary bytes to the decoder of the document; what decodes must survive a round trip.
///
/// # Panics
/// When what decodes cannot be used: a finding.
#[cfg(feature = "testing")]
pub fn fuzz(bytes: &[u8]) {
    let encode = |doc: &ManifestDoc| serde_json::to_vec(doc).expect("the document has text keys");
    if let Ok(doc) = serde_json::from_slice::<ManifestDoc>(bytes) {
        let encoded = encode(&doc);
        let again = serde_json::from_slice(&encoded).expect("what was just encoded can be read");
        assert_eq!(encode(&again), encoded);
    }
}
