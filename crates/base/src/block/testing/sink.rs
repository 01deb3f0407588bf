//! A disk in memory that can be written and notices what was written twice or never.

use std::io;
use std::sync::{Mutex, MutexGuard};

use crate::block::{BlockSink, SinkError};
use crate::range::ByteRange;

/// What unwritten bytes of a [`MemorySink`] hold.
const GARBAGE: u8 = 0xee;

/// A disk in memory that can be written. Starts as garbage, so that a byte nobody wrote shows.
#[derive(Debug)]
pub struct MemorySink {
    state: Mutex<SinkState>,
    in_order: bool,
    fail_at: Option<u64>,
}

#[derive(Debug)]
struct SinkState {
    bytes: Vec<u8>,
    /// What was written or zeroed, one range for each call.
    written: Vec<ByteRange>,
    /// End of the last call, for sinks that want order.
    position: u64,
    /// Calls that broke the contract of the trait.
    complaints: Vec<String>,
    bytes_written: u64,
    is_finished: bool,
}

impl MemorySink {
    /// A disk of `size` bytes of garbage.
    ///
    /// # Panics
    /// When memory cannot hold that many bytes.
    pub fn new(size: u64) -> Self {
        let size = usize::try_from(size).expect("a test's disk fits into memory");
        let mut bytes = vec![0; size];
        bytes.fill(GARBAGE);
        let state = SinkState {
            bytes,
            written: Vec::new(),
            position: 0,
            complaints: Vec::new(),
            bytes_written: 0,
            is_finished: false,
        };
        Self { state: Mutex::new(state), in_order: false, fail_at: None }
    }

    /// Wants its calls in ascending order without gaps, as a pipe does.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Every write or zero that covers the byte at `offset` fails with [`SinkError::Write`].
    #[must_use]
    pub fn failing_at(mut self, offset: u64) -> Self {
        self.fail_at = Some(offset);
        self
    }

    /// What the disk holds now.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// What the disk holds in the end.
    ///
    /// # Panics
    /// When a thread panicked inside a call.
    pub fn into_bytes(self) -> Vec<u8> {
        self.state.into_inner().expect(NOT_POISONED).bytes
    }

    /// Bytes that came through `write_at`; those that were zeroed do not count.
    pub fn bytes_written(&self) -> u64 {
        self.lock().bytes_written
    }

    /// Whether every byte was written or zeroed exactly once, in order where that was asked for,
    /// and `finish` was called once after that. The text says what is wrong.
    pub fn check_complete(&self) -> Result<(), String> {
        let state = self.lock();
        if let Some(complaint) = state.complaints.first() {
            return Err(complaint.clone());
        }
        if let Some(at) = state.first_not_written_once() {
            let times = state.written.iter().filter(|r| r.start <= at && at < r.end).count();
            return Err(format!("byte {at} was written {times} times"));
        }
        if !state.is_finished {
            return Err("finish was not called".to_owned());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, SinkState> {
        self.state.lock().expect(NOT_POISONED)
    }

    /// Applies one call to the range: `bytes`, or zeros where there are none.
    fn put(&self, range: ByteRange, bytes: Option<&[u8]>) -> Result<(), SinkError> {
        if self.fail_at.is_some_and(|at| range.start <= at && at < range.end) {
            let source = io::Error::other("a fault that the test asked for");
            let at = "memory".to_owned();
            return Err(SinkError::Write { at, offset: range.start, source });
        }
        self.lock().put(range, bytes, self.in_order);
        Ok(())
    }
}

impl SinkState {
    /// The lowest byte that no call or more than one call reached.
    fn first_not_written_once(&self) -> Option<u64> {
        let mut ranges: Vec<_> = self.written.iter().filter(|r| r.start < r.end).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        // Everything below is written; a range that begins lower was written a second time.
        let mut end = 0;
        for range in ranges {
            if range.start != end {
                return Some(range.start.min(end));
            }
            end = range.end;
        }
        (end < self.bytes.len() as u64).then_some(end)
    }

    fn put(&mut self, range: ByteRange, bytes: Option<&[u8]>, in_order: bool) {
        if self.is_finished {
            self.complaints.push(format!("{range:?} came after finish"));
        }
        if in_order && self.position != range.start {
            self.complaints.push(format!("{range:?} came when {} was next", self.position));
        }
        self.position = range.end;
        let span = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let Some((start, end)) = span.filter(|(_, end)| *end <= self.bytes.len()) else {
            self.complaints.push(format!("{range:?} reaches beyond the end of the disk"));
            return;
        };
        if let Some(target) = self.bytes.get_mut(start..end) {
            match bytes {
                Some(bytes) => target.copy_from_slice(bytes),
                None => target.fill(0),
            }
        }
        self.written.push(range);
        if bytes.is_some() {
            self.bytes_written += range.len();
        }
    }
}

const NOT_POISONED: &str = "no holder of this lock panics";

impl BlockSink for MemorySink {
    fn in_order(&self) -> bool {
        self.in_order
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.put(ByteRange::at(offset, bytes.len() as u64), Some(bytes))
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        self.put(range, None)
    }

    fn finish(&self) -> Result<(), SinkError> {
        let mut state = self.lock();
        if state.is_finished {
            state.complaints.push("finish was called twice".to_owned());
        }
        state.is_finished = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sink_names_bytes_written_twice_or_never() {
        let sink = MemorySink::new(10);
        sink.write_at(0, &[1; 4]).unwrap();
        sink.zero(ByteRange::at(4, 5)).unwrap();
        assert_eq!(sink.check_complete(), Err("byte 9 was written 0 times".to_owned()));
        assert_eq!(sink.bytes(), [1, 1, 1, 1, 0, 0, 0, 0, 0, GARBAGE]);
        sink.write_at(8, &[2; 2]).unwrap();
        assert_eq!(sink.check_complete(), Err("byte 8 was written 2 times".to_owned()));
    }

    #[test]
    fn sink_names_the_lowest_byte_that_is_wrong() {
        let sink = MemorySink::new(10);
        assert_eq!(sink.check_complete(), Err("byte 0 was written 0 times".to_owned()));
        sink.write_at(6, &[1; 4]).unwrap();
        sink.write_at(2, &[1; 4]).unwrap();
        assert_eq!(sink.check_complete(), Err("byte 0 was written 0 times".to_owned()));
        sink.write_at(0, &[1; 3]).unwrap();
        assert_eq!(sink.check_complete(), Err("byte 2 was written 2 times".to_owned()));
        let whole = MemorySink::new(4);
        whole.zero(ByteRange::at(2, 2)).unwrap();
        whole.zero(ByteRange::at(0, 2)).unwrap();
        assert_eq!(whole.check_complete(), Err("finish was not called".to_owned()));
        whole.finish().unwrap();
        assert_eq!(whole.check_complete(), Ok(()));
    }

    #[test]
    fn sink_in_order_complains_about_a_gap() {
        let sink = MemorySink::new(10).ordered();
        sink.write_at(4, &[1; 6]).unwrap();
        sink.write_at(0, &[1; 4]).unwrap();
        sink.finish().unwrap();
        assert!(sink.check_complete().unwrap_err().contains("when 0 was next"));
    }
}
