//! Reads a map leaf by leaf from the left, keeping the path to the present leaf.

use std::sync::Arc;

use super::DiskRecord;
use super::map::Geometry;
use super::node::{FAN_OUT, Node};
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::session::reader::UnitReader;

/// A position in a map; moving on to the next leaf reads only the nodes that change.
pub(crate) struct MapCursor {
    reader: Arc<UnitReader>,
    root: Option<UnitId>,
    geometry: Geometry,
    /// The nodes last read, root first, each with its name.
    path: Vec<(UnitId, Arc<Node>)>,
}

impl MapCursor {
    pub(crate) fn new(reader: Arc<UnitReader>, disk: &DiskRecord) -> Self {
        let geometry = Geometry::of(disk.size);
        Self { reader, root: disk.root, geometry, path: Vec::new() }
    }

    /// Leaf `n` with its name; nothing when all of it reads as zeros or lies beyond the disk.
    pub(crate) async fn leaf(&mut self, n: u64) -> Result<Option<(UnitId, Arc<Node>)>, ReadError> {
        if n >= self.geometry.leaves {
            return Ok(None);
        }
        let Some(mut id) = self.root else { return Ok(None) };
        for depth in 0..=usize::from(self.geometry.root_level) {
            let level = self.geometry.root_level - u8::try_from(depth).unwrap_or(u8::MAX);
            let node = self.at(depth, level, id).await?;
            if level == 0 {
                return Ok(Some((id, node)));
            }
            let slot = n / Geometry::leaves_below(level - 1) % FAN_OUT as u64;
            let slot = usize::try_from(slot).expect("a slot is below the fan-out");
            let Some(child) = node.child(slot) else { return Ok(None) };
            id = child;
        }
        Ok(None)
    }

    async fn at(&mut self, depth: usize, level: u8, id: UnitId) -> Result<Arc<Node>, ReadError> {
        if let Some((_, node)) = self.path.get(depth).filter(|(cached, _)| *cached == id) {
            return Ok(Arc::clone(node));
        }
        let node = self.reader.node(id).await?;
        if node.level != level {
            let what = "a node of another level stands in its place";
            return Err(ReadError::Missing { id, what });
        }
        let node = Arc::new(node);
        self.path.truncate(depth);
        self.path.push((id, Arc::clone(&node)));
        Ok(node)
    }
}
