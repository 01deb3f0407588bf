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
        let about = process.join("fdinfo").join(entry.file_name());
        let Some(flags) = fs::read_to_string(about).ok().and_then(|text| flags_in(&text)) else {
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

/// The files and block devices that a child process of ours has open, its standard streams left
/// out.
pub(crate) fn disks_opened_by(pid: u32) -> io::Result<Vec<DiskIdentity>> {
    let mut disks = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let is_standard = entry.file_name().to_string_lossy().parse::<u32>().is_ok_and(|n| n <= 2);
        if !is_standard {
            disks.extend(DiskIdentity::without_waiting(&entry.path()));
        }
    }
    Ok(disks)
}

/// The flags line of proc(5), "fdinfo": octal.
fn flags_in(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_reads_octal() {
        assert_eq!(flags_in("pos:\t0\nflags:\t0100002\nmnt_id:\t25\n"), Some(0o100_002));
        assert_eq!(flags_in("pos:\t0\n"), None);
    }
}
