//! Sinks, each read back after its `finish`.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use strongroom_base::block::testing::{check_sink, check_source};
use strongroom_base::{BlockSink, BlockSource, ByteRange, SinkError};
use strongroom_source::sink::{self, InPlaceSink, NewRawSink};
use strongroom_source::{DiskSpec, OpenOptions, open_source};

use crate::machine::{Loop, folder, pattern, qcow2, run, s, sparse, wait_until};

const CAREFUL: OpenOptions = OpenOptions { force_unsafe: false, any_backing: false };

fn open(path: &Path) -> Box<dyn BlockSource> {
    open_source(&DiskSpec::new(path), CAREFUL).unwrap()
}

/// The names in a folder, hidden ones too.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn new_raw_file_of_any_size_holds_what_was_written() {
    let dir = folder();
    for size in [0, 1, 4095, 65_537, 20_000_003] {
        let path = dir.path().join(format!("{size}.img"));
        let sink = NewRawSink::create(&DiskSpec::new(&path), size).unwrap();
        let expected = check_sink(&sink, size, size);
        assert!(sink.is_direct(), "the test's file system takes direct writes");
        drop(sink);
        assert!(fs::read(&path).unwrap() == expected);
    }
    assert_eq!(names(dir.path()).len(), 5, "no draft is left behind");
}

#[test]
fn new_raw_file_is_sparse_and_private() {
    let dir = folder();
    let path = dir.path().join("disk.img");
    let sink = sink::create(&DiskSpec::new(&path), 1 << 30).unwrap();
    sink.zero(ByteRange { start: 65_536, end: 1 << 30 }).unwrap();
    sink.write_at(0, &vec![1; 65_536]).unwrap();
    assert!(!path.exists(), "a file under its name is complete");
    sink.finish().unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.len(), metadata.mode() & 0o777), (1 << 30, 0o600));
    assert!(metadata.blocks() * 512 < 1 << 20);
}

#[test]
fn new_raw_file_in_memory_holds_what_was_written() {
    // Whether tmpfs takes direct writes depends on the kernel; the bytes must not.
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = dir.path().join("disk.img");
    let sink = NewRawSink::create(&DiskSpec::new(&path), 5_000_001).unwrap();
    let expected = check_sink(&sink, 5_000_001, 1);
    assert!(fs::read(&path).unwrap() == expected);
}

// proves: SRC-2
#[test]
fn taken_name_is_refused_at_both_ends() {
    let dir = folder();
    for name in ["disk.img", "disk.qcow2"] {
        let path = dir.path().join(name);
        let sink = sink::create(&DiskSpec::new(&path), 4096).unwrap();
        sink.write_at(0, &[1; 4096]).unwrap();
        File::create(&path).unwrap();
        let refused = sink::create(&DiskSpec::new(&path), 4096).map(|_| ());
        assert!(matches!(refused, Err(SinkError::Exists { .. })), "{refused:?}");
        assert!(matches!(sink.finish(), Err(SinkError::Exists { .. })));
        drop(sink);
        assert_eq!(fs::metadata(&path).unwrap().len(), 0, "the other's file is untouched");
    }
    let dangling = dir.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    assert!(matches!(
        sink::create(&DiskSpec::new(dangling), 1).map(|_| ()),
        Err(SinkError::Exists { .. })
    ));
    assert_eq!(names(dir.path()).len(), 3, "no draft is left behind");
}

// proves: SRC-2
#[test]
fn dropped_sink_leaves_nothing() {
    let dir = folder();
    for name in ["disk.img", "disk.qcow2"] {
        let sink = sink::create(&DiskSpec::new(dir.path().join(name)), 1 << 20).unwrap();
        sink.write_at(0, &vec![1; 100_000]).unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        drop(sink);
        wait_until(|| names(dir.path()).is_empty());
    }
}

#[test]
fn new_file_in_a_missing_folder_or_unknown_format_is_refused() {
    let dir = folder();
    let create = |name: &str| sink::create(&DiskSpec::new(dir.path().join(name)), 1).map(|_| ());
    assert!(matches!(create("absent/disk"), Err(SinkError::Open { .. })));
    assert!(matches!(create("disk.vdi"), Err(SinkError::Unusable { .. })));
}

#[test]
fn new_qcow2_holds_what_was_written() {
    let dir = folder();
    for (name, size) in [("a.qcow2", 20 << 20), ("b,c:d.qcow2", 1_000_003)] {
        let path = dir.path().join(name);
        let sink = sink::create(&DiskSpec::new(&path), size).unwrap();
        let mut expected = check_sink(sink.as_ref(), size, 9);
        drop(sink);
        expected.resize(expected.len().next_multiple_of(512), 0);
        run("qemu-img", ["check", "-q", "-f", "qcow2", s(&path)]);
        check_source(open(&path).as_ref(), &expected);
    }
    assert_eq!(names(dir.path()).len(), 2, "no draft is left behind");
}

#[test]
fn in_place_file_holds_what_was_written_and_the_rest_stays() {
    let dir = folder();
    let path = dir.path().join("disk");
    let before = pattern(9_000_000, 1);
    sparse(&path, &before);
    let sink = InPlaceSink::open(&DiskSpec::new(&path), 8_000_001, CAREFUL).unwrap();
    let mut expected = check_sink(&sink, 8_000_001, 2);
    drop(sink);
    expected.extend(&before[8_000_001..]);
    assert!(fs::read(&path).unwrap() == expected);
}

#[test]
fn in_place_device_holds_what_was_written_and_the_rest_stays() {
    let dir = folder();
    let path = dir.path().join("disk");
    let before = pattern(9 << 20, 1);
    sparse(&path, &before);
    let device = Loop::attach(&path, &[]);
    let size = (8 << 20) + 512;
    let sink = InPlaceSink::open(&DiskSpec::new(&device.0), size, CAREFUL).unwrap();
    let mut expected = check_sink(&sink, size, 3);
    drop(sink);
    expected.extend(&before[expected.len()..]);
    check_source(open(&device.0).as_ref(), &expected);
}

#[test]
fn in_place_writes_only_what_differs() {
    let dir = folder();
    let path = dir.path().join("disk");
    let mut bytes = pattern(4 << 20, 4);
    sparse(&path, &bytes);
    bytes[100_000] ^= 1;
    let zeroed = ByteRange { start: 3 << 20, end: 4 << 20 };
    let hole = ByteRange { start: 1 << 20, end: 2 << 20 };
    let sink = InPlaceSink::open(&DiskSpec::new(&path), 4 << 20, CAREFUL).unwrap();
    sink.write_at(0, &bytes[..1 << 20]).unwrap();
    sink.zero(hole).unwrap();
    sink.write_at(hole.end, &bytes[2 << 20..3 << 20]).unwrap();
    sink.zero(zeroed).unwrap();
    sink.finish().unwrap();
    bytes[3 << 20..].fill(0);
    assert_eq!(sink.bytes_written(), 65_536);
    assert_eq!(sink.bytes_zeroed(), 1 << 20);
    assert!(fs::read(&path).unwrap() == bytes);
    assert!(fs::metadata(&path).unwrap().blocks() * 512 <= 3 << 20, "zeros became a hole");

    let again = InPlaceSink::open(&DiskSpec::new(&path), 4 << 20, CAREFUL);
    assert!(matches!(again, Err(SinkError::InUse { .. })));
    drop(sink);
    let again = InPlaceSink::open(&DiskSpec::new(&path), 4 << 20, CAREFUL).unwrap();
    again.write_at(0, &bytes[..3 << 20]).unwrap();
    again.zero(zeroed).unwrap();
    assert_eq!((again.bytes_written(), again.bytes_zeroed()), (0, 0));
}

#[test]
fn in_place_zero_on_a_device_makes_holes_below() {
    let dir = folder();
    let path = dir.path().join("disk");
    File::create(&path).unwrap().write_all_at(&vec![1; 4 << 20], 0).unwrap();
    let device = Loop::attach(&path, &[]);
    let sink = InPlaceSink::open(&DiskSpec::new(&device.0), 4 << 20, CAREFUL).unwrap();
    sink.zero(ByteRange { start: 1, end: 4 << 20 }).unwrap();
    sink.write_at(0, &[1]).unwrap();
    sink.finish().unwrap();
    drop(sink);
    let mut expected = vec![0; 4 << 20];
    expected[0] = 1;
    check_source(open(&device.0).as_ref(), &expected);
    assert!(fs::metadata(&path).unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn in_place_refuses_what_does_not_fit() {
    let dir = folder();
    let path = dir.path().join("disk");
    sparse(&path, &pattern(10_000, 5));
    let open = |path: &Path, size| InPlaceSink::open(&DiskSpec::new(path), size, CAREFUL).map(drop);
    assert!(matches!(
        open(&path, 10_001),
        Err(SinkError::TooSmall { size: 10_000, needed: 10_001, .. })
    ));
    open(&path, 10_000).unwrap();
    assert!(matches!(open(&dir.path().join("absent"), 1), Err(SinkError::Absent { .. })));
    assert!(matches!(open(dir.path(), 1), Err(SinkError::Unusable { .. })));
    let image = qcow2(dir.path(), "disk.qcow2", &pattern(100_000, 6));
    assert!(matches!(open(&image, 1), Err(SinkError::Unusable { .. })));
    let sink = InPlaceSink::open(&DiskSpec::new(&path), 5_000, CAREFUL).unwrap();
    assert!(matches!(sink.write_at(4_000, &[0; 1_001]), Err(SinkError::Write { .. })));
}

#[test]
fn full_file_system_is_named_by_its_kind() {
    let dir = folder();
    let disk = dir.path().join("small.img");
    File::create(&disk).unwrap().set_len(4 << 20).unwrap();
    run("mke2fs", ["-q", "-t", "ext4", s(&disk)]);
    let device = Loop::attach(&disk, &[]);
    let mount = crate::machine::Mount::new(&device.0, "rw");
    for name in ["disk.img", "disk.qcow2"] {
        let spec = DiskSpec::new(mount.path().join(name));
        let sink = sink::create(&spec, 64 << 20).unwrap();
        let result = sink.write_at(0, &pattern(16 << 20, 7).repeat(2));
        let Err(SinkError::Write { source, .. }) = result else { panic!("{result:?}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{name}");
    }
}
