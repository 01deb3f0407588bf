//! Disks that are swapped after they were adopted.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use strongroom_base::{SinkError, SourceError};
use strongroom_provider::{DiskPlace, DiskUsage, PlaceError, Provider, ProviderError};
use strongroom_source::{DiskSpec, OpenOptions, open_source, sink};

use crate::machine::{Host, qcow2, raw};

// proves: PROV-3
#[test]
fn link_that_took_a_disks_place_is_refused_at_every_opening() {
    let host = Host::new();
    let provider = host.provider();
    fs::create_dir(host.root.join("folder")).unwrap();
    let disk = raw(&host.root.join("folder/disk"), &[1; 512]);
    let facts = provider.inspect(&disk.path, Some(disk.format)).unwrap();
    assert_eq!(facts.place, disk);
    raw(&host.elsewhere.join("disk"), &[9; 512]);

    let check = |what: &str| {
        for refused in [
            provider.usage(&disk).map(drop),
            provider.open_source(&disk).map(drop),
            provider.open_target(&disk, 512).map(drop),
        ] {
            let is_link = matches!(refused, Err(ProviderError::Place(PlaceError::Link { .. })));
            assert!(is_link, "{what}: {refused:?}");
        }
    };
    fs::remove_file(&disk.path).unwrap();
    symlink(host.elsewhere.join("disk"), &disk.path).unwrap();
    check("the disk became a link");
    fs::remove_dir_all(host.root.join("folder")).unwrap();
    symlink(&host.elsewhere, host.root.join("folder")).unwrap();
    check("its folder became a link");
    fs::remove_file(host.root.join("folder")).unwrap();
    assert_eq!(provider.usage(&disk).unwrap(), DiskUsage::Missing);
}

// proves: PROV-3
#[test]
fn disk_that_is_swapped_all_the_time_never_gives_another_ones_bytes() {
    for (name, make, openings) in
        [("disk.img", raw as fn(&_, &_) -> DiskPlace, 300), ("disk.qcow2", qcow2, 40)]
    {
        let host = Host::new();
        let provider = host.provider();
        let disk = make(&host.root.join(name), &[1; 4096]);
        let secret = make(&host.elsewhere.join(name), &[9; 4096]);
        let untouched = fs::read(&secret.path).unwrap();
        let link = host.root.join("link");
        symlink(&secret.path, &link).unwrap();
        let is_over = AtomicBool::new(false);
        let (mut opened, mut refused) = (0, 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    renameat_with(CWD, &disk.path, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                    thread::yield_now();
                }
            });
            while opened + refused < openings || opened == 0 || refused == 0 {
                let Ok(source) = provider.open_source(&disk) else {
                    refused += 1;
                    continue;
                };
                let mut bytes = [0; 4096];
                source.read_at(0, &mut bytes).unwrap();
                let is_right = bytes == [1; 4096];
                is_over.store(!is_right, Ordering::Relaxed);
                assert!(is_right, "{name}: it gave what the link leads to");
                opened += 1;
                drop(source);
                if let Ok(target) = provider.open_target(&disk, 4096) {
                    target.write_at(0, &[2; 4096]).unwrap();
                    target.write_at(0, &[1; 4096]).unwrap();
                    target.finish().unwrap();
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert!(fs::read(&secret.path).unwrap() == untouched, "{name}: it was written");
    }
}

// proves: PROV-3
#[test]
fn disk_swapped_between_the_check_and_the_opening_is_refused() {
    let host = Host::new();
    for (name, make) in [("disk.img", raw as fn(&_, &_) -> _), ("disk.qcow2", qcow2)] {
        let path = host.root.join(name);
        make(&path, &[1; 4096]);
        let checked = fs::metadata(&path).unwrap();
        // Both exist at once, so that they cannot have the same inode.
        let secret = host.elsewhere.join(name);
        make(&secret, &[9; 4096]);
        fs::remove_file(&path).unwrap();
        symlink(&secret, &path).unwrap();
        let spec = DiskSpec::new(&path).with_identity(&checked);
        let refused = open_source(&spec, OpenOptions::default()).map(drop);
        assert!(matches!(refused, Err(SourceError::Unusable { .. })), "{refused:?}");
        let refused = sink::overwrite(&spec, 1, OpenOptions::default()).map(drop);
        assert!(matches!(refused, Err(SinkError::Unusable { .. })), "{refused:?}");
    }
}
