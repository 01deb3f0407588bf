//! Disks of this host: files below configured folders, and configured block devices.
//!
//! # Why
//! An operator who adopts a disk makes the service, which may read everything, read it. So the
//! operator's word is bound to what the configuration allows; and because whoever may write to a
//! root could later put a link to the host's secrets in a disk's place, the word is not taken from
//! the time of the adoption: every opening checks again.
//!
//! # Invariants
//! - A path is walked part by part from its root, each part opened relative to the one before and
//!   never through a symbolic link: `walk`. The root itself is trusted, links in it included, so a
//!   device with a name that is a link (`/dev/mapper/x`) is configured as a root of its own.
//! - The walk ends with the file open by its inode. The disk is then opened by its path, and
//!   refused unless it is that inode; what `qemu-nbd` opens is compared as well. So it does not
//!   matter what is swapped in between: PROV-3.
//! - Reserved folders are compared by inode on the way, which finds them under a bind mount, too,
//!   but not a bind mount of a folder inside them.
//! - A file with a second name (hard link) is refused: the other name may be outside of the roots
//!   or in the data directory.
//! - What an image refers to lies in the image's own folder (`strongroom_source`), thus below the
//!   same root and not in what is reserved.
//! - Devices are allowed below roots of devices only, files below roots of files only.
//!
//! # Concurrency and crash
//! A disk that is being made is a hidden file `.strongroom-*.part` in the folder of new disks until
//! it is complete. A process that is killed leaves at most that. Who swaps the folder of new disks
//! itself for a link while a disk is made gets an empty image where the link leads, and the call
//! fails.

mod managed;
mod root;
mod walk;

use std::path::Path;

use strongroom_base::{BlockSink, BlockSource, ByteCount, SourceError};
use strongroom_model::disk::DiskImageFormat;
use strongroom_source::{
    DiskFormat, DiskSpec, OpenOptions, describe, find_user, open_source, sink,
};

#[cfg(any(test, feature = "testing"))]
pub(crate) use managed::is_name;
pub use root::LocalRoots;

use self::root::Roots;
use self::walk::Found;
use crate::error::{InspectError, PlaceError, ProviderError, RootError};
use crate::place::{DiskFacts, DiskPlace, DiskUsage, source_format};
use crate::provider::Provider;

/// The disks of this host. Keeps the configuration and nothing else.
#[derive(Debug)]
pub struct LocalProvider {
    roots: Roots,
}

impl LocalProvider {
    /// Checks the configured roots. Roots of devices may be absent now and come later.
    pub fn new(roots: &LocalRoots) -> Result<Self, RootError> {
        Ok(Self { roots: Roots::check(roots)? })
    }

    /// The file or device at the path of a row, still of the kind that the row says, and the
    /// source's words for it. What was found is kept until the disk is open: see
    /// [`DiskSpec::with_identity`].
    fn find(&self, disk: &DiskPlace) -> Result<(Found, DiskSpec), PlaceError> {
        let found = self.roots.find(&disk.path)?;
        let is_expected = (disk.format == DiskImageFormat::Block) == found.is_device();
        if !is_expected {
            let (found, expected) = match disk.format {
                DiskImageFormat::Block => ("a file", "the block device that was adopted"),
                _ => ("a block device", "the file that was adopted"),
            };
            return Err(PlaceError::Kind { path: disk.path.clone(), found, expected });
        }
        let spec = spec(&found, Some(source_format(disk.format)));
        Ok((found, spec))
    }
}

/// The found disk in the source's words.
fn spec(found: &Found, format: Option<DiskFormat>) -> DiskSpec {
    let spec = DiskSpec::new(&found.path).with_identity(&found.metadata);
    match format {
        Some(format) => spec.with_format(format),
        None => spec,
    }
}

/// The format of a found disk, as far as it can be known without its content. A device whose
/// format was not given has none yet: its content may make the operator's word necessary.
fn settle_format(
    found: &Found,
    path: &Path,
    given: Option<DiskImageFormat>,
) -> Result<Option<DiskImageFormat>, InspectError> {
    let differs =
        |format, why| Err(InspectError::FormatDiffers { path: path.to_owned(), format, why });
    match (given, found.is_device()) {
        (None | Some(DiskImageFormat::Block), true) => Ok(given),
        (Some(format), true) => differs(format, "it is a block device, whose format is `block`"),
        (Some(DiskImageFormat::Block), false) => {
            differs(DiskImageFormat::Block, "it is a file, whose format is `raw` or `qcow2`")
        }
        (Some(format), false) => Ok(Some(format)),
        (None, false) => {
            let extension = path.extension().unwrap_or_default();
            if extension.eq_ignore_ascii_case("qcow2") {
                return Ok(Some(DiskImageFormat::Qcow2));
            }
            Err(InspectError::FormatUnnamed { path: path.to_owned() })
        }
    }
}

impl Provider for LocalProvider {
    fn inspect(
        &self,
        path: &Path,
        format: Option<DiskImageFormat>,
    ) -> Result<DiskFacts, InspectError> {
        let found = self.roots.find(path)?;
        let format = settle_format(&found, path, format)?;
        let description = describe(&spec(&found, format.map(source_format)))?;
        if description.size == 0 {
            return Err(InspectError::Empty { path: path.to_owned() });
        }
        let format = format.unwrap_or(DiskImageFormat::Block);
        Ok(DiskFacts {
            is_block_device: found.is_device(),
            place: DiskPlace { path: found.path, format },
            size: ByteCount(description.size),
        })
    }

    fn usage(&self, disk: &DiskPlace) -> Result<DiskUsage, ProviderError> {
        let (_held, spec) = match self.find(disk) {
            Err(PlaceError::Absent { .. }) => return Ok(DiskUsage::Missing),
            found => found?,
        };
        match find_user(&spec) {
            Ok(None) => Ok(DiskUsage::Free),
            Ok(Some(why)) => Ok(DiskUsage::InUse { why }),
            Err(SourceError::Absent { .. }) => Ok(DiskUsage::Missing),
            Err(error) => Err(error.into()),
        }
    }

    fn open_source(&self, disk: &DiskPlace) -> Result<Box<dyn BlockSource>, ProviderError> {
        let (_held, spec) = self.find(disk)?;
        Ok(open_source(&spec, OpenOptions::default())?)
    }

    fn open_target(
        &self,
        disk: &DiskPlace,
        size: u64,
    ) -> Result<Box<dyn BlockSink>, ProviderError> {
        let (_held, spec) = self.find(disk)?;
        Ok(sink::overwrite(&spec, size, OpenOptions::default())?)
    }

    fn managed_place(&self, name: &str) -> Result<DiskPlace, ProviderError> {
        self.place_managed(name)
    }

    fn create(&self, name: &str, size: u64) -> Result<DiskPlace, ProviderError> {
        self.create_managed(name, size)
    }

    fn remove(&self, disk: &DiskPlace) -> Result<(), ProviderError> {
        self.remove_managed(disk)
    }
}
