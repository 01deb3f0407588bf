//! How a user names a disk, and which format it is taken for.
//!
//! # Why
//! Looking into a disk to find its format hands the choice to whoever wrote the disk: a guest can
//! write the header of a qcow2 image to its raw disk, with the host's password file as backing
//! file, and read it out of its next backup (CVE-2008-2004 was this). So content never chooses:
//!
//! # Invariants
//! - A format named by the user holds.
//! - Else the extension of the name decides; anything unknown, and every block device, is raw.
//! - Content is only compared with that choice. A raw disk by name that begins like a qcow2 image
//!   is refused until the user names the format: taken as raw it might be the container of
//!   somebody's disk, taken as qcow2 it might be a trap.
//! - An image may refer to other files only under the rule of `image::reference`.

use std::fmt;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::usage::DiskIdentity;

/// The first bytes of a qcow and qcow2 image ("QFI\xfb", QEMU's docs/interop/qcow2).
const QCOW_MAGIC: [u8; 4] = *b"QFI\xfb";

/// A format of disk images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskFormat {
    /// The bytes of the disk, one to one.
    Raw,
    /// QEMU's own.
    Qcow2,
    /// `VirtualBox`'s; source only.
    Vdi,
    /// Hyper-V's; source only.
    Vhdx,
    /// Virtual PC's and Azure's; source only.
    Vpc,
}

impl DiskFormat {
    /// The name that QEMU gives to the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
            Self::Vpc => "vpc",
        }
    }

    fn of_extension(path: &Path) -> Self {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("qcow2") => Self::Qcow2,
            Some("vdi") => Self::Vdi,
            Some("vhdx") => Self::Vhdx,
            Some("vhd" | "vpc") => Self::Vpc,
            _ => Self::Raw,
        }
    }
}

impl fmt::Display for DiskFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no known disk format; known are raw, qcow2, vdi, vhdx and vpc")]
pub struct UnknownFormat {
    /// The name.
    pub name: String,
}

impl FromStr for DiskFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        [Self::Raw, Self::Qcow2, Self::Vdi, Self::Vhdx, Self::Vpc]
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// Where a disk is, and optionally what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSpec {
    /// An image file or a block device.
    pub path: PathBuf,
    /// The format, when the user named it.
    pub format: Option<DiskFormat>,
    /// What must stand at the path, whatever name leads there.
    pub(crate) identity: Option<DiskIdentity>,
}

impl DiskSpec {
    /// The disk at `path`, whose format its name tells.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), format: None, identity: None }
    }

    /// The same disk with its format named.
    #[must_use]
    pub fn with_format(mut self, format: DiskFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The same disk, which is refused unless it is the very file or device that `metadata`
    /// describes: for callers that looked at the way to it. Whoever puts something else in its
    /// place between that look and the opening is found out. The caller keeps what it looked at
    /// open meanwhile, so that its inode is not given to another file.
    #[must_use]
    pub fn with_identity(mut self, metadata: &Metadata) -> Self {
        self.identity = DiskIdentity::of(metadata);
        self
    }

    /// The path as it stands in messages.
    pub(crate) fn at(&self) -> String {
        self.path.display().to_string()
    }

    /// The format to use for a new disk of this name.
    pub(crate) fn format_by_name(&self) -> DiskFormat {
        self.format.unwrap_or_else(|| DiskFormat::of_extension(&self.path))
    }

    /// The format to use for an existing disk that begins with `head`; the error says why it is
    /// refused.
    pub(crate) fn format_of(&self, is_device: bool, head: &[u8]) -> Result<DiskFormat, String> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let by_name = if is_device { DiskFormat::Raw } else { self.format_by_name() };
        match (by_name, begins_like_qcow2(head)) {
            (DiskFormat::Raw, true) => Err("it begins like a qcow2 image but its name does not \
                say so; name its format"
                .to_owned()),
            (DiskFormat::Qcow2, false) => {
                Err("its name says qcow2 but it does not begin like one; name its format"
                    .to_owned())
            }
            _ => Ok(by_name),
        }
    }
}

/// Whether the first bytes of a disk are those of a qcow or qcow2 image.
pub(crate) fn begins_like_qcow2(head: &[u8]) -> bool {
    head.starts_with(&QCOW_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: SRC-3
    #[test]
    fn format_of_never_follows_content_alone() {
        use DiskFormat::{Qcow2, Raw, Vdi};
        let check = |path: &str, is_device, head: &[u8], expected: Option<DiskFormat>| {
            assert_eq!(DiskSpec::new(path).format_of(is_device, head).ok(), expected, "{path}");
            let explicit = DiskSpec::new(path).with_format(Raw);
            assert_eq!(explicit.format_of(is_device, head), Ok(Raw));
        };
        check("a.img", false, b"boot", Some(Raw));
        check("a.img", false, b"QFI\xfb", None);
        check("a.qcow2", false, b"QFI\xfb", Some(Qcow2));
        check("a.QCOW2", false, b"QFI\xfb", Some(Qcow2));
        check("a.qcow2", false, b"boot", None);
        check("a.qcow2", false, b"", None);
        check("a.vdi", false, b"<<< ", Some(Vdi));
        check("/dev/vg/a.qcow2", true, b"boot", Some(Raw));
        check("/dev/vg/a", true, b"QFI\xfb", None);
    }

    #[test]
    fn parse_of_a_displayed_format_is_the_format() {
        assert_eq!(DiskFormat::Vhdx.to_string().parse(), Ok(DiskFormat::Vhdx));
        assert!("vmdk".parse::<DiskFormat>().is_err());
    }
}
