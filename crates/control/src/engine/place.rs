//! Where a disk is, as providers want it.

use std::path::PathBuf;

use strongroom_model::disk::Disk;
use strongroom_provider::DiskPlace;

/// The place of a disk.
pub(crate) fn place_of(disk: &Disk) -> DiskPlace {
    DiskPlace { path: PathBuf::from(&disk.path), format: disk.format }
}
