//! The names of a journal's objects: the one place that builds and reads them.

use std::fmt;

use strongroom_base::Timestamp;
use strongroom_base::ids::{from_hex, to_hex};

use super::{Journal, JournalError};
use crate::object::{ObjectKey, ObjectMeta};

/// Heads of snapshots, numbered from 0 without gaps.
pub(super) const HEADS: &str = "head/";
/// Parts of snapshots.
const PARTS: &str = "part/";
/// Segments, numbered from 0 without gaps.
const SEGMENTS: &str = "segment/";

/// The random name of a snapshot, which its head tells.
pub(super) type SnapshotId = [u8; 16];

/// A numbered object of a listing.
#[derive(Debug, Clone)]
pub(super) struct Numbered<N> {
    pub(super) number: N,
    pub(super) key: ObjectKey,
    pub(super) modified: Timestamp,
}

fn build(parts: fmt::Arguments<'_>) -> ObjectKey {
    ObjectKey::parse(&parts.to_string()).expect("our prefixes, ids and numbers are valid keys")
}

pub(super) fn head(number: u32) -> ObjectKey {
    build(format_args!("{HEADS}{number:08x}"))
}

pub(super) fn segment(number: u64) -> ObjectKey {
    build(format_args!("{SEGMENTS}{number:016x}"))
}

pub(super) fn part(snapshot: &SnapshotId, number: u32) -> ObjectKey {
    build(format_args!("{PARTS}{}-{number:08x}", to_hex(snapshot)))
}

/// The snapshot that a part belongs to.
pub(super) fn snapshot_of(key: &ObjectKey) -> Option<SnapshotId> {
    let (snapshot, number) = key.as_str().strip_prefix(PARTS)?.split_once('-')?;
    from_hex::<4>(number)?;
    from_hex(snapshot)
}

fn numbered<N>(
    listed: Vec<ObjectMeta>,
    prefix: &str,
    read: impl Fn(&str) -> Option<N>,
) -> Vec<Numbered<N>> {
    let numbered = listed.into_iter().filter_map(|meta| {
        let number = read(meta.key.as_str().strip_prefix(prefix)?)?;
        Some(Numbered { number, modified: meta.modified, key: meta.key })
    });
    numbered.collect()
}

impl Journal {
    /// The heads, the oldest first; other names are ignored.
    pub(super) async fn list_heads(&self) -> Result<Vec<Numbered<u32>>, JournalError> {
        let listed = self.store.list(HEADS).await?;
        Ok(numbered(listed, HEADS, |text| from_hex(text).map(u32::from_be_bytes)))
    }

    /// The segments in their order; other names are ignored.
    pub(super) async fn list_segments(&self) -> Result<Vec<Numbered<u64>>, JournalError> {
        let listed = self.store.list(SEGMENTS).await?;
        Ok(numbered(listed, SEGMENTS, |text| from_hex(text).map(u64::from_be_bytes)))
    }

    pub(super) async fn list_parts(&self) -> Result<Vec<ObjectMeta>, JournalError> {
        Ok(self.store.list(PARTS).await?)
    }
}
