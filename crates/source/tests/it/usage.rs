//! Disks that somebody uses.

use std::fs::{File, OpenOptions as FileOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use strongroom_base::{SinkError, SourceError};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source, sink};

use crate::machine::{
    Loop, Mount, Process, command, folder, greets, pattern, qcow2, run, s, sparse,
};

const FORCE: OpenOptions = OpenOptions { force_unsafe: true, any_backing: false };

/// Why a backup of the disk is refused; `None` when it is not.
fn source_refusal(spec: &DiskSpec) -> Option<String> {
    match open_source(spec, OpenOptions::default()) {
        Ok(_) => None,
        Err(SourceError::InUse { why, .. }) => Some(why),
        Err(error) => panic!("{error:?}"),
    }
}

/// Why a restore onto the disk is refused; `None` when it is not.
fn sink_refusal(spec: &DiskSpec) -> Option<String> {
    match sink::overwrite(spec, 4096, OpenOptions::default()) {
        Ok(_) => None,
        Err(SinkError::InUse { why, .. }) => Some(why),
        Err(error) => panic!("{error:?}"),
    }
}

/// The disk must be refused both ways for the reason, unless forced.
fn check_refused(path: &Path, reason: &str) {
    let spec = DiskSpec::new(path);
    let why = source_refusal(&spec).expect("a backup is refused");
    assert!(why.contains(reason), "{why}");
    sink_refusal(&spec).expect("a restore is refused");
    let source = open_source(&spec, FORCE).unwrap();
    source.read_at(0, &mut [0; 512]).unwrap();
}

fn check_free(path: &Path) {
    let spec = DiskSpec::new(path);
    assert_eq!(source_refusal(&spec), None);
    assert_eq!(sink_refusal(&spec), None);
}

fn raw_disk(dir: &Path) -> PathBuf {
    let path = dir.join("disk.img");
    sparse(&path, &pattern(2 << 20, 1));
    path
}

/// A disk with an ext4 file system.
fn file_system(dir: &Path) -> PathBuf {
    let path = dir.join("disk.img");
    File::create(&path).unwrap().set_len(16 << 20).unwrap();
    run("mke2fs", ["-q", "-t", "ext4", s(&path)]);
    path
}

/// A storage daemon that holds a raw image, with permission to write or only to read.
fn hold_by_daemon(path: &Path, writable: &str) -> Process {
    let socket = path.with_extension("socket");
    let mut daemon = command("qemu-storage-daemon");
    daemon
        .arg("--blockdev")
        .arg(format!("driver=file,node-name=f,filename={}", s(path)))
        .arg("--nbd-server")
        .arg(format!("addr.type=unix,addr.path={}", s(&socket)))
        .arg("--export")
        .arg(format!("type=nbd,id=e,node-name=f,name=d,writable={writable}"));
    Process::start(daemon, move || greets(&socket))
}

// proves: SRC-1
#[test]
fn image_held_writable_by_a_storage_daemon_is_refused() {
    let dir = folder();
    let path = raw_disk(dir.path());
    let daemon = hold_by_daemon(&path, "on");
    check_refused(&path, "image lock");
    drop(daemon);
    check_free(&path);
}

#[test]
fn image_read_by_a_storage_daemon_can_be_read_but_not_written() {
    let dir = folder();
    let path = raw_disk(dir.path());
    // `read-only=on` is what makes QEMU open the file without permission to write.
    let socket = path.with_extension("socket");
    let mut daemon = command("qemu-storage-daemon");
    daemon
        .arg("--blockdev")
        .arg(format!("driver=file,node-name=f,read-only=on,filename={}", s(&path)))
        .arg("--nbd-server")
        .arg(format!("addr.type=unix,addr.path={}", s(&socket)))
        .args(["--export", "type=nbd,id=e,node-name=f,name=d,writable=off"]);
    let _daemon = Process::start(daemon, move || greets(&socket));
    assert_eq!(source_refusal(&DiskSpec::new(&path)), None);
    assert!(sink_refusal(&DiskSpec::new(&path)).is_some());
}

#[test]
fn qcow2_held_writable_by_qemu_nbd_is_refused_unless_forced() {
    let dir = folder();
    let path = qcow2(dir.path(), "disk.qcow2", &pattern(2 << 20, 2));
    let socket = dir.path().join("socket");
    let mut server = command("qemu-nbd");
    server.args(["--persistent", "--format", "qcow2", "--socket", s(&socket), s(&path)]);
    let _server = Process::start(server, move || greets(&socket));
    let spec = DiskSpec::new(&path);
    assert!(source_refusal(&spec).unwrap().contains("image lock"));
    let mut read = vec![0; 65_536];
    open_source(&spec, FORCE).unwrap().read_at(0, &mut read).unwrap();
    assert!(read == pattern(2 << 20, 2)[..65_536]);
}

#[test]
fn our_own_locks_keep_qemu_out() {
    let dir = folder();
    let path = raw_disk(dir.path());
    let spec = DiskSpec::new(&path);
    let write = || {
        let mut io = command("qemu-io");
        io.args(["-f", "raw", "-c", "write 0 512", s(&path)]).output().unwrap().status.success()
    };
    let source = open_source(&spec, OpenOptions::default()).unwrap();
    assert!(!write(), "a guest must not start to write a disk that is being read");
    drop(source);
    let target = sink::overwrite(&spec, 4096, OpenOptions::default()).unwrap();
    assert!(!write(), "a guest must not write a disk that is being restored");
    drop(target);
    assert!(write());
}

// proves: SRC-1
#[test]
fn backup_and_restore_of_one_file_exclude_each_other() {
    let dir = folder();
    let path = raw_disk(dir.path());
    let spec = DiskSpec::new(&path);
    let source = open_source(&spec, OpenOptions::default()).unwrap();
    assert_eq!(source_refusal(&spec), None, "two backups share the disk");
    assert!(sink_refusal(&spec).is_some());
    drop(source);
    let target = sink::overwrite(&spec, 4096, OpenOptions::default()).unwrap();
    assert!(source_refusal(&spec).is_some());
    assert!(sink_refusal(&spec).is_some());
    drop(target);
    check_free(&path);
}

// proves: SRC-1
#[test]
fn file_held_by_a_process_without_locks_is_refused() {
    let dir = folder();
    let path = raw_disk(dir.path());
    let hold = |redirect: &str| {
        let mut shell = command("sh");
        let ready = dir.path().join("ready");
        shell.arg("-c").arg(format!("exec {redirect} '{}'; touch ready; exec sleep 60", s(&path)));
        shell.current_dir(dir.path());
        let process = Process::start(shell, || ready.exists());
        std::fs::remove_file(ready).unwrap();
        process
    };
    let writer = hold("3<>");
    check_refused(&path, "has it open for writing");
    drop(writer);
    check_free(&path);
    let _reader = hold("3<");
    assert_eq!(source_refusal(&DiskSpec::new(&path)), None);
    assert!(sink_refusal(&DiskSpec::new(&path)).unwrap().contains("for reading"));
}

// proves: SRC-1
#[test]
fn file_mounted_through_a_loop_device_is_refused() {
    let dir = folder();
    let path = file_system(dir.path());
    let link = dir.path().join("another name");
    std::fs::hard_link(&path, &link).unwrap();
    let device = Loop::attach(&path, &[]);
    check_refused(&path, "loop device");
    let mount = Mount::new(&device.0, "rw");
    check_refused(&path, "mounted at");
    check_refused(&link, "mounted at");
    check_refused(&device.0, "mounted at");
    drop(mount);
    check_free(&device.0);
    drop(device);
    check_free(&path);
}

#[test]
fn file_behind_a_read_only_loop_device_can_be_read_but_not_written() {
    let dir = folder();
    let path = file_system(dir.path());
    let device = Loop::attach(&path, &["--read-only"]);
    let _mount = Mount::new(&device.0, "ro,noload");
    assert_eq!(source_refusal(&DiskSpec::new(&path)), None);
    assert!(sink_refusal(&DiskSpec::new(&path)).unwrap().contains("mounted at"));
}

#[test]
fn disk_with_a_mounted_partition_is_refused() {
    let dir = folder();
    let inner = file_system(dir.path());
    let disk = dir.path().join("whole.img");
    let file = File::create(&disk).unwrap();
    file.set_len(18 << 20).unwrap();
    file.write_all_at(&std::fs::read(inner).unwrap(), 1 << 20).unwrap();
    // A partition table with one Linux partition from sector 2048, 32768 sectors long.
    let mut entry = [0; 16];
    entry[4] = 0x83;
    entry[8..12].copy_from_slice(&2048_u32.to_le_bytes());
    entry[12..].copy_from_slice(&32_768_u32.to_le_bytes());
    file.write_all_at(&entry, 446).unwrap();
    file.write_all_at(&[0x55, 0xaa], 510).unwrap();
    drop(file);
    let device = Loop::attach(&disk, &["--partscan"]);
    // For kernels that read no partition tables themselves.
    run("partx", ["--update", s(&device.0)]);
    let partition = PathBuf::from(format!("{}p1", s(&device.0)));
    let mount = Mount::new(&partition, "rw");
    for path in [&device.0, &partition, &disk] {
        check_refused(path, "mounted at");
    }
    drop(mount);
    check_free(&device.0);
    check_free(&partition);
}

#[test]
fn swap_is_refused() {
    /// Swap that ends with the test.
    struct Swap(PathBuf);
    impl Drop for Swap {
        fn drop(&mut self) {
            run("swapoff", [s(&self.0)]);
        }
    }
    let dir = folder();
    let path = dir.path().join("disk.img");
    // Swap files must have no holes.
    File::create(&path).unwrap().write_all_at(&vec![1; 1 << 20], 0).unwrap();
    run("mkswap", [s(&path)]);
    run("chmod", ["600", s(&path)]);
    run("swapon", [s(&path)]);
    let swap = Swap(path.clone());
    assert!(source_refusal(&DiskSpec::new(&path)).unwrap().contains("swap"));
    drop(swap);
    check_free(&path);
}

#[test]
fn block_device_is_held_while_it_is_read_and_written() {
    let dir = folder();
    let path = file_system(dir.path());
    let device = Loop::attach(&path, &[]);
    let is_mountable = || {
        let at = folder();
        let mounted = command("mount").args([s(&device.0), s(at.path())]).output().unwrap();
        if mounted.status.success() {
            run("umount", [s(at.path())]);
        }
        mounted.status.success()
    };
    let spec = DiskSpec::new(&device.0);
    let source = open_source(&spec, OpenOptions::default()).unwrap();
    assert!(!is_mountable());
    assert!(sink_refusal(&spec).is_some());
    drop(source);
    let target = sink::overwrite(&spec, 4096, OpenOptions::default()).unwrap();
    assert!(!is_mountable());
    assert!(source_refusal(&spec).is_some());
    drop(target);
    assert!(is_mountable());
}

#[test]
fn block_device_held_writable_is_refused_as_a_file_is() {
    let dir = folder();
    let device = Loop::attach(&raw_disk(dir.path()), &[]);
    let writer = FileOptions::new().write(true).open(&device.0).unwrap();
    // Our own process is left out of the look at open files, so hand the device to another one.
    let mut sleep = command("sleep");
    sleep.arg("60").stdout(writer);
    let process = Process::start(sleep, || true);
    assert!(source_refusal(&DiskSpec::new(&device.0)).unwrap().contains("open for writing"));
    drop(process);
    let spec = DiskSpec::new(&device.0).with_format(DiskFormat::Raw);
    assert_eq!(source_refusal(&spec), None);
}
