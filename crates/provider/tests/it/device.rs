//! Block devices.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use strongroom_base::ByteCount;
use strongroom_base::block::testing::{check_sink, check_source};
use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::{
    DiskPlace, DiskUsage, InspectError, LocalProvider, LocalRoots, PlaceError, Provider,
    ProviderError,
};

use crate::machine::{Host, Loop, qcow2, raw, run, s};

fn provider(host: &Host, devices: &[PathBuf]) -> LocalProvider {
    let roots = LocalRoots { devices: devices.to_vec(), ..host.roots() };
    LocalProvider::new(&roots).unwrap()
}

#[test]
fn device_is_adopted_only_below_a_root_of_devices() {
    let host = Host::new();
    let file = raw(&host.elsewhere.join("disk"), &vec![1; 1 << 20]);
    let device = Loop::attach(&file.path);
    let outside = host.provider().inspect(&device.0, None);
    assert!(matches!(outside, Err(InspectError::Place(PlaceError::Outside { .. }))));
    // A node below a root of files.
    let (major, minor) = {
        let said = run("stat", ["-c", "%Hr %Lr", s(&device.0)]);
        let (major, minor) = said.trim().split_once(' ').unwrap();
        (major.to_owned(), minor.to_owned())
    };
    let node = host.root.join("node");
    run("mknod", [s(&node), "b", &major, &minor]);
    let refused = host.provider().inspect(&node, None);
    assert!(matches!(refused, Err(InspectError::Place(PlaceError::Kind { .. }))), "{refused:?}");

    let provider = provider(&host, std::slice::from_ref(&device.0));
    let facts = provider.inspect(&device.0, None).unwrap();
    let format = DiskImageFormat::Block;
    assert_eq!(facts.place, DiskPlace { path: device.0.clone(), format });
    assert_eq!((facts.size, facts.is_block_device), (ByteCount(1 << 20), true));
    let wrong = provider.inspect(&device.0, Some(DiskImageFormat::Raw));
    assert!(matches!(wrong, Err(InspectError::FormatDiffers { .. })), "{wrong:?}");
    // Files below a root of devices.
    raw(&host.root.join("file"), &[1; 512]);
    let provider = self::provider(&host, std::slice::from_ref(&host.root));
    let refused = provider.inspect(&host.root.join("file"), Some(DiskImageFormat::Raw));
    assert!(matches!(refused, Err(InspectError::Place(PlaceError::Kind { .. }))), "{refused:?}");
    assert!(provider.inspect(&node, None).unwrap().is_block_device);
}

#[test]
fn device_that_is_configured_by_a_link_keeps_that_name() {
    let host = Host::new();
    let file = raw(&host.elsewhere.join("disk"), &vec![7; 1 << 20]);
    let device = Loop::attach(&file.path);
    let link = host.base.join("by-name");
    symlink(&device.0, &link).unwrap();
    let provider = provider(&host, std::slice::from_ref(&link));
    let disk = provider.inspect(&link, None).unwrap().place;
    assert_eq!(disk.path, link);
    check_source(provider.open_source(&disk).unwrap().as_ref(), &vec![7; 1 << 20]);
    let sink = provider.open_target(&disk, 1 << 20).unwrap();
    assert!(matches!(provider.usage(&disk).unwrap(), DiskUsage::InUse { .. }));
    let expected = check_sink(sink.as_ref(), 1 << 20, 5);
    drop(sink);
    check_source(provider.open_source(&disk).unwrap().as_ref(), &expected);
    assert_eq!(provider.usage(&disk).unwrap(), DiskUsage::Free);
}

#[test]
fn file_and_device_that_changed_places_are_refused() {
    let host = Host::new();
    let file = raw(&host.root.join("disk"), &vec![1; 1 << 20]);
    let device = Loop::attach(&file.path);
    let provider = provider(&host, std::slice::from_ref(&device.0));
    for (path, format) in [(&file.path, DiskImageFormat::Block), (&device.0, DiskImageFormat::Raw)]
    {
        let refused = provider.open_source(&DiskPlace { path: path.clone(), format }).map(drop);
        let is_kind = matches!(refused, Err(ProviderError::Place(PlaceError::Kind { .. })));
        assert!(is_kind, "{refused:?}");
    }
}

// proves: PROV-4
#[test]
fn device_that_begins_like_an_image_needs_its_format_named() {
    let host = Host::new();
    let image = qcow2(&host.elsewhere.join("image"), &vec![1; 1 << 20]);
    let device = Loop::attach(&image.path);
    let provider = provider(&host, std::slice::from_ref(&device.0));
    assert!(matches!(provider.inspect(&device.0, None), Err(InspectError::Source(_))));
    let named = provider.inspect(&device.0, Some(DiskImageFormat::Block)).unwrap();
    assert_eq!(named.place.format, DiskImageFormat::Block);
}
