//! A backup as commands print it.

use serde::Serialize;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_repo::BackupEntry;

/// A backup, for JSON. Sizes are in bytes, times in RFC 3339.
#[derive(Debug, Serialize)]
pub(crate) struct BackupDocument {
    id: String,
    created: String,
    state: &'static str,
    deleted: Option<String>,
    held_until: Option<String>,
    description: String,
    parents: Vec<String>,
    disks: Vec<DiskDocument>,
    size_bytes: u64,
    read_bytes: u64,
    new_bytes: u64,
    stored_bytes: u64,
    duration_ms: u64,
}

/// A disk of a backup.
#[derive(Debug, Serialize)]
pub(crate) struct DiskDocument {
    name: String,
    size_bytes: u64,
    /// The name of all of its content; none when the disk is all zeros.
    root: Option<String>,
}

impl BackupDocument {
    pub(crate) fn of(entry: &BackupEntry, now: Timestamp) -> Self {
        let manifest = &entry.manifest;
        Self {
            id: entry.id.to_string(),
            created: manifest.created.to_string(),
            state: state(entry, now),
            deleted: entry.deleted.map(|time| time.to_string()),
            held_until: entry.held_until.map(|time| time.to_string()),
            description: manifest.description.clone(),
            parents: manifest.parents.iter().map(ToString::to_string).collect(),
            disks: DiskDocument::all_of(&manifest.disks),
            size_bytes: manifest.size(),
            read_bytes: manifest.cost.read,
            new_bytes: manifest.cost.new,
            stored_bytes: manifest.cost.stored,
            duration_ms: manifest.cost.duration_ms,
        }
    }
}

impl DiskDocument {
    pub(crate) fn all_of(disks: &[strongroom_repo::DiskRecord]) -> Vec<Self> {
        let document = |disk: &strongroom_repo::DiskRecord| Self {
            name: disk.name.clone(),
            size_bytes: disk.size,
            root: disk.root.map(|root| root.to_string()),
        };
        disks.iter().map(document).collect()
    }
}

/// `available`, `held` (and may not be deleted) or `deleted` (and may still come back).
pub(crate) fn state(entry: &BackupEntry, now: Timestamp) -> &'static str {
    match (entry.deleted, entry.held_until) {
        (Some(_), _) => "deleted",
        (None, Some(until)) if until > now => "held",
        _ => "available",
    }
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    ByteCount(bytes).to_string()
}
