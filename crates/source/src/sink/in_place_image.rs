//! An existing qcow2 image whose disk becomes another, through a `qemu-nbd` of its own.
//!
//! # Concurrency and crash
//! The locks are ours, taken before anything else: QEMU takes none here, so there is no moment
//! between two holders. When we are killed they end at once, and QEMU when it has written what it
//! was given: then another may open the image a moment too early.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::id;

use strongroom_base::{BlockSink, ByteRange, ExtentKind, SinkError};

use super::image::access_error;
use crate::existing::ExistingDisk;
use crate::image::reference;
use crate::nbd::{Client, NbdError};
use crate::open::OpenOptions;
use crate::qemu::{Access, ImageFile, QemuError, QemuNbd};
use crate::spec::{DiskFormat, DiskSpec};
use crate::usage::DiskIdentity;

/// What is compared at once: the engine's unit, so that a changed unit is written alone.
const PIECE: usize = 64 * 1024;

/// A qcow2 image overwritten in place. A crash leaves its disk partly old and partly new, and the
/// image whole.
#[derive(Debug)]
pub struct InPlaceImageSink {
    at: String,
    // Fields are dropped in this order: the server must be gone before our locks end.
    server: QemuNbd,
    disk: ExistingDisk,
    size: u64,
}

impl InPlaceImageSink {
    /// Takes the open image, on which we hold the locks that keep everybody out; QEMU takes none.
    pub(super) fn of(
        disk: ExistingDisk,
        spec: &DiskSpec,
        size: u64,
        options: OpenOptions,
    ) -> Result<Self, SinkError> {
        let at = spec.at();
        let open_failed = |source: io::Error| SinkError::Open { at: at.clone(), source };
        let failed = |error: QemuError| access_error(&at, &error);
        let path = std::path::absolute(&spec.path).map_err(open_failed)?;
        let format = DiskFormat::Qcow2;
        let mut image = ImageFile { path: &path, format, is_device: disk.is_device };
        let referred =
            reference::check(image, options.any_backing).map_err(|refusal| refusal.of_sink(&at))?;

        // Where nothing is relative to its name, QEMU opens the image through our descriptor: it
        // would find out about another one in its place only after it opened that for writing.
        let own = PathBuf::from(format!("/proc/{}/fd/{}", id(), disk.file.as_raw_fd()));
        if referred.is_empty() {
            image.path = &own;
        }
        // Held open until QEMU has opened them, so that nothing takes their place unseen.
        let mut held = Vec::new();
        let mut allowed = vec![disk.identity];
        for path in referred {
            let file = File::open(&path).map_err(open_failed)?;
            allowed.extend(DiskIdentity::of(&file.metadata().map_err(open_failed)?));
            held.push(file);
        }
        let server = QemuNbd::start(image, Access::Rewrite).map_err(failed)?;
        server.check_opened(&allowed).map_err(failed)?;
        let present = server.pool().export().size;
        if present < size {
            return Err(SinkError::TooSmall { at, size: present, needed: size });
        }
        Ok(Self { at, server, disk, size })
    }

    /// Writes the pieces of `bytes` that differ from what stands there.
    fn write_changed(
        client: &mut Client<UnixStream>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), NbdError> {
        let mut present = vec![0; bytes.len()];
        client.read_at(offset, &mut present)?;
        let mut position = offset;
        for (wanted, present) in bytes.chunks(PIECE).zip(present.chunks(PIECE)) {
            if wanted != present {
                client.write_at(position, wanted)?;
            }
            position += wanted.len() as u64;
        }
        Ok(())
    }

    fn check_range(&self, range: ByteRange) -> Result<(), SinkError> {
        if range.end > self.size {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "beyond the end of the disk");
            return Err(self.write_error(range.start, source));
        }
        Ok(())
    }

    fn write_error(&self, offset: u64, source: io::Error) -> SinkError {
        SinkError::Write { at: self.at.clone(), offset, source }
    }
}

impl BlockSink for InPlaceImageSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.check_range(ByteRange::at(offset, bytes.len() as u64))?;
        let written = self.server.pool().with(|client| Self::write_changed(client, offset, bytes));
        written.map_err(|error| self.write_error(offset, error.into_io()))
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        self.check_range(range)?;
        let zeroed = self.server.pool().with(|client| {
            let extents = client.extents(range)?;
            let data = extents.iter().filter(|extent| extent.kind == ExtentKind::Data);
            data.map(|extent| extent.range).try_for_each(|range| client.write_zeroes(range))
        });
        zeroed.map_err(|error| self.write_error(range.start, error.into_io()))
    }

    fn finish(&self) -> Result<(), SinkError> {
        self.server.close().map_err(|error| access_error(&self.at, &error))?;
        // QEMU flushed what it wrote until then; closing the image wrote a little more.
        self.disk.file.sync_all().map_err(|source| self.write_error(0, source))
    }
}
