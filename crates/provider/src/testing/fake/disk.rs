//! Open disks of the fake.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_base::block::testing::MemorySource;
use strongroom_base::{BlockSink, BlockSource, ByteRange, Extent, SinkError, SourceError};

use super::{Call, Fault, Host};

fn asked_for() -> io::Error {
    io::Error::other("a fault that the test asked for")
}

/// A disk as it was when it was opened.
pub(super) struct FakeSource {
    host: Arc<Host>,
    path: PathBuf,
    inner: MemorySource,
}

impl FakeSource {
    /// The disk counts this reader already.
    pub(super) fn new(host: Arc<Host>, path: PathBuf, inner: MemorySource) -> Self {
        Self { host, path, inner }
    }
}

impl Drop for FakeSource {
    fn drop(&mut self) {
        if let Some(disk) = self.host.disks().get_mut(&self.path) {
            disk.readers = disk.readers.saturating_sub(1);
        }
    }
}

impl BlockSource for FakeSource {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        if self.host.fault(Call::Read).is_some() {
            let at = self.path.display().to_string();
            return Err(SourceError::Read { at, offset, source: asked_for() });
        }
        self.inner.read_at(offset, buffer)
    }

    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError> {
        self.inner.extents(range)
    }

    fn check_unchanged(&self) -> Result<(), SourceError> {
        if self.host.disks().contains_key(&self.path) {
            return Ok(());
        }
        let at = self.path.display().to_string();
        Err(SourceError::Changed { at, what: "it was deleted".to_owned() })
    }
}

/// A disk that is written; each write has its effect at once.
pub(super) struct FakeSink {
    host: Arc<Host>,
    path: PathBuf,
    size: u64,
}

impl FakeSink {
    /// The disk counts this writer already.
    pub(super) fn new(host: Arc<Host>, path: PathBuf, size: u64) -> Self {
        Self { host, path, size }
    }

    fn put(&self, range: ByteRange, bytes: Option<&[u8]>) -> Result<(), SinkError> {
        let fault = self.host.fault(Call::Write);
        let failed = |source| {
            let at = self.path.display().to_string();
            SinkError::Write { at, offset: range.start, source }
        };
        if fault == Some(Fault::Before) || range.end > self.size {
            return Err(failed(asked_for()));
        }
        let mut disks = self.host.disks();
        let span = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let disk = disks.get_mut(&self.path);
        let target = disk.zip(span).and_then(|(disk, (start, end))| disk.bytes.get_mut(start..end));
        match (target, bytes) {
            (None, _) => return Err(failed(io::ErrorKind::NotFound.into())),
            (Some(target), Some(bytes)) => target.copy_from_slice(bytes),
            (Some(target), None) => target.fill(0),
        }
        if fault.is_some() { Err(failed(asked_for())) } else { Ok(()) }
    }
}

impl Drop for FakeSink {
    fn drop(&mut self) {
        if let Some(disk) = self.host.disks().get_mut(&self.path) {
            disk.writers = disk.writers.saturating_sub(1);
        }
    }
}

impl BlockSink for FakeSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.put(ByteRange::at(offset, bytes.len() as u64), Some(bytes))
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        self.put(range, None)
    }

    fn finish(&self) -> Result<(), SinkError> {
        if self.host.fault(Call::Finish).is_some() {
            let at = self.path.display().to_string();
            return Err(SinkError::Write { at, offset: 0, source: asked_for() });
        }
        Ok(())
    }
}
