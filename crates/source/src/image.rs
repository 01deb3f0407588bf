//! A disk in an image format of QEMU's as a source, read through a `qemu-nbd` of its own.

pub(crate) mod reference;

use std::fs::File;
use std::io;

use strongroom_base::error::Chain;
use strongroom_base::{BlockSource, ByteRange, Extent, SourceError};

use crate::existing::ExistingDisk;
use crate::nbd::NbdError;
use crate::open::OpenOptions;
use crate::qemu::{Access, ImageFile, QemuError, QemuNbd};
use crate::spec::{DiskFormat, DiskSpec};
use crate::stamp::Stamp;
use crate::usage::DiskIdentity;

/// A disk inside an image.
#[derive(Debug)]
pub struct ImageSource {
    at: String,
    /// The image and the files that it refers to.
    stamps: Vec<Stamp>,
    server: QemuNbd,
}

impl ImageSource {
    pub(crate) fn of(
        disk: ExistingDisk,
        spec: &DiskSpec,
        format: DiskFormat,
        options: OpenOptions,
    ) -> Result<Self, SourceError> {
        let at = spec.at();
        let open_failed = |source: io::Error| SourceError::Open { at: at.clone(), source };
        let path = std::path::absolute(&spec.path).map_err(open_failed)?;
        let image = ImageFile { path: &path, format, is_device: disk.is_device };
        let referred = reference::check(image, options.any_backing)
            .map_err(|refusal| refusal.of_source(&at))?;

        // The image stays open here too: with it our lock, and what changes are found by.
        let mut allowed = vec![disk.identity];
        let mut stamps = vec![Stamp::of(disk.file, at.clone()).map_err(open_failed)?];
        for path in referred {
            let file = File::open(&path).map_err(open_failed)?;
            allowed.extend(DiskIdentity::of(&file.metadata().map_err(open_failed)?));
            stamps.push(Stamp::of(file, path.display().to_string()).map_err(open_failed)?);
        }
        let access = if options.force_unsafe { Access::ReadUnlocked } else { Access::Read };
        let server = QemuNbd::start(image, access).map_err(|error| source_error(&at, &error))?;
        server.check_opened(&allowed).map_err(|error| source_error(&at, &error))?;
        if server.pool().export().size == 0 {
            return Err(SourceError::Unusable { at, why: "its disk is empty".to_owned() });
        }
        Ok(Self { at, stamps, server })
    }

    fn read_error(&self, offset: u64, error: NbdError) -> SourceError {
        SourceError::Read { at: self.at.clone(), offset, source: error.into_io() }
    }
}

/// What a failure of one of QEMU's tools means for a source.
pub(crate) fn source_error(at: &str, error: &QemuError) -> SourceError {
    let (at, why) = (at.to_owned(), Chain(error).to_string());
    if error.is_locked() {
        return SourceError::InUse { at, why };
    }
    SourceError::Access { at, why }
}

impl BlockSource for ImageSource {
    fn size(&self) -> u64 {
        self.server.pool().export().size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let read = self.server.pool().with(|client| client.read_at(offset, buffer));
        read.map_err(|error| self.read_error(offset, error))
    }

    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError> {
        let extents = self.server.pool().with(|client| client.extents(range));
        extents.map_err(|error| self.read_error(range.start, error))
    }

    fn check_unchanged(&self) -> Result<(), SourceError> {
        self.stamps.iter().try_for_each(Stamp::check)
    }
}
