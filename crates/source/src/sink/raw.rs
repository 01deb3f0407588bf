//! A new raw image file, sparse where the disk is empty.

use std::io;

use strongroom_base::{BlockSink, ByteRange, SinkError};

use super::direct::DirectFile;
use super::draft::Draft;
use crate::spec::DiskSpec;

/// A raw file that gets its name in `finish`.
#[derive(Debug)]
pub struct NewRawSink {
    draft: Draft,
    file: DirectFile,
}

impl NewRawSink {
    /// Begins a file of `size` bytes, all of it a hole. The name must be free.
    pub fn create(spec: &DiskSpec, size: u64) -> Result<Self, SinkError> {
        let (draft, file) = Draft::create(&spec.path)?;
        let failed = |source: io::Error| SinkError::Open { at: draft.at(), source };
        file.set_len(size).map_err(failed)?;
        let file = DirectFile::new(file, draft.path()).map_err(failed)?;
        Ok(Self { draft, file })
    }

    /// Whether writes go past the page cache.
    pub fn is_direct(&self) -> bool {
        self.file.is_direct()
    }

    fn write_error(&self, offset: u64, source: io::Error) -> SinkError {
        SinkError::Write { at: self.draft.at(), offset, source }
    }
}

impl BlockSink for NewRawSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let written = self.file.write_all_at(offset, bytes);
        written.map_err(|source| self.write_error(offset, source))
    }

    /// Does nothing: the file is new, so what nobody wrote is a hole.
    fn zero(&self, _range: ByteRange) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&self) -> Result<(), SinkError> {
        self.file.sync().map_err(|source| self.write_error(0, source))?;
        self.draft.publish()
    }
}
