//! Images that are overwritten in place.

use std::fs;
use std::path::Path;

use strongroom_base::block::testing::{check_sink, check_source};
use strongroom_base::{BlockSource, ByteRange, SinkError};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source, sink};

use crate::machine::{command, folder, pattern, qcow2, run, s, sparse};

const CAREFUL: OpenOptions = OpenOptions { force_unsafe: false, any_backing: false };

fn open(path: &Path) -> Box<dyn BlockSource> {
    open_source(&DiskSpec::new(path), CAREFUL).unwrap()
}

fn check_sound(path: &Path) {
    run("qemu-img", ["check", "-q", "-f", "qcow2", s(path)]);
}

#[test]
fn image_in_place_holds_what_was_written_and_the_rest_stays() {
    let dir = folder();
    let before = pattern(9 << 20, 1);
    let path = qcow2(dir.path(), "a,b:c.qcow2", &before);
    let size = 8_000_001;
    let target = sink::overwrite(&DiskSpec::new(&path), size, CAREFUL).unwrap();
    let mut expected = check_sink(target.as_ref(), size, 2);
    drop(target);
    expected.extend(&before[8_000_001..]);
    check_sound(&path);
    check_source(open(&path).as_ref(), &expected);
}

#[test]
fn image_in_place_grows_only_by_what_differs() {
    let dir = folder();
    let bytes = pattern(8 << 20, 3);
    let path = qcow2(dir.path(), "disk.qcow2", &bytes);
    run("qemu-img", ["snapshot", "-c", "before", s(&path)]);
    let allocated = || fs::metadata(&path).unwrap().len();
    let before = allocated();
    let target = sink::overwrite(&DiskSpec::new(&path), 8 << 20, CAREFUL).unwrap();
    let hole = ByteRange { start: 2 << 20, end: 5 << 20 };
    target.write_at(0, &bytes[..2 << 20]).unwrap();
    target.zero(hole).unwrap();
    target.write_at(hole.end, &bytes[5 << 20..]).unwrap();
    target.finish().unwrap();
    drop(target);
    // With a snapshot each write would need a new cluster.
    assert!(allocated() < before + (1 << 20), "{} became {}", before, allocated());
    check_source(open(&path).as_ref(), &bytes);
}

#[test]
fn zeros_hide_what_the_backing_file_holds() {
    let dir = folder();
    let bytes = pattern(1 << 20, 4);
    qcow2(dir.path(), "base.qcow2", &bytes);
    let path = dir.path().join("top.qcow2");
    run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", s(&path)]);
    let target = sink::overwrite(&DiskSpec::new(&path), 1 << 20, CAREFUL).unwrap();
    target.zero(ByteRange { start: 0, end: 1 << 20 }).unwrap();
    target.finish().unwrap();
    drop(target);
    check_source(open(&path).as_ref(), &vec![0; 1 << 20]);
    check_source(open(&dir.path().join("base.qcow2")).as_ref(), &bytes);
}

// proves: SRC-1
#[test]
fn image_in_place_keeps_everybody_out() {
    let dir = folder();
    let path = qcow2(dir.path(), "disk.qcow2", &pattern(1 << 20, 5));
    let spec = DiskSpec::new(&path);
    let overwrite = || sink::overwrite(&spec, 1, CAREFUL).map(drop);
    let write = || {
        let mut io = command("qemu-io");
        io.args(["-f", "qcow2", "-c", "write 0 512", s(&path)]).output().unwrap().status.success()
    };
    let target = sink::overwrite(&spec, 1, CAREFUL).unwrap();
    assert!(!write(), "a guest must not start on a disk that is being restored");
    assert!(matches!(overwrite(), Err(SinkError::InUse { .. })));
    assert!(open_source(&spec, CAREFUL).is_err());
    drop(target);
    assert!(write());
    let source = open(&path);
    assert!(matches!(overwrite(), Err(SinkError::InUse { .. })));
    drop(source);
    overwrite().unwrap();
}

#[test]
fn image_in_place_refuses_what_does_not_fit() {
    let dir = folder();
    let path = qcow2(dir.path(), "disk.qcow2", &pattern(1 << 20, 6));
    let overwrite = |spec: &DiskSpec, size| sink::overwrite(spec, size, CAREFUL).map(drop);
    let too_small = overwrite(&DiskSpec::new(&path), (1 << 20) + 1);
    assert!(matches!(
        too_small,
        Err(SinkError::TooSmall { size: 1_048_576, needed: 1_048_577, .. })
    ));
    let target = sink::overwrite(&DiskSpec::new(&path), 4096, CAREFUL).unwrap();
    assert!(matches!(target.write_at(4000, &[0; 97]), Err(SinkError::Write { .. })));
    let beyond = target.zero(ByteRange { start: 4096, end: 4097 });
    assert!(matches!(beyond, Err(SinkError::Write { .. })));
    drop(target);
    let raw = dir.path().join("raw");
    sparse(&raw, &pattern(1 << 20, 7));
    let named = DiskSpec::new(&raw).with_format(DiskFormat::Qcow2);
    assert!(matches!(overwrite(&named, 1), Err(SinkError::Access { .. })));
    let other = DiskSpec::new(&raw).with_format(DiskFormat::Vdi);
    assert!(matches!(overwrite(&other, 1), Err(SinkError::Unusable { .. })));
}

// proves: SRC-3
#[test]
fn image_in_place_refers_to_nothing_outside_of_its_folder() {
    let dir = folder();
    let images = dir.path().join("images");
    fs::create_dir(&images).unwrap();
    sparse(&dir.path().join("secret"), &pattern(1 << 20, 8));
    let path = images.join("disk.qcow2");
    run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "../secret", "-F", "raw", s(&path)]);
    let overwrite = |options| sink::overwrite(&DiskSpec::new(&path), 1, options).map(drop);
    assert!(matches!(overwrite(CAREFUL), Err(SinkError::Unusable { .. })));
    overwrite(OpenOptions { any_backing: true, ..CAREFUL }).unwrap();
}

// proves: SRC-2
#[test]
fn empty_image_is_whole_and_takes_no_name_that_is_taken() {
    let dir = folder();
    let spec = DiskSpec::new(dir.path().join("a,b:c.qcow2"));
    sink::create_empty(&spec, 1_000_003).unwrap();
    check_sound(&spec.path);
    check_source(open(&spec.path).as_ref(), &vec![0; 1_000_448]);
    let taken = sink::create_empty(&spec, 512);
    assert!(matches!(taken, Err(SinkError::Exists { .. })));
    assert!(matches!(sink::create_empty(&spec, u64::MAX), Err(SinkError::Unusable { .. })));
    let huge = DiskSpec::new(dir.path().join("huge.qcow2"));
    assert!(matches!(sink::create_empty(&huge, 1 << 62), Err(SinkError::Access { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
}
