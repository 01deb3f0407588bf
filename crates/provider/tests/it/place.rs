//! Paths that are refused, and why.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use strongroom_base::{ErrorClass, SourceError};
use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::{
    InspectError, LocalProvider, LocalRoots, PlaceError, Provider, RootError,
};

use crate::machine::{Host, command, qcow2, raw, run, s};

fn refusal(provider: &LocalProvider, path: &Path) -> PlaceError {
    match provider.inspect(path, Some(DiskImageFormat::Raw)) {
        Err(InspectError::Place(error)) => error,
        other => panic!("{} gives {other:?}", path.display()),
    }
}

// proves: PROV-1
#[test]
fn link_anywhere_below_the_root_is_refused_and_named() {
    let host = Host::new();
    let provider = host.provider();
    fs::create_dir(host.root.join("real")).unwrap();
    raw(&host.root.join("real/disk"), &[1; 512]);
    raw(&host.elsewhere.join("disk"), &[1; 512]);
    let links =
        [("last", "real/disk", ""), ("middle", "real", "/disk"), ("out", "../elsewhere", "/disk")];
    for (name, target, rest) in links {
        let link = host.root.join(name);
        symlink(target, &link).unwrap();
        let path = format!("{}{rest}", link.display());
        match refusal(&provider, Path::new(&path)) {
            PlaceError::Link { link: named } => assert_eq!(named, link),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn root_that_is_a_link_is_trusted_and_resolved() {
    let host = Host::new();
    let disk = raw(&host.root.join("disk"), &[1; 512]);
    let link = host.base.join("link");
    symlink(&host.root, &link).unwrap();
    let roots = LocalRoots { folders: vec![link.clone()], ..host.roots() };
    let provider = LocalProvider::new(&roots).unwrap();
    for path in [link.join("disk"), disk.path.clone()] {
        let facts = provider.inspect(&path, Some(DiskImageFormat::Raw)).unwrap();
        assert_eq!(facts.place, disk);
    }
}

// proves: PROV-2
#[test]
fn data_directory_is_refused_whatever_its_name() {
    let host = Host::new();
    let provider = host.provider();
    fs::create_dir(host.data.join("deep")).unwrap();
    raw(&host.data.join("disk"), &[1; 512]);
    raw(&host.data.join("deep/disk"), &[1; 512]);
    let is_reserved = |path: &Path| matches!(refusal(&provider, path), PlaceError::Reserved { .. });
    for path in ["disk", "deep/disk", "absent"] {
        assert!(is_reserved(&host.data.join(path)), "{path}");
    }
    assert!(is_reserved(&host.data));
    let mounted = host.root.join("mounted");
    fs::create_dir(&mounted).unwrap();
    run("mount", ["--bind", s(&host.data), s(&mounted)]);
    let is_found = is_reserved(&mounted.join("deep/disk"));
    run("umount", [s(&mounted)]);
    assert!(is_found, "under another name, too");
    raw(&host.root.join("data-2"), &[1; 512]);
    let near = provider.inspect(&host.root.join("data-2"), Some(DiskImageFormat::Raw));
    near.expect("only the folder itself is reserved");
}

// proves: PROV-2
#[test]
fn root_in_the_data_directory_is_refused() {
    let host = Host::new();
    let inside = host.data.join("disks");
    fs::create_dir(&inside).unwrap();
    for root in [&host.data, &inside] {
        let roots = LocalRoots { folders: vec![root.clone()], ..host.roots() };
        let refused = LocalProvider::new(&roots);
        assert!(matches!(refused, Err(RootError::Reserved { .. })), "{refused:?}");
    }
    for (root, is_plain) in [("relative", false), ("/a/../b", false), ("/absent/folder", true)] {
        let roots = LocalRoots { folders: vec![root.into()], ..host.roots() };
        let refused = LocalProvider::new(&roots).unwrap_err();
        assert_eq!(matches!(refused, RootError::Unusable { .. }), is_plain, "{refused:?}");
    }
}

#[test]
fn file_with_a_second_name_is_refused() {
    let host = Host::new();
    let disk = raw(&host.root.join("disk"), &[1; 512]);
    fs::hard_link(&disk.path, host.elsewhere.join("other")).unwrap();
    let provider = host.provider();
    assert!(matches!(refusal(&provider, &disk.path), PlaceError::OtherNames { .. }));
    fs::remove_file(host.elsewhere.join("other")).unwrap();
    provider.inspect(&disk.path, Some(DiskImageFormat::Raw)).unwrap();
}

#[test]
fn what_is_no_disk_is_refused() {
    let host = Host::new();
    let provider = host.provider();
    fs::create_dir(host.root.join("folder")).unwrap();
    let pipe = host.root.join("pipe");
    assert!(command("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [host.root.join("folder"), pipe] {
        assert!(matches!(refusal(&provider, &path), PlaceError::Kind { .. }));
    }
    assert!(matches!(refusal(&provider, &host.root), PlaceError::Outside { .. }));
    File::create(host.root.join("file")).unwrap();
    let through = host.root.join("file/disk");
    assert!(matches!(refusal(&provider, &through), PlaceError::Absent { .. }));
    assert_eq!(refusal(&provider, &through).class(), ErrorClass::Permanent);
}

// proves: PROV-1
#[test]
fn image_that_refers_out_of_its_folder_is_refused() {
    let host = Host::new();
    let provider = host.provider();
    let secret = raw(&host.elsewhere.join("secret"), &[1; 4096]).path;
    let image = host.root.join("overlay.qcow2");
    let option = format!("data_file={},data_file_raw=on", s(&secret));
    let makes: [&[&str]; 2] =
        [&["-b", s(&secret), "-F", "raw", s(&image)], &["-o", &option, s(&image), "4096"]];
    for make in makes {
        run("qemu-img", [&["create", "-q", "-f", "qcow2"], make].concat());
        let refused = provider.inspect(&image, None);
        let is_refused = matches!(
            &refused,
            Err(InspectError::Source(SourceError::Unusable { why, .. })) if why.contains("another folder")
        );
        assert!(is_refused, "{refused:?}");
        fs::remove_file(&image).unwrap();
    }
    qcow2(&host.root.join("base"), &[5; 4096]);
    run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", s(&image)]);
    let facts = provider.inspect(&image, None).unwrap();
    let source = provider.open_source(&facts.place).unwrap();
    let mut bytes = [0; 4096];
    source.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [5; 4096], "a base in the same folder is read");
}
