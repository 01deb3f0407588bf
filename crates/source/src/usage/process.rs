//! Open files of other processes, from procfs.

use std::fs;
use std::io;
use std::path::Path;
use std::process;

use super::DiskIdentity;
use crate::lock::Purpose;

/// The bits of `open`'s flags that tell reading from writing, and `O_PATH`, which does neither.
const ACCESS_MODE: u32 = 0o3;
const PATH_ONLY: u32 = 0o10_000_000;
/// The bit of what is closed when another program is started.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// The first other process that has the disk open in a way that `purpose` does not allow: for
/// reading none may write, for writing none may have it open. Devices are opened for a moment by
/// whoever watches for new ones, so for them only writers count.
pub(super) fn find_opener(disk: DiskIdentity, purpose: Purpose) -> io::Result<Option<String>> {
    let readers_count = purpose == Purpose::Write && matches!(disk, DiskIdentity::File { .. });
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        if pid == process::id() {
            continue; // our own uses are kept apart by image locks
        }
        if let Some(how) = opener(&entry.path(), disk, readers_count) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Ok(Some(format!("process {pid} ({}) has it open {how}", name.trim())));
        }
    }
    Ok(None)
}

/// How a process has the disk open. A process that ends meanwhile, or that we may not look at, has
/// nothing open.
fn opener(process: &Path, disk: DiskIdentity, readers_count: bool) -> Option<&'static str> {
    for entry in fs::read_dir(process.join("fd")).ok()?.flatten() {
        if DiskIdentity::without_waiting(&entry.path()) != Some(disk) {
            continue;
        }
        let Some(flags) = flags_of(process, &entry.file_name().to_string_lossy()) else {
            continue;
        };
        if flags & ACCESS_MODE != 0 {
            return Some("for writing");
        }
        if readers_count && flags & PATH_ONLY == 0 {
            return Some("for reading");
        }
    }
    None
}

/// The files and block devices that a child process of ours has open. Left out are its standard
/// streams, and what whoever started us left open for us and for all our children, as `flock` does.
pub(crate) fn disks_opened_by(pid: u32) -> io::Result<Vec<DiskIdentity>> {
    let inherited = inherited()?;
    let mut disks = Vec::new();
    for (number, disk) in open_disks(&Path::new("/proc").join(pid.to_string()))? {
        if number > 2 && !inherited.contains(&(number, disk)) {
            disks.push(disk);
        }
    }
    Ok(disks)
}

/// What this process hands on to each program that it starts. All that we open ourselves is closed
/// then, so this came with us.
fn inherited() -> io::Result<Vec<(u32, DiskIdentity)>> {
    let this = Path::new("/proc/self");
    let mut disks = open_disks(this)?;
    disks.retain(|(number, _)| {
        flags_of(this, &number.to_string()).is_some_and(|flags| flags & CLOSE_ON_EXEC == 0)
    });
    Ok(disks)
}

/// The files and block devices that a process has open, with the numbers of their descriptors.
fn open_disks(process: &Path) -> io::Result<Vec<(u32, DiskIdentity)>> {
    let mut disks = Vec::new();
    for entry in fs::read_dir(process.join("fd"))? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse().ok();
        disks.extend(number.zip(DiskIdentity::without_waiting(&entry.path())));
    }
    Ok(disks)
}

/// The flags of an open file; none if it is closed by now or not ours to look at.
fn flags_of(process: &Path, descriptor: &str) -> Option<u32> {
    let about = process.join("fdinfo").join(descriptor);
    flags_in(&fs::read_to_string(about).ok()?)
}

/// The flags line of proc(5), "fdinfo": octal.
fn flags_in(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn only_what_was_left_open_for_us_is_inherited() {
        let (ours, left_open) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        rustix::io::fcntl_setfd(&left_open, rustix::io::FdFlags::empty()).unwrap();
        let found = inherited().unwrap();
        let is_found = |file: &fs::File| {
            let number = u32::try_from(file.as_raw_fd()).unwrap();
            found.iter().any(|(inherited, _)| *inherited == number)
        };
        assert!(is_found(&left_open));
        assert!(!is_found(&ours));
    }

    #[test]
    fn flags_in_reads_octal() {
        assert_eq!(flags_in("pos:\t0\nflags:\t0100002\nmnt_id:\t25\n"), Some(0o100_002));
        assert_eq!(flags_in("pos:\t0\n"), None);
    }
}
