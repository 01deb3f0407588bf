//! The one door to a source, whatever stands behind it.

use strongroom_base::{BlockSource, SourceError};

use crate::existing::ExistingDisk;
use crate::image::ImageSource;
use crate::lock::Purpose;
use crate::raw::RawSource;
use crate::spec::{DiskFormat, DiskSpec};

/// How a disk is opened. The default is the careful way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Take the disk even though somebody uses it or writes to it. What is read then may belong to
    /// no single moment.
    pub force_unsafe: bool,
    /// Let an image refer to backing and data files outside of its own folder. Only for images
    /// whose headers are trusted.
    pub any_backing: bool,
}

/// Opens the disk that `spec` names for reading.
///
/// Refuses a disk that is missing, empty or no disk ([`SourceError::Absent`],
/// [`SourceError::Unusable`]) and one that somebody writes, has mounted or may write
/// ([`SourceError::InUse`]). How the format is found stands in [`crate::spec`].
pub fn open_source(
    spec: &DiskSpec,
    options: OpenOptions,
) -> Result<Box<dyn BlockSource>, SourceError> {
    let at = spec.at();
    let disk = ExistingDisk::open(spec, Purpose::Read, options.force_unsafe)
        .map_err(|refusal| refusal.of_source(at.clone()))?;
    if disk.size == 0 {
        return Err(SourceError::Unusable { at, why: "it is empty".to_owned() });
    }
    let head =
        disk.head().map_err(|source| SourceError::Read { at: at.clone(), offset: 0, source })?;
    match spec.format_of(disk.is_device, &head) {
        Err(why) => Err(SourceError::Unusable { at, why }),
        Ok(DiskFormat::Raw) => Ok(Box::new(RawSource::of(disk, at)?)),
        Ok(format) => Ok(Box::new(ImageSource::of(disk, spec, format, options)?)),
    }
}
