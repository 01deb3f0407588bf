//! A disk in memory that can be read.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::{BlockSource, Extent, ExtentKind, SourceError};
use crate::range::ByteRange;

/// Granularity at which [`MemorySource`] looks for zeros, as a file system does for holes.
const EXTENT_BYTES: usize = 4096;

/// A disk in memory that can be read. Runs of 4 KiB zeros are zero extents.
#[derive(Debug)]
pub struct MemorySource {
    bytes: Vec<u8>,
    extents: Vec<Extent>,
    fail_at: Option<u64>,
    shrink_at: Option<u64>,
    changed: bool,
    bytes_read: AtomicU64,
}

impl MemorySource {
    /// A healthy disk that holds `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        let extents = extents_of(&bytes);
        let (fail_at, shrink_at) = (None, None);
        Self { bytes, extents, fail_at, shrink_at, changed: false, bytes_read: AtomicU64::new(0) }
    }

    /// Every read that covers the byte at `offset` fails with [`SourceError::Read`].
    #[must_use]
    pub fn failing_at(mut self, offset: u64) -> Self {
        self.fail_at = Some(offset);
        self
    }

    /// Every read that reaches beyond `offset` answers [`SourceError::Changed`], as from a file
    /// that was cut there after it was opened.
    #[must_use]
    pub fn shrinking_at(mut self, offset: u64) -> Self {
        self.shrink_at = Some(offset);
        self
    }

    /// `check_unchanged` answers [`SourceError::Changed`].
    #[must_use]
    pub fn changed(mut self) -> Self {
        self.changed = true;
        self
    }

    /// The disk knows nothing of its allocation: one data extent.
    #[must_use]
    pub fn without_extents(mut self) -> Self {
        let range = ByteRange::at(0, self.size());
        self.extents = vec![Extent { range, kind: ExtentKind::Data }];
        self
    }

    /// How many bytes were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn changed_error(what: &str) -> SourceError {
        SourceError::Changed { at: "memory".to_owned(), what: what.to_owned() }
    }
}

/// Extents of `bytes` at 4 KiB granularity, neighbours of one kind merged.
fn extents_of(bytes: &[u8]) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    let mut start = 0;
    for piece in bytes.chunks(EXTENT_BYTES) {
        let is_zero = piece.iter().all(|byte| *byte == 0);
        let kind = if is_zero { ExtentKind::Zero } else { ExtentKind::Data };
        let range = ByteRange::at(start, piece.len() as u64);
        start = range.end;
        match extents.last_mut() {
            Some(last) if last.kind == kind => last.range.end = range.end,
            _ => extents.push(Extent { range, kind }),
        }
    }
    extents
}

impl BlockSource for MemorySource {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let range = ByteRange::at(offset, buffer.len() as u64);
        if self.fail_at.is_some_and(|at| range.start <= at && at < range.end) {
            let source = io::Error::other("a fault that the test asked for");
            return Err(SourceError::Read { at: "memory".to_owned(), offset, source });
        }
        if self.shrink_at.is_some_and(|at| at < range.end) {
            return Err(Self::changed_error("it is shorter than it was"));
        }
        let bytes = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| self.bytes.get(start..end))
            .expect("the caller reads inside the disk, as the trait demands");
        buffer.copy_from_slice(bytes);
        self.bytes_read.fetch_add(range.len(), Ordering::Relaxed);
        Ok(())
    }

    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError> {
        let cut = |extent: &Extent| {
            let range = extent.range.intersect(range)?;
            Some(Extent { range, kind: extent.kind })
        };
        Ok(self.extents.iter().filter_map(cut).collect())
    }

    fn check_unchanged(&self) -> Result<(), SourceError> {
        if self.changed {
            return Err(Self::changed_error("the test said so"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_with_zero_run_has_three_extents() {
        let mut bytes = vec![7; 4096 * 4 + 10];
        bytes[4096..3 * 4096].fill(0);
        let source = MemorySource::new(bytes);
        let kinds = |range| {
            let extents = source.extents(range).unwrap();
            extents.iter().map(|e| (e.range.start, e.range.end, e.kind)).collect::<Vec<_>>()
        };
        let data = ExtentKind::Data;
        assert_eq!(
            kinds(ByteRange::at(0, source.size())),
            [(0, 4096, data), (4096, 12288, ExtentKind::Zero), (12288, 16394, data)]
        );
        assert_eq!(kinds(ByteRange::at(5000, 10)), [(5000, 5010, ExtentKind::Zero)]);
    }

    #[test]
    fn source_fails_only_at_the_named_byte() {
        let source = MemorySource::new(vec![1; 100]).failing_at(50);
        let mut buffer = [0; 50];
        source.read_at(0, &mut buffer).unwrap();
        assert_eq!(buffer, [1; 50]);
        assert!(matches!(source.read_at(10, &mut buffer), Err(SourceError::Read { .. })));
        assert_eq!(source.bytes_read(), 50);
    }
}
