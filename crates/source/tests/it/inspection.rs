//! Disks that are only looked at.

use std::fs::OpenOptions as FileOptions;
use std::path::Path;

use strongroom_base::SourceError;
use strongroom_source::sink::ExclusiveDisk;
use strongroom_source::{
    DiskDescription, DiskFormat, DiskSpec, OpenOptions, describe, find_user, open_source, sink,
};

use crate::machine::{Loop, Process, command, folder, greets, pattern, qcow2, run, s, sparse};

const CAREFUL: OpenOptions = OpenOptions { force_unsafe: false, any_backing: false };

fn hold(path: &Path, format: &str) -> Process {
    let socket = path.with_extension("socket");
    let mut server = command("qemu-nbd");
    server.args(["--persistent", "--format", format, "--socket", s(&socket), s(path)]);
    Process::start(server, || greets(&socket))
}

#[test]
fn describe_needs_nobody_to_stop() {
    let dir = folder();
    let image = qcow2(dir.path(), "disk.qcow2", &pattern(2 << 20, 1));
    let _guest = hold(&image, "qcow2");
    let expected = DiskDescription { format: DiskFormat::Qcow2, size: 2 << 20, is_device: false };
    assert_eq!(describe(&DiskSpec::new(&image)).unwrap(), expected);
    let raw = dir.path().join("raw");
    sparse(&raw, &[]);
    let description = describe(&DiskSpec::new(&raw)).unwrap();
    assert_eq!((description.format, description.size), (DiskFormat::Raw, 0));
    let wrong = describe(&DiskSpec::new(&raw).with_format(DiskFormat::Qcow2));
    assert!(matches!(wrong, Err(SourceError::Unusable { .. })), "{wrong:?}");
}

#[test]
fn user_is_whoever_keeps_a_backup_from_beginning() {
    let dir = folder();
    let path = dir.path().join("disk.img");
    sparse(&path, &pattern(1 << 20, 2));
    let spec = DiskSpec::new(&path);
    let user = || find_user(&spec).unwrap();
    assert_eq!(user(), None);
    let guest = hold(&path, "raw");
    assert!(user().unwrap().contains("image lock"));
    drop(guest);
    let source = open_source(&spec, CAREFUL).unwrap();
    assert_eq!(user(), None);
    drop(source);
    let target = sink::overwrite(&spec, 1, CAREFUL).unwrap();
    assert!(user().is_some());
    drop(target);
    let device = Loop::attach(&path, &[]);
    assert!(user().unwrap().contains("loop device"));
    let spec = DiskSpec::new(&device.0);
    assert_eq!(find_user(&spec).unwrap(), None);
    let _target = sink::overwrite(&spec, 1, CAREFUL).unwrap();
    assert!(find_user(&spec).unwrap().is_some());
}

#[test]
fn looking_leaves_no_lock_behind() {
    let dir = folder();
    let path = dir.path().join("disk.img");
    sparse(&path, &pattern(1 << 20, 3));
    let spec = DiskSpec::new(&path);
    describe(&spec).unwrap();
    find_user(&spec).unwrap();
    let _writer = FileOptions::new().write(true).open(&path).unwrap();
    assert_eq!(find_user(&spec).unwrap(), None, "our own files are told apart by locks alone");
    run("qemu-io", ["-f", "raw", "-c", "write 0 512", s(&path)]);
}

#[test]
fn held_disk_is_nobody_elses() {
    let dir = folder();
    let path = dir.path().join("disk.img");
    sparse(&path, &pattern(1 << 20, 4));
    let spec = DiskSpec::new(&path);
    let held = ExclusiveDisk::take(&spec).unwrap();
    assert!(open_source(&spec, CAREFUL).is_err());
    assert!(ExclusiveDisk::take(&spec).is_err());
    drop(held);
    let source = open_source(&spec, CAREFUL).unwrap();
    assert!(ExclusiveDisk::take(&spec).is_err());
    drop(source);
    ExclusiveDisk::take(&spec).unwrap();
}
