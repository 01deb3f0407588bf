//! The map of a disk: geometry, and building the tree from the left.

use std::mem;

use super::node::{FAN_OUT, Node};
use crate::crypto::{RepoKeys, UnitId};

/// Bytes of a unit of a disk.
pub const UNIT_LEN: usize = 64 << 10;
/// Bytes that a leaf covers.
pub(crate) const LEAF_LEN: u64 = (UNIT_LEN * FAN_OUT) as u64;

/// How many units and levels a disk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) size: u64,
    pub(crate) units: u64,
    pub(crate) leaves: u64,
    /// Level of the root; 0 when the only node is a leaf.
    pub(crate) root_level: u8,
}

impl Geometry {
    pub(crate) fn of(size: u64) -> Self {
        let units = size.div_ceil(UNIT_LEN as u64);
        let leaves = size.div_ceil(LEAF_LEN);
        let mut nodes = leaves;
        let mut root_level = 0;
        while nodes > 1 {
            nodes = nodes.div_ceil(FAN_OUT as u64);
            root_level += 1;
        }
        Self { size, units, leaves, root_level }
    }

    /// The length of unit `n`: only the last may be short.
    pub(crate) fn unit_len(&self, n: u64) -> usize {
        let rest = self.size.saturating_sub(n * UNIT_LEN as u64);
        usize::try_from(rest).unwrap_or(usize::MAX).min(UNIT_LEN)
    }

    /// Leaves below one node of `level`.
    pub(crate) fn leaves_below(level: u8) -> u64 {
        (FAN_OUT as u64).saturating_pow(u32::from(level))
    }
}

/// A node that was completed, with its encoding.
#[derive(Debug)]
pub(crate) struct NewNode {
    pub(crate) id: UnitId,
    pub(crate) bytes: Vec<u8>,
}

/// Builds a map from the left, unit by unit; completed nodes come out as they fill.
pub(crate) struct MapBuilder {
    keys: RepoKeys,
    /// The open node of each level, leaf first, and how many children it has so far.
    open: Vec<(Node, usize)>,
    root_level: u8,
    done: Vec<NewNode>,
}

impl MapBuilder {
    pub(crate) fn new(keys: &RepoKeys, geometry: Geometry) -> Self {
        let open = (0..=geometry.root_level).map(|level| (Node::empty(level), 0)).collect();
        Self { keys: keys.clone(), open, root_level: geometry.root_level, done: Vec::new() }
    }

    /// Appends the next unit; `None` where it reads as zeros.
    pub(crate) fn push(&mut self, unit: Option<UnitId>) {
        self.push_at(0, unit);
    }

    fn push_at(&mut self, level: usize, child: Option<UnitId>) {
        let Some((node, count)) = self.open.get_mut(level) else { return };
        if let Some(slot) = node.children.get_mut(*count) {
            *slot = child;
        }
        *count += 1;
        if *count == FAN_OUT && level < usize::from(self.root_level) {
            let id = self.close(level);
            self.push_at(level + 1, id);
        }
    }

    /// Takes the open node of `level` out; its name, or nothing when all of it is zeros.
    fn close(&mut self, level: usize) -> Option<UnitId> {
        let (node, count) = self.open.get_mut(level)?;
        let empty = Node::empty(node.level);
        let node = mem::replace(node, empty);
        *count = 0;
        if node.children.iter().all(Option::is_none) {
            return None;
        }
        let bytes = node.encode();
        let id = self.keys.node_id(&bytes);
        self.done.push(NewNode { id, bytes });
        Some(id)
    }

    /// The nodes completed since the last call.
    pub(crate) fn take_done(&mut self) -> Vec<NewNode> {
        mem::take(&mut self.done)
    }

    /// Closes what is open and names the root; the last nodes come with it.
    pub(crate) fn finish(mut self) -> (Option<UnitId>, Vec<NewNode>) {
        let mut root = None;
        for level in 0..=usize::from(self.root_level) {
            let is_open = self.open.get(level).is_some_and(|(_, count)| *count > 0);
            if !is_open {
                continue;
            }
            let id = self.close(level);
            if level == usize::from(self.root_level) {
                root = id;
            } else {
                self.push_at(level + 1, id);
            }
        }
        (root, self.done)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use strongroom_base::Secret;
    use strongroom_base::ids::RepoId;

    use super::*;

    fn keys() -> RepoKeys {
        RepoKeys::new(RepoId([0; 16]), &Secret::new([1; 32]), &Secret::new([2; 32]))
    }

    proptest! {
        #[test]
        fn map_gives_back_every_unit(units in 1_u64..200_000, step in 1_u64..5_000, odd in 0_u64..65_536) {
            let geometry = Geometry::of(units * UNIT_LEN as u64 - odd);
            let is_data = |n: u64| n.is_multiple_of(step);
            let name = |n: u64| { let mut id = [0; 32]; id[..8].copy_from_slice(&n.to_le_bytes()); UnitId(id) };
            let mut builder = MapBuilder::new(&keys(), geometry);
            let mut nodes = BTreeMap::new();
            for n in 0..geometry.units {
                builder.push(is_data(n).then(|| name(n)));
                nodes.extend(builder.take_done().into_iter().map(|node| (node.id, node.bytes)));
            }
            let (root, last) = builder.finish();
            nodes.extend(last.into_iter().map(|node| (node.id, node.bytes)));
            for n in (0..geometry.units).step_by(7919).chain([0, geometry.units - 1]) {
                let leaf_of = n / FAN_OUT as u64;
                let mut at = root;
                let mut rest = leaf_of;
                for level in (1..=geometry.root_level).rev() {
                    let below = Geometry::leaves_below(level - 1);
                    at = at.and_then(|id| Node::decode(&nodes[&id]).unwrap().child(usize::try_from(rest / below).unwrap()));
                    rest %= below;
                }
                let got = at.and_then(|id| Node::decode(&nodes[&id]).unwrap().child(usize::try_from(n % FAN_OUT as u64).unwrap()));
                prop_assert_eq!(got, is_data(n).then(|| name(n)));
            }
        }
    }

    #[test]
    fn map_of_zeros_has_no_root() {
        let mut builder = MapBuilder::new(&keys(), Geometry::of(1 << 30));
        for _ in 0..(1 << 14) {
            builder.push(None);
        }
        let (root, nodes) = builder.finish();
        assert!(root.is_none() && nodes.is_empty());
    }
}
