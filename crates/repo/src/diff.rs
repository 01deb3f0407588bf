//! Compares the same disk in two backups by walking unequal subtrees only.

use std::sync::Arc;

use strongroom_base::ByteRange;
use strongroom_base::ids::ManifestId;

use crate::manifest::cursor::MapCursor;
use crate::manifest::map::{Geometry, LEAF_LEN, UNIT_LEN};
use crate::restore::{ReadSession, RestoreError};

/// Where two states of a disk differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskDiff {
    /// Ranges whose content differs, ascending, in whole units.
    pub changed: Vec<ByteRange>,
    /// The sizes of the disk before and after.
    pub sizes: (u64, u64),
}

impl DiskDiff {
    /// Bytes in the changed ranges.
    pub fn changed_bytes(&self) -> u64 {
        self.changed.iter().map(|range| range.len()).sum()
    }

    fn add(&mut self, range: ByteRange) {
        match self.changed.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.changed.push(range),
        }
    }
}

impl ReadSession {
    /// What changed on disk `name` from this backup to `other`.
    pub async fn diff(&self, other: &Self, name: &str) -> Result<DiskDiff, RestoreError> {
        let missing = |id: ManifestId| RestoreError::NoDisk { id, name: name.to_owned() };
        let before = self.manifest().disk(name).ok_or_else(|| missing(self.id()))?;
        let after = other.manifest().disk(name).ok_or_else(|| missing(other.id()))?;
        let mut diff = DiskDiff { changed: Vec::new(), sizes: (before.size, after.size) };
        if before == after {
            return Ok(diff);
        }
        let size = before.size.max(after.size);
        let mut old = MapCursor::new(Arc::clone(self.reader()), before);
        let mut new = MapCursor::new(Arc::clone(other.reader()), after);
        for leaf in 0..Geometry::of(size).leaves {
            let (old, new) = (old.leaf(leaf).await?, new.leaf(leaf).await?);
            if old.as_ref().map(|(id, _)| *id) == new.as_ref().map(|(id, _)| *id) {
                continue;
            }
            for (slot, start) in (leaf * LEAF_LEN..size).step_by(UNIT_LEN).enumerate() {
                if start >= (leaf + 1) * LEAF_LEN {
                    break;
                }
                let child = |leaf: &Option<(_, Arc<crate::manifest::node::Node>)>| {
                    leaf.as_ref().and_then(|(_, node)| node.child(slot))
                };
                if child(&old) != child(&new) {
                    let end = (start + UNIT_LEN as u64).min(size);
                    diff.add(ByteRange { start, end });
                }
            }
        }
        Ok(diff)
    }
}
