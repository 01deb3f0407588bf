//! Mounted file systems and swap.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::DiskIdentity;
use super::block::parse_number;

/// A line of mountinfo, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    number: u64,
    at: PathBuf,
    source: PathBuf,
}

/// Where one of the devices is mounted.
pub(super) fn mount_of(devices: &[u64]) -> io::Result<Option<String>> {
    if devices.is_empty() {
        return Ok(None);
    }
    let list = fs::read("/proc/self/mountinfo")?;
    let found = list.split(|byte| *byte == b'\n').filter_map(parse_mount).find(|mount| {
        // Btrfs and others show a number of their own; their source names the device.
        devices.contains(&mount.number)
            || device_number(&mount.source).is_some_and(|number| devices.contains(&number))
    });
    Ok(found.map(|mount| mount.at.display().to_string()))
}

/// Whether the disk or one of the devices is swapped to.
pub(super) fn is_swap(disk: DiskIdentity, devices: &[u64]) -> io::Result<bool> {
    let list = match fs::read("/proc/swaps") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false), // no swap built in
        list => list?,
    };
    Ok(list.split(|byte| *byte == b'\n').skip(1).any(|line| {
        let name = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let Ok(metadata) = fs::metadata(unescape(name)) else {
            return false;
        };
        match DiskIdentity::of(&metadata) {
            Some(DiskIdentity::Device(number)) => devices.contains(&number),
            found => found == Some(disk),
        }
    }))
}

fn device_number(path: &PathBuf) -> Option<u64> {
    if !path.is_absolute() {
        return None;
    }
    match DiskIdentity::of(&fs::metadata(path).ok()?)? {
        DiskIdentity::Device(number) => Some(number),
        DiskIdentity::File { .. } => None,
    }
}

/// Fields of proc(5), "mountinfo": id, parent, device, root, mount point, options, tags, a hyphen,
/// type, source.
fn parse_mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let number = parse_number(str::from_utf8(fields.nth(2)?).ok()?)?;
    let at = unescape(fields.nth(1)?);
    let source = unescape(fields.skip_while(|field| *field != b"-").nth(2)?);
    Some(Mount { number, at, source })
}

/// The kernel writes blanks and backslashes in names as `\040`.
fn unescape(name: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| *byte == b'\\');
        let value = octal
            .and_then(|digits| str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(value.unwrap_or(*byte));
        rest = if value.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    PathBuf::from(std::ffi::OsString::from_vec(plain))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use rustix::fs::makedev;

    use super::*;

    #[test]
    fn parse_mount_reads_escaped_names_and_optional_tags() {
        let line = br"36 35 7:3 / /mnt/a\040b rw,noatime master:1 shared:2 - ext4 /dev/loop3 rw";
        let expected =
            Mount { number: makedev(7, 3), at: "/mnt/a b".into(), source: "/dev/loop3".into() };
        assert_eq!(parse_mount(line), Some(expected));
        assert_eq!(parse_mount(b"36 35 7:3 /"), None);
        assert_eq!(parse_mount(b""), None);
    }

    #[test]
    fn unescape_leaves_what_is_no_escape() {
        let check = |from: &[u8], to: &[u8]| assert_eq!(unescape(from).as_os_str().as_bytes(), to);
        check(br"\134x", br"\x");
        check(br"\9", br"\9");
        check(br"\777", br"\777");
    }
}
