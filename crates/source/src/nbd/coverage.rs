//! Which bytes of a read have been answered.

use std::collections::BTreeMap;

use super::NbdError;

/// Pieces that one answer may come in. QEMU sends one per extent, so at most 8 Ki for the longest
/// read at 4 KiB granularity.
const MAX_PIECES: usize = 16 * 1024;

/// The pieces of an answer to a read of a known length, so far.
#[derive(Debug)]
pub(super) struct Coverage {
    length: u64,
    /// Start and end of each piece; neighbours are not merged, so that their number is bounded.
    pieces: BTreeMap<u64, u64>,
    covered: u64,
}

impl Coverage {
    pub(super) fn of(length: u64) -> Self {
        Self { length, pieces: BTreeMap::new(), covered: 0 }
    }

    /// Takes the piece `start..start + length`, relative to the read. It must be new.
    pub(super) fn add(&mut self, start: u64, length: u64) -> Result<(), NbdError> {
        let fail = |why| Err(NbdError::Coverage { why });
        let Some(end) = start.checked_add(length).filter(|end| *end <= self.length) else {
            return fail("a piece lies outside");
        };
        if length == 0 {
            return fail("a piece is empty");
        }
        if self.pieces.len() >= MAX_PIECES {
            return fail("it comes in too many pieces");
        }
        let before = self.pieces.range(..end).next_back();
        if before.is_some_and(|(_, before_end)| *before_end > start) {
            return fail("two pieces overlap");
        }
        self.pieces.insert(start, end);
        self.covered += length;
        Ok(())
    }

    /// Whether every byte has come.
    pub(super) fn check_complete(&self) -> Result<(), NbdError> {
        if self.covered == self.length {
            return Ok(());
        }
        Err(NbdError::Coverage { why: "pieces are missing" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_accepts_any_order_without_overlap() {
        let mut coverage = Coverage::of(100);
        coverage.add(50, 50).unwrap();
        assert!(coverage.add(49, 2).is_err());
        assert!(coverage.add(99, 1).is_err());
        assert!(coverage.add(0, 101).is_err());
        assert!(coverage.add(u64::MAX, 2).is_err());
        assert!(coverage.add(10, 0).is_err());
        coverage.add(10, 40).unwrap();
        assert!(coverage.add(0, 100).is_err());
        assert!(coverage.check_complete().is_err());
        coverage.add(0, 10).unwrap();
        coverage.check_complete().unwrap();
    }
}
