//! Nodes of the Merkle radix tree over a disk's units.

use crate::crypto::UnitId;
use crate::wire::Reader;

/// Children of a node: 256 units of 64 KiB make a leaf of 16 MiB.
pub(crate) const FAN_OUT: usize = 256;
const BITMAP_LEN: usize = FAN_OUT / 8;

/// A node: for each child its name, or nothing where all of it reads as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// 0 for a leaf, whose children are units.
    pub(crate) level: u8,
    /// Exactly [`FAN_OUT`].
    pub(crate) children: Vec<Option<UnitId>>,
}

impl Node {
    /// A node without children.
    pub(crate) fn empty(level: u8) -> Self {
        Self { level, children: vec![None; FAN_OUT] }
    }

    /// Level, bitmap of the children present, their names.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bitmap = [0_u8; BITMAP_LEN];
        for (byte, children) in bitmap.iter_mut().zip(self.children.chunks(8)) {
            for (bit, child) in children.iter().enumerate() {
                *byte |= u8::from(child.is_some()) << bit;
            }
        }
        let mut out = vec![self.level];
        out.extend_from_slice(&bitmap);
        for id in self.children.iter().flatten() {
            out.extend_from_slice(&id.0);
        }
        out
    }

    /// `None` for anything that `encode` would not have written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let level = reader.u8()?;
        let bitmap = reader.array::<BITMAP_LEN>()?;
        let mut children = Vec::with_capacity(FAN_OUT);
        for byte in bitmap {
            for bit in 0..8 {
                let child = if byte >> bit & 1 == 1 { Some(UnitId(reader.array()?)) } else { None };
                children.push(child);
            }
        }
        let node = Self { level, children };
        (reader.is_done() && node.children.iter().any(Option::is_some)).then_some(node)
    }

    /// The child at `slot`.
    pub(crate) fn child(&self, slot: usize) -> Option<UnitId> {
        self.children.get(slot).copied().flatten()
    }
}

/// Feeds arbitrary bytes to the decoder; what decodes must encode to the same bytes.
///
/// # Panics
/// When what decodes cannot be used: a finding.
#[cfg(feature = "testing")]
pub fn fuzz(bytes: &[u8]) {
    if let Some(node) = Node::decode(bytes) {
        assert_eq!(node.encode(), bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encode_round_trips() {
        let mut node = Node::empty(1);
        node.children[0] = Some(UnitId([1; 32]));
        node.children[255] = Some(UnitId([2; 32]));
        let bytes = node.encode();
        assert_eq!(bytes.len(), 1 + 32 + 64);
        assert_eq!(Node::decode(&bytes), Some(node));
        assert_eq!(Node::decode(&bytes[..96]), None);
        assert_eq!(Node::decode(&Node::empty(0).encode()), None);
    }
}
