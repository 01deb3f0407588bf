//! Block devices that lie on, under or beside a disk, from sysfs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{major, makedev, minor};

use super::DiskIdentity;
use crate::lock::Purpose;

/// How many devices are followed that are built on each other (LVM on RAID on partitions).
const MAX_FAMILY: usize = 1024;

/// A loop device whose bytes are those of another disk.
#[derive(Debug)]
pub(super) struct LoopDevice {
    /// Its kernel name, `loop3`.
    pub(super) name: String,
    /// Its device number.
    pub(super) number: u64,
}

/// The device itself, its partitions or the disk that it is a partition of, and everything that is
/// built on those (LVM, RAID, encryption). Partitions beside it are other disks.
pub(super) fn family(number: u64) -> Vec<u64> {
    let mut found = vec![number];
    found.extend(partitions_of(number));
    found.extend(whole_of(number));
    let mut next = 0;
    while let Some(number) = found.get(next).copied().filter(|_| found.len() < MAX_FAMILY) {
        for holder in numbers_in(&dir_of(number).join("holders")) {
            for number in std::iter::once(holder).chain(partitions_of(holder)) {
                if !found.contains(&number) {
                    found.push(number);
                }
            }
        }
        next += 1;
    }
    found
}

fn partitions_of(number: u64) -> Vec<u64> {
    let entries = entries(&dir_of(number)).into_iter();
    let partitions = entries.filter(|entry| entry.join("partition").exists());
    partitions.filter_map(|entry| number_in(&entry.join("dev"))).collect()
}

/// The disk that a partition is on. Sysfs keeps a partition's folder in that of its disk.
fn whole_of(number: u64) -> Option<u64> {
    let dir = fs::canonicalize(dir_of(number)).ok()?;
    if !dir.join("partition").exists() {
        return None;
    }
    number_in(&dir.parent()?.join("dev"))
}

/// The loop devices whose backing file is the disk and which are in the way of `purpose`: for a
/// reader those that can be written.
pub(super) fn loops_on(disk: DiskIdentity, purpose: Purpose) -> io::Result<Vec<LoopDevice>> {
    let mut found = Vec::new();
    let block_dir = Path::new("/sys/block");
    for entry in fs::read_dir(block_dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("loop") {
            continue;
        }
        let Ok(backing) = fs::read_to_string(entry.path().join("loop/backing_file")) else {
            continue; // not attached
        };
        let backing = fs::metadata(backing.trim_end_matches('\n'));
        if backing.ok().and_then(|backing| DiskIdentity::of(&backing)) != Some(disk) {
            continue;
        }
        let is_read_only = fs::read_to_string(entry.path().join("ro"))?.trim() == "1";
        if is_read_only && purpose == Purpose::Read {
            continue;
        }
        if let Some(number) = number_in(&entry.path().join("dev")) {
            found.push(LoopDevice { name, number });
        }
    }
    Ok(found)
}

fn dir_of(number: u64) -> PathBuf {
    PathBuf::from(format!("/sys/dev/block/{}:{}", major(number), minor(number)))
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// The numbers of the devices whose folders lie in `dir`.
fn numbers_in(dir: &Path) -> Vec<u64> {
    entries(dir).iter().filter_map(|entry| number_in(&entry.join("dev"))).collect()
}

/// The device number in a `dev` file of sysfs.
fn number_in(file: &Path) -> Option<u64> {
    parse_number(fs::read_to_string(file).ok()?.trim())
}

/// A device number as the kernel prints it, `8:1`.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let (major, minor) = text.split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}
