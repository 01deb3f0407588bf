//! A new qcow2 image, written through a `qemu-nbd` of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::io;

use strongroom_base::error::Chain;
use strongroom_base::{BlockSink, ByteRange, SinkError};

use super::direct::open_direct;
use super::draft::Draft;
use crate::qemu::{Access, ImageFile, QemuError, QemuNbd, qemu_img};
use crate::spec::{DiskFormat, DiskSpec};

/// QEMU's disks consist of sectors of this many bytes.
const SECTOR: u64 = 512;

/// A qcow2 image that gets its name in `finish`.
#[derive(Debug)]
pub struct NewImageSink {
    // Fields are dropped in this order: the server must be gone before its file.
    server: QemuNbd,
    draft: Draft,
}

impl NewImageSink {
    /// Begins an image with an empty disk of `size` bytes, rounded up to whole sectors. The name
    /// must be free.
    pub fn create(spec: &DiskSpec, size: u64) -> Result<Self, SinkError> {
        let at = spec.at();
        let failed = |error: QemuError| access_error(&at, &error);
        let draft = draft_image(spec, size)?;
        let direct = open_direct(draft.path());
        let direct = direct.map_err(|source| SinkError::Open { at: at.clone(), source })?;
        let access = Access::Write { is_direct: direct.is_some() };
        drop(direct);
        let format = DiskFormat::Qcow2;
        let image = ImageFile { path: draft.path(), format, is_device: false };
        let server = QemuNbd::start(image, access).map_err(failed)?;
        Ok(Self { server, draft })
    }

    fn write_error(&self, offset: u64, source: io::Error) -> SinkError {
        SinkError::Write { at: self.draft.at(), offset, source }
    }
}

/// Makes a qcow2 image with an empty disk of `size` bytes, rounded up to whole sectors, durable
/// when this returns. The name must be free ([`SinkError::Exists`]); a crash leaves the image
/// complete or under another name.
pub fn create_empty(spec: &DiskSpec, size: u64) -> Result<(), SinkError> {
    let draft = draft_image(spec, size)?;
    publish(&draft)
}

/// An empty image that has no name yet.
fn draft_image(spec: &DiskSpec, size: u64) -> Result<Draft, SinkError> {
    let at = spec.at();
    let size = size.checked_next_multiple_of(SECTOR).ok_or_else(|| SinkError::Unusable {
        at: at.clone(),
        why: "the disk is too large for an image".to_owned(),
    })?;
    let (draft, _file) = Draft::create(&spec.path)?;
    let size = size.to_string();
    let words = ["create", "-q", "-f", "qcow2"].map(OsStr::new);
    // The path is absolute, so QEMU takes it neither for an option nor for a protocol.
    let place = [draft.path().as_os_str(), OsStr::new(&size)];
    qemu_img(&[&words[..], &place[..]].concat()).map_err(|error| access_error(&at, &error))?;
    Ok(draft)
}

/// Makes the image durable and gives it its name.
fn publish(draft: &Draft) -> Result<(), SinkError> {
    let file = File::open(draft.path()).and_then(|file| file.sync_all());
    file.map_err(|source| SinkError::Write { at: draft.at(), offset: 0, source })?;
    draft.publish()
}

pub(super) fn access_error(at: &str, error: &QemuError) -> SinkError {
    SinkError::Access { at: at.to_owned(), why: Chain(error).to_string() }
}

impl BlockSink for NewImageSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let written = self.server.pool().with(|client| client.write_at(offset, bytes));
        written.map_err(|error| self.write_error(offset, error.into_io()))
    }

    /// Does nothing: the image is new, so what nobody wrote reads as zeros.
    fn zero(&self, _range: ByteRange) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&self) -> Result<(), SinkError> {
        self.server.close().map_err(|error| access_error(&self.draft.at(), &error))?;
        // QEMU flushed what it wrote until then; closing the image wrote a little more.
        publish(&self.draft)
    }
}
