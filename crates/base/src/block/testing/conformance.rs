//! What every disk must do, whatever stands behind it.

use std::thread;

use crate::block::{BlockSink, BlockSource, Extent, ExtentKind};
use crate::range::ByteRange;
use crate::rng::{Rng, SeededRng};

/// Reads `source` in every shape that the trait allows and compares it with `expected`.
///
/// # Panics
/// When the source breaks its contract or holds other bytes.
pub fn check_source(source: &dyn BlockSource, expected: &[u8]) {
    let size = source.size();
    assert_eq!(size, expected.len() as u64, "the size is wrong");
    check_reads(source, expected);
    let whole = ByteRange::at(0, size);
    let middle = ByteRange { start: size / 3, end: size - size / 3 };
    let one = ByteRange { start: size - 1, end: size };
    for range in [whole, middle, one, ByteRange::at(size / 2, 0)] {
        check_extents(&source.extents(range).expect("extents are known"), range, expected);
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| check_reads(source, expected));
        }
    });
    source.check_unchanged().expect("nobody touched the disk");
}

fn check_reads(source: &dyn BlockSource, expected: &[u8]) {
    let size = source.size();
    let check = |offset: u64, len: u64| {
        let range = ByteRange::at(offset, len).intersect(ByteRange::at(0, size));
        let range = range.unwrap_or(ByteRange::at(size, 0));
        let bytes = slice(expected, range);
        let mut buffer = vec![0x55; bytes.len()];
        source.read_at(range.start, &mut buffer).expect("the disk is healthy");
        assert!(buffer == bytes, "{range:?} holds other bytes");
    };
    check(0, size);
    check(0, 1);
    check(size - 1, 1);
    check(size, 0);
    check(size / 2 + 3, 4097);
    for step in 0..size.div_ceil(65_536) {
        check(step * 65_536, 65_536);
    }
}

/// Extents must tile `range` in order, hold no empty piece and call nothing zero that is not.
fn check_extents(extents: &[Extent], range: ByteRange, expected: &[u8]) {
    let mut position = range.start;
    for extent in extents {
        assert_eq!(extent.range.start, position, "extents leave a gap or overlap");
        assert!(!extent.range.is_empty(), "an extent is empty");
        position = extent.range.end;
        if extent.kind == ExtentKind::Zero {
            let bytes = slice(expected, extent.range);
            assert!(bytes.iter().all(|byte| *byte == 0), "{:?} is not zero", extent.range);
        }
    }
    assert_eq!(position, range.end, "extents do not reach the end");
}

fn slice(bytes: &[u8], range: ByteRange) -> &[u8] {
    usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok())
        .and_then(|(start, end)| bytes.get(start..end))
        .expect("the range lies inside the disk")
}

/// Fills `sink` with data and zeros in pieces of many lengths, from several threads where the sink
/// allows it, calls `finish` and returns what the first `size` bytes of the disk must hold now.
///
/// # Panics
/// When a call fails.
pub fn check_sink(sink: &dyn BlockSink, size: u64, seed: u64) -> Vec<u8> {
    let rng = SeededRng::new(seed);
    let mut expected = vec![0; usize::try_from(size).expect("a test's disk fits into memory")];
    let mut pieces = Vec::new();
    let mut rest = expected.as_mut_slice();
    let mut offset = 0;
    while !rest.is_empty() {
        let lengths = [1, 511, 512, 4095, 4096, 5000, 65_536, 65_536, 65_536, 262_144, 1_048_577];
        let pick = usize::try_from(rng.below(lengths.len() as u64)).unwrap_or_default();
        let len = lengths.get(pick).copied().unwrap_or(1).min(rest.len());
        let (piece, tail) = rest.split_at_mut(len);
        rest = tail;
        let is_data = rng.below(3) > 0;
        if is_data {
            rng.fill(piece);
        }
        pieces.push((offset, &*piece, is_data));
        offset += len as u64;
    }
    let put = |(offset, bytes, is_data): &(u64, &[u8], bool)| {
        if *is_data {
            sink.write_at(*offset, bytes).expect("the disk takes the bytes");
        } else {
            sink.zero(ByteRange::at(*offset, bytes.len() as u64)).expect("the disk takes zeros");
        }
    };
    if sink.in_order() {
        pieces.iter().for_each(put);
    } else {
        thread::scope(|scope| {
            for first in 0..3 {
                let (pieces, put) = (&pieces, &put);
                scope.spawn(move || pieces.iter().skip(first).step_by(3).for_each(put));
            }
        });
    }
    sink.finish().expect("the disk becomes durable");
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::testing::{MemorySink, MemorySource};

    #[test]
    fn memory_disks_pass_the_suite() {
        for sink in [MemorySink::new(3_000_001), MemorySink::new(3_000_001).ordered()] {
            let expected = check_sink(&sink, 3_000_001, 7);
            sink.check_complete().unwrap();
            check_source(&MemorySource::new(sink.into_bytes()), &expected);
        }
    }

    #[test]
    #[should_panic(expected = "holds other bytes")]
    fn a_wrong_byte_fails_the_suite() {
        check_source(&MemorySource::new(vec![1; 10_000]), &[0; 10_000]);
    }
}
