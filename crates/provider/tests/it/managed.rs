//! Disks that the provider makes and removes.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::ExitStatusExt;

use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::{
    DiskPlace, LocalProvider, LocalRoots, PlaceError, Provider, ProviderError,
};

use crate::machine::{Host, command, raw, run, s};

#[test]
fn made_disk_is_private_and_sound_and_alone_in_its_folder() {
    let host = Host::new();
    let disk = host.provider().create("a", 1 << 30).unwrap();
    assert_eq!(disk.path, host.root.join("strongroom-disks/a.qcow2"));
    run("qemu-img", ["check", "-q", "-f", "qcow2", s(&disk.path)]);
    let metadata = fs::metadata(&disk.path).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o600);
    assert!(metadata.blocks() * 512 < 1 << 20, "an empty disk takes no room");
    let folder = disk.path.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().mode() & 0o777, 0o711);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "no draft is left behind");
}

// proves: PROV-6
#[test]
fn half_made_disk_has_another_name_and_is_in_nobodys_way() {
    let host = Host::new();
    let provider = host.provider();
    let disk = provider.create("a", 512).unwrap();
    provider.remove(&disk).unwrap();
    // What a process leaves that is killed before its disk is complete.
    let draft = disk.path.with_file_name(".strongroom-x1y2z3.part");
    raw(&draft, b"QFI\xfb");
    assert!(provider.open_source(&disk).map(drop).is_err_and(|error| error.is_absent()));
    assert_eq!(provider.create("a", 512).unwrap(), disk);
    let half = DiskPlace { path: draft.clone(), ..disk.clone() };
    assert!(matches!(provider.remove(&half), Err(ProviderError::NotManaged { .. })));
    provider.remove(&disk).unwrap();
    assert!(draft.exists());
}

// proves: PROV-6
#[test]
fn disk_that_cannot_be_completed_leaves_nothing() {
    let host = Host::new();
    let provider = host.provider();
    // More than an image can hold, which only QEMU knows.
    provider.create("huge", 1 << 62).unwrap_err();
    let folder = host.root.join("strongroom-disks");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

// proves: PROV-6
#[test]
fn killed_create_leaves_no_disk_and_the_next_one_makes_it() {
    /// Tells the process that is to be killed where its root is.
    const ROOT: &str = "STRONGROOM_TEST_ROOT";
    if let Some(root) = std::env::var_os(ROOT) {
        let roots = LocalRoots { folders: vec![root.into()], ..LocalRoots::default() };
        LocalProvider::new(&roots).unwrap().create("a", 512).unwrap();
        unreachable!("this process is killed before the disk has its name");
    }
    let host = Host::new();
    // A tool that does its work and then kills who started it.
    let tool = host.elsewhere.join("qemu-img");
    let real = run("sh", ["-c", "command -v qemu-img"]);
    raw(&tool, format!("#!/bin/sh\n{} \"$@\"\nkill -9 $PPID\n", real.trim()).as_bytes());
    run("chmod", ["755", s(&tool)]);
    let path = format!("{}:{}", s(&host.elsewhere), std::env::var("PATH").unwrap());
    let mut victim = command(s(&std::env::current_exe().unwrap()));
    victim.args(["--exact", "managed::killed_create_leaves_no_disk_and_the_next_one_makes_it"]);
    let status = victim.env(ROOT, &host.root).env("PATH", path).status().unwrap();
    assert_eq!(status.signal(), Some(9));

    let folder = host.root.join("strongroom-disks");
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&folder).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let [draft] = names().try_into().expect("one file is left");
    assert!(draft.starts_with(".strongroom-"), "{draft}");
    let disk = host.provider().create("a", 512).unwrap();
    assert_eq!(names().len(), 2);
    host.provider().remove(&disk).unwrap();
    assert_eq!(names(), [draft]);
}

#[test]
fn link_in_place_of_the_folder_is_refused() {
    let host = Host::new();
    let provider = host.provider();
    symlink(&host.elsewhere, host.root.join("strongroom-disks")).unwrap();
    let refused = provider.create("a", 512);
    assert!(matches!(refused, Err(ProviderError::Place(PlaceError::Link { .. }))), "{refused:?}");
    let disk = raw(&host.elsewhere.join("a.qcow2"), &[1; 512]);
    let named = DiskPlace {
        path: host.root.join("strongroom-disks/a.qcow2"),
        format: DiskImageFormat::Qcow2,
    };
    provider.remove(&named).unwrap_err();
    assert!(disk.path.exists());
}

#[test]
fn removing_what_was_never_made_is_fine() {
    let host = Host::new();
    let provider = host.provider();
    let disk = DiskPlace {
        path: host.root.join("strongroom-disks/a.qcow2"),
        format: DiskImageFormat::Qcow2,
    };
    provider.remove(&disk).unwrap();
    assert!(!host.root.join("strongroom-disks").exists());
}

#[test]
fn without_a_folder_no_disk_is_made() {
    let host = Host::new();
    let roots = LocalRoots { folders: Vec::new(), ..host.roots() };
    let provider = LocalProvider::new(&roots).unwrap();
    assert!(matches!(provider.create("a", 512), Err(ProviderError::NoFolder)));
}
