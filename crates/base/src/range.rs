//! Half-open ranges of bytes.

use serde::{Deserialize, Serialize};

/// Bytes `start..end` of a disk or object; empty when both are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// First byte after the range; never less than `start`.
    pub end: u64,
}

impl ByteRange {
    /// The range of `len` bytes from `start`. Saturates at the end of the address space.
    pub fn at(start: u64, len: u64) -> Self {
        Self { start, end: start.saturating_add(len) }
    }

    /// How many bytes it covers.
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it covers nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// What both ranges cover; `None` when that is nothing.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end);
        (start < end).then_some(Self { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intersect_of_touching_ranges_is_none() {
        assert_eq!(ByteRange::at(0, 4).intersect(ByteRange::at(4, 4)), None);
        assert_eq!(
            ByteRange::at(0, 5).intersect(ByteRange::at(4, 4)),
            Some(ByteRange { start: 4, end: 5 })
        );
    }
}
