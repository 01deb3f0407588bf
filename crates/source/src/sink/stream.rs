//! A pipe or any other writer that takes a disk from its first byte to its last.

use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;

use strongroom_base::{BlockSink, ByteRange, SinkError};

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A writer that takes the disk in order.
pub struct StreamSink<W> {
    at: String,
    state: Mutex<State<W>>,
}

struct State<W> {
    writer: W,
    position: u64,
}

impl<W> fmt::Debug for StreamSink<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSink").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<W: Write + Send> StreamSink<W> {
    /// Writes to `writer`, which messages call `at`.
    pub fn new(writer: W, at: impl Into<String>) -> Self {
        Self { at: at.into(), state: Mutex::new(State { writer, position: 0 }) }
    }

    /// The writer, after the last call.
    ///
    /// # Panics
    /// When a call panicked.
    pub fn into_writer(self) -> W {
        self.state.into_inner().expect("no holder of this lock panics").writer
    }

    /// Runs `write` when the range is the next one.
    fn append(
        &self,
        range: ByteRange,
        write: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> Result<(), SinkError> {
        let failed = |source| SinkError::Write { at: self.at.clone(), offset: range.start, source };
        let mut state = self.state.lock().expect("no holder of this lock panics");
        if state.position != range.start {
            let why = format!("byte {} is next", state.position);
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
        }
        write(&mut state.writer).map_err(failed)?;
        state.position = range.end;
        Ok(())
    }
}

impl<W: Write + Send> BlockSink for StreamSink<W> {
    fn in_order(&self) -> bool {
        true
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let range = ByteRange::at(offset, bytes.len() as u64);
        self.append(range, |writer| writer.write_all(bytes))
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        self.append(range, |writer| {
            let mut left = range.len();
            while left > 0 {
                let length = left.min(ZEROS.len() as u64);
                let zeros = usize::try_from(length).ok().and_then(|length| ZEROS.get(..length));
                writer.write_all(zeros.unwrap_or(&ZEROS))?;
                left -= length;
            }
            Ok(())
        })
    }

    fn finish(&self) -> Result<(), SinkError> {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        let offset = state.position;
        let flushed = state.writer.flush();
        flushed.map_err(|source| SinkError::Write { at: self.at.clone(), offset, source })
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::block::testing::check_sink;

    use super::*;

    #[test]
    fn stream_receives_every_byte_in_order() {
        let sink = StreamSink::new(Vec::new(), "memory");
        let expected = check_sink(&sink, 1_000_003, 3);
        assert!(sink.into_writer() == expected);
    }

    #[test]
    fn write_out_of_order_is_refused() {
        let sink = StreamSink::new(Vec::new(), "memory");
        assert!(sink.write_at(1, b"a").is_err());
        sink.write_at(0, b"a").unwrap();
        assert!(sink.zero(ByteRange::at(2, 1)).is_err());
    }
}
