//! Who uses a disk, as far as this machine can tell.
//!
//! # Why
//! A disk that somebody writes cannot be read as one moment, and a disk that somebody uses must
//! not be overwritten. Locks are only seen by those who ask for them, so mounts, loop devices,
//! swap and the open files of other processes are looked at as well.
//!
//! # Invariants
//! - Files are compared by device and inode, devices by number, never by name: a mount may name
//!   a link, and a file may have two names.
//! - What cannot be looked at (another user's process) counts as nobody; what should always be
//!   there (the list of mounts) is an error.
//!
//! # Concurrency and crash
//! A look is one moment. What comes later is kept out by `O_EXCL` on devices and by image locks,
//! or found at the end by the check for changes.

mod block;
mod mount;
mod process;

pub(crate) use process::disks_opened_by;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, makedev, statx};

use crate::lock::Purpose;

/// A process that this one starts holds our open files until it has called exec, and the kernel
/// lets go of a device a little after `umount` returned. Looking again after this long keeps
/// neither from being taken for a user of the disk.
const SECOND_LOOK: Duration = Duration::from_millis(20);
/// A second in all: a fifth of one was too little where ten processes share a core.
const LOOKS: u32 = 50;

/// What a disk is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskIdentity {
    /// An image file.
    File {
        /// Number of the device that its file system is on.
        device: u64,
        /// Its inode there.
        inode: u64,
    },
    /// A block device by its number.
    Device(u64),
}

impl DiskIdentity {
    /// The identity of what `path` leads to, without asking a file server that may be dead.
    pub(crate) fn without_waiting(path: &Path) -> Option<Self> {
        let wanted = StatxFlags::TYPE | StatxFlags::INO;
        let found = statx(CWD, path, AtFlags::STATX_DONT_SYNC, wanted).ok()?;
        match FileType::from_raw_mode(found.stx_mode.into()) {
            FileType::BlockDevice => {
                Some(Self::Device(makedev(found.stx_rdev_major, found.stx_rdev_minor)))
            }
            FileType::RegularFile => Some(Self::File {
                device: makedev(found.stx_dev_major, found.stx_dev_minor),
                inode: found.stx_ino,
            }),
            _ => None,
        }
    }

    /// The identity of what `metadata` describes; `None` for anything but files and block devices.
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        if kind.is_block_device() {
            Some(Self::Device(metadata.rdev()))
        } else if kind.is_file() {
            Some(Self::File { device: metadata.dev(), inode: metadata.ino() })
        } else {
            None
        }
    }
}

/// Repeats `attempt` while somebody is in the way, for a second. See [`SECOND_LOOK`].
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> T, is_in_use: impl Fn(&T) -> bool) -> T {
    for _ in 1..LOOKS {
        let result = attempt();
        if !is_in_use(&result) {
            return result;
        }
        thread::sleep(SECOND_LOOK);
    }
    attempt()
}

/// Who uses the disk in a way that `purpose` does not allow; `None` when nobody does.
pub(crate) fn find_user(disk: DiskIdentity, purpose: Purpose) -> io::Result<Option<String>> {
    let mut devices = match disk {
        DiskIdentity::Device(number) => block::family(number),
        DiskIdentity::File { .. } => Vec::new(),
    };
    let loops = block::loops_on(disk, purpose)?;
    for device in &loops {
        devices.extend(block::family(device.number));
    }
    if let Some(at) = mount::mount_of(&devices)? {
        let through = loops.first().map(|l| format!(" through {}", l.name)).unwrap_or_default();
        return Ok(Some(format!("it is mounted at {at}{through}")));
    }
    if let Some(device) = loops.first() {
        return Ok(Some(format!("it is attached to the loop device {}", device.name)));
    }
    if mount::is_swap(disk, &devices)? {
        return Ok(Some("it is used as swap".to_owned()));
    }
    process::find_opener(disk, purpose)
}
