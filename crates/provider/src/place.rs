//! Where a disk is, and what is known of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strongroom_base::ByteCount;
use strongroom_model::disk::DiskImageFormat;
use strongroom_source::DiskFormat;

/// Where a disk is and how it is kept, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskPlace {
    /// Its path, without links below the root, as text.
    pub path: PathBuf,
    /// How its bytes are kept.
    pub format: DiskImageFormat,
}

/// What a provider found when it looked at a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFacts {
    /// Where it is; what the row should hold.
    pub place: DiskPlace,
    /// Bytes that a guest sees; more than zero.
    pub size: ByteCount,
    /// Whether it is a block device.
    pub is_block_device: bool,
}

/// Whether somebody uses a disk in this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskUsage {
    /// A backup could begin. Others may be reading it.
    Free,
    /// Somebody writes it, or may.
    InUse {
        /// Who, as far as can be told; for operators.
        why: String,
    },
    /// It is not there.
    Missing,
}

/// The format under which the disk is opened.
pub(crate) fn source_format(format: DiskImageFormat) -> DiskFormat {
    match format {
        DiskImageFormat::Qcow2 => DiskFormat::Qcow2,
        DiskImageFormat::Raw | DiskImageFormat::Block => DiskFormat::Raw,
    }
}
