//! Raw files and block devices as sources.

use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::unistd::{Uid, setfsuid};
use strongroom_base::block::testing::check_source;
use strongroom_base::{BlockSource, ByteRange, ExtentKind, SourceError};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source};

use crate::machine::{Loop, folder, pattern, run, sparse};

fn open(path: &Path) -> Result<Box<dyn BlockSource>, SourceError> {
    open_source(&DiskSpec::new(path), OpenOptions::default())
}

/// The error that opening must end with.
fn refusal(path: &Path) -> SourceError {
    open(path).map(|_| ()).expect_err("the disk is refused")
}

#[test]
fn file_of_any_size_passes_the_suite() {
    let dir = folder();
    for size in [1, 511, 4096, 1_000_003, 8 << 20] {
        let path = dir.path().join(format!("{size}.img"));
        let bytes = pattern(size, 1);
        sparse(&path, &bytes);
        check_source(open(&path).unwrap().as_ref(), &bytes);
    }
}

#[test]
fn file_with_a_hole_has_three_extents() {
    let dir = folder();
    let path = dir.path().join("disk");
    let file = File::create(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    file.write_all_at(&vec![1; 65_536], 0).unwrap();
    file.write_all_at(&vec![1; 65_536], (1 << 30) - 65_536).unwrap();
    drop(file);
    let extents = open(&path).unwrap().extents(ByteRange::at(0, 1 << 30)).unwrap();
    let kinds: Vec<_> = extents.iter().map(|extent| extent.kind).collect();
    assert_eq!(kinds, [ExtentKind::Data, ExtentKind::Zero, ExtentKind::Data]);
    assert!(extents[1].range.len() > (1 << 30) - (1 << 20));
}

#[test]
fn loop_device_passes_the_suite() {
    let dir = folder();
    let bytes = pattern(3 << 20, 2);
    sparse(&dir.path().join("disk"), &bytes);
    let device = Loop::attach(&dir.path().join("disk"), &[]);
    check_source(open(&device.0).unwrap().as_ref(), &bytes);
}

#[test]
fn loop_device_of_an_odd_number_of_sectors_is_read_to_its_end() {
    let dir = folder();
    let bytes = pattern((1 << 20) + 512, 3);
    sparse(&dir.path().join("disk"), &bytes);
    let device = Loop::attach(&dir.path().join("disk"), &["--read-only"]);
    check_source(open(&device.0).unwrap().as_ref(), &bytes);
}

#[test]
fn what_is_no_disk_is_refused_by_kind() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    assert!(matches!(refusal(&path("absent")), SourceError::Absent { .. }));
    File::create(path("empty")).unwrap();
    assert!(matches!(refusal(&path("empty")), SourceError::Unusable { .. }));
    assert!(matches!(refusal(&path("empty/below")), SourceError::Absent { .. }));
    assert!(matches!(refusal(dir.path()), SourceError::Unusable { .. }));
    assert!(matches!(refusal(Path::new("/dev/zero")), SourceError::Unusable { .. }));
    nix::sys::stat::mknod(
        &path("pipe"),
        nix::sys::stat::SFlag::S_IFIFO,
        nix::sys::stat::Mode::S_IRWXU,
        0,
    )
    .unwrap();
    assert!(matches!(refusal(&path("pipe")), SourceError::Unusable { .. }));
}

#[test]
fn unreadable_file_is_an_open_error() {
    let dir = folder();
    let path = dir.path().join("disk");
    sparse(&path, &pattern(4096, 1));
    let unreadable = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    fs::set_permissions(&path, unreadable).unwrap();
    // Only this thread looks at files as somebody who is not root.
    setfsuid(Uid::from_raw(65_534));
    let error = refusal(&path);
    setfsuid(Uid::from_raw(0));
    let SourceError::Open { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
}

// proves: SRC-3
#[test]
fn raw_disk_that_looks_like_qcow2_needs_its_format_named() {
    let dir = folder();
    let path = dir.path().join("disk.img");
    let mut bytes = pattern(100_000, 4);
    bytes[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    sparse(&path, &bytes);
    assert!(matches!(refusal(&path), SourceError::Unusable { .. }));
    let spec = DiskSpec::new(&path).with_format(DiskFormat::Raw);
    check_source(open_source(&spec, OpenOptions::default()).unwrap().as_ref(), &bytes);
}

/// Opens a healthy disk, does something to its file, and answers what the end of a backup says.
fn check_after(change: impl FnOnce(&Path)) -> Result<(), SourceError> {
    let dir = folder();
    let path = dir.path().join("disk");
    sparse(&path, &pattern(1 << 20, 5));
    let source = open(&path).unwrap();
    source.read_at(0, &mut [0; 4096]).unwrap();
    change(&path);
    source.check_unchanged()
}

// proves: SRC-5
#[test]
fn changed_file_is_found_at_the_end() {
    let write = |path: &Path| FileOptions::new().write(true).open(path).unwrap();
    check_after(|_| ()).unwrap();
    check_after(|path| drop(fs::read(path).unwrap())).unwrap();
    let check = |name: &str, change: &dyn Fn(&Path)| {
        let result = check_after(change);
        assert!(matches!(result, Err(SourceError::Changed { .. })), "{name}: {result:?}");
    };
    check("one byte", &|path| write(path).write_all(b"x").unwrap());
    check("longer", &|path| write(path).set_len(2 << 20).unwrap());
    check("shorter", &|path| write(path).set_len(4096).unwrap());
    check("deleted", &|path| fs::remove_file(path).unwrap());
    check("replaced", &|path| {
        sparse(&path.with_extension("new"), &[1; 4096]);
        run("mv", [&path.with_extension("new"), path]);
    });
}

#[test]
fn read_of_a_shrunk_file_is_changed() {
    let dir = folder();
    let path = dir.path().join("disk");
    sparse(&path, &pattern(1 << 20, 6));
    let source = open(&path).unwrap();
    FileOptions::new().write(true).open(&path).unwrap().set_len(100_000).unwrap();
    source.read_at(0, &mut vec![0; 100_000]).unwrap();
    let result = source.read_at(90_000, &mut vec![0; 20_000]);
    assert!(matches!(result, Err(SourceError::Changed { .. })), "{result:?}");
    let extents = source.extents(ByteRange::at(0, 1 << 20)).unwrap();
    assert_eq!(extents.last().unwrap().range.end, 1 << 20);
}
