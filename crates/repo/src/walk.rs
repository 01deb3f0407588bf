//! Walks the maps of a manifest.

use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::manifest::Manifest;
use crate::manifest::map::Geometry;
use crate::session::reader::UnitReader;

/// What a walk calls on its way.
pub(crate) trait Visitor {
    /// A node before it is read; whether to read it and go on below.
    fn enter(&mut self, node: UnitId) -> bool;
    /// A unit of a leaf.
    fn unit(&mut self, unit: UnitId);
    /// A node that could not be read; whether to go on beside it.
    fn unreadable(&mut self, node: UnitId, error: ReadError) -> Result<(), ReadError> {
        let _: UnitId = node;
        Err(error)
    }
}

/// Visits every node and unit of `manifest`, from the left.
pub(crate) async fn visit(
    reader: &UnitReader,
    manifest: &Manifest,
    visitor: &mut impl Visitor,
) -> Result<(), ReadError> {
    for disk in &manifest.disks {
        let mut todo: Vec<_> = disk.root.into_iter().collect();
        let mut levels = vec![Geometry::of(disk.size).root_level];
        while let (Some(id), Some(level)) = (todo.pop(), levels.pop()) {
            if !visitor.enter(id) {
                continue;
            }
            let node = match reader.node(id).await {
                Ok(node) if node.level == level => node,
                Ok(_) => {
                    let what = "a node of another level stands in its place";
                    visitor.unreadable(id, ReadError::Missing { id, what })?;
                    continue;
                }
                Err(error) => {
                    visitor.unreadable(id, error)?;
                    continue;
                }
            };
            let children = node.children.iter().copied().flatten();
            if level == 0 {
                children.for_each(|unit| visitor.unit(unit));
            } else {
                // The stack gives the last one first.
                let before = todo.len();
                todo.extend(children);
                if let Some(new) = todo.get_mut(before..) {
                    new.reverse();
                }
                levels.resize(todo.len(), level - 1);
            }
        }
    }
    Ok(())
}

/// Whether `is_there` holds for every node and unit of `manifest`.
pub(crate) async fn every(
    reader: &UnitReader,
    manifest: &Manifest,
    is_there: &(dyn Fn(UnitId) -> bool + Sync),
) -> Result<bool, ReadError> {
    struct Check<'f> {
        is_there: &'f (dyn Fn(UnitId) -> bool + Sync),
        complete: bool,
    }
    impl Visitor for Check<'_> {
        fn enter(&mut self, node: UnitId) -> bool {
            self.complete = self.complete && (self.is_there)(node);
            self.complete
        }
        fn unit(&mut self, unit: UnitId) {
            self.complete = self.complete && (self.is_there)(unit);
        }
    }
    let mut check = Check { is_there, complete: true };
    visit(reader, manifest, &mut check).await?;
    Ok(check.complete)
}
