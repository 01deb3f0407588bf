//! Where disks are restored to: new files, existing disks, pipes.
//!
//! # Why
//! A restore must not destroy what it was not asked to replace, and an interrupted one must not
//! leave something that looks complete. So a new disk gets its name last, and an existing one is
//! only written after it was found large enough and unused.
//!
//! # Invariants
//! - An existing image may refer to other files under the same rule as a source
//!   ([`crate::spec`]); they are only read.
//!
//! # Concurrency and crash
//! A new disk is written as a hidden file `.strongroom-*.part` beside its name. It is removed when
//! the sink is dropped without `finish`; only a killed process leaves it behind.
//!
//! # Not here
//! Which bytes are written: the restore pipeline of the engine.

mod direct;
mod draft;
mod exclusive;
mod image;
mod in_place;
mod in_place_image;
mod raw;
mod stream;

use strongroom_base::{BlockSink, SinkError};

pub use exclusive::ExclusiveDisk;
pub use image::{NewImageSink, create_empty};
pub use in_place::InPlaceSink;
pub use in_place_image::InPlaceImageSink;
pub use raw::NewRawSink;
pub use stream::StreamSink;

use crate::open::OpenOptions;
use crate::spec::{DiskFormat, DiskSpec};

/// Makes a new disk of `size` bytes, raw or qcow2 as `spec` says. Refuses a name that is taken
/// ([`SinkError::Exists`]). What is not written reads as zeros.
pub fn create(spec: &DiskSpec, size: u64) -> Result<Box<dyn BlockSink>, SinkError> {
    match spec.format_by_name() {
        DiskFormat::Raw => Ok(Box::new(NewRawSink::create(spec, size)?)),
        DiskFormat::Qcow2 => Ok(Box::new(NewImageSink::create(spec, size)?)),
        format => {
            let why = format!("disks of the format {format} can be read, not made");
            Err(SinkError::Unusable { at: spec.at(), why })
        }
    }
}

/// Opens an existing raw file, block device or qcow2 image to be overwritten with a disk of `size`
/// bytes. What lies beyond them stays as it is. Refuses one that is smaller ([`SinkError::TooSmall`]) or used
/// by anybody ([`SinkError::InUse`]).
pub fn overwrite(
    spec: &DiskSpec,
    size: u64,
    options: OpenOptions,
) -> Result<Box<dyn BlockSink>, SinkError> {
    let (disk, format) = in_place::open_existing(spec, options)?;
    match format {
        DiskFormat::Raw => Ok(Box::new(InPlaceSink::of(disk, spec, size)?)),
        DiskFormat::Qcow2 => Ok(Box::new(InPlaceImageSink::of(disk, spec, size, options)?)),
        format => Err(in_place::unwritable(spec, format)),
    }
}
