//! Looking at a disk without taking it: what it is, and who uses it.
//!
//! # Why
//! A disk is looked at while its guest runs, and often. So nothing here takes a lock or keeps
//! anybody out, but for the moment in which a block device is asked whether it can be had.
//!
//! # Concurrency and crash
//! A look is one moment. Who opens the disk to read or write it asks again, under locks.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::OFlags;
use strongroom_base::SourceError;

use crate::existing::ExistingDisk;
use crate::image::{reference, source_error};
use crate::lock::{self, Purpose};
use crate::qemu::ImageFile;
use crate::spec::{DiskFormat, DiskSpec, begins_like_qcow2};
use crate::usage;

/// What a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskDescription {
    /// Its format, found as [`crate::spec`] says.
    pub format: DiskFormat,
    /// Bytes of the disk that a guest sees.
    pub size: u64,
    /// Whether it is a block device.
    pub is_device: bool,
}

/// Describes the disk that `spec` names, whoever uses it. Refuses what
/// [`crate::open_source`] would refuse for its kind, format or references, and not an empty disk.
pub fn describe(spec: &DiskSpec) -> Result<DiskDescription, SourceError> {
    let at = spec.at();
    let disk = open_unlocked(spec)?;
    let head =
        disk.head().map_err(|source| SourceError::Read { at: at.clone(), offset: 0, source })?;
    let format = spec
        .format_of(disk.is_device, &head)
        .map_err(|why| SourceError::Unusable { at: at.clone(), why })?;
    let size = match format {
        DiskFormat::Qcow2 if !begins_like_qcow2(&head) => {
            return Err(SourceError::Unusable { at, why: "it is no qcow2 image".to_owned() });
        }
        DiskFormat::Raw => disk.size,
        format => {
            let path = std::path::absolute(&spec.path);
            let path = path.map_err(|source| SourceError::Open { at: at.clone(), source })?;
            let image = ImageFile { path: &path, format, is_device: disk.is_device };
            reference::check(image, false).map_err(|refusal| refusal.of_source(&at))?;
            reference::virtual_size(image).map_err(|error| source_error(&at, &error))?
        }
    };
    Ok(DiskDescription { format, size, is_device: disk.is_device })
}

/// Who uses the disk so that it cannot be backed up now; `None` when nobody does. Backups that
/// read it are nobody, a restore that writes it is somebody.
pub fn find_user(spec: &DiskSpec) -> Result<Option<String>, SourceError> {
    let disk = open_unlocked(spec)?;
    let failed = |source: io::Error| SourceError::Open { at: spec.at(), source };
    if let Some(why) = lock::find_holder(&disk.file, Purpose::Read).map_err(failed)? {
        return Ok(Some(why.to_owned()));
    }
    if let Some(why) = usage::find_user(disk.identity, Purpose::Read).map_err(failed)? {
        return Ok(Some(why));
    }
    if disk.is_device && is_held(spec).map_err(failed)? {
        return Ok(Some("the kernel or a program holds it".to_owned()));
    }
    Ok(None)
}

fn open_unlocked(spec: &DiskSpec) -> Result<ExistingDisk, SourceError> {
    let disk = ExistingDisk::open(spec, Purpose::Read, true);
    disk.map_err(|refusal| refusal.of_source(spec.at()))
}

/// Whether somebody has the device open with `O_EXCL`.
fn is_held(spec: &DiskSpec) -> io::Result<bool> {
    let flags = (OFlags::EXCL | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).expect("the flags of open are a C int");
    match OpenOptions::new().read(true).custom_flags(flags).open(&spec.path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(true),
        Err(error) => Err(error),
    }
}
