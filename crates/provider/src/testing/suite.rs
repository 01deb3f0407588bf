//! What every provider must do.

use std::any::Any;
use std::path::{Path, PathBuf};

use strongroom_base::block::testing::{check_sink, check_source};
use strongroom_base::rng::{Rng, SeededRng};
use strongroom_base::{ByteCount, ErrorClass, SinkError};
use strongroom_model::disk::DiskImageFormat;

use crate::error::{InspectError, PlaceError, ProviderError};
use crate::place::{DiskPlace, DiskUsage};
use crate::provider::Provider;

/// A provider to try, and the means to put disks before it.
pub trait Bench {
    /// The provider.
    fn provider(&self) -> &dyn Provider;
    /// Puts a file that holds `bytes` as a disk of the format, `raw` or `qcow2`, where it can be
    /// adopted. `name` is its file name.
    fn put(&self, name: &str, format: DiskImageFormat, bytes: &[u8]) -> PathBuf;
    /// Uses the disk as a running guest does, until the answer is dropped.
    fn hold(&self, disk: &DiskPlace) -> Box<dyn Any>;
    /// A disk that exists and is below no root.
    fn outside(&self) -> PathBuf;
}

const RAW: DiskImageFormat = DiskImageFormat::Raw;
const QCOW2: DiskImageFormat = DiskImageFormat::Qcow2;

/// Tries the whole contract of a provider.
///
/// # Panics
/// When the provider breaks it.
pub fn check_provider(bench: &dyn Bench) {
    disks_are_described(bench);
    formats_are_never_guessed(bench);
    paths_are_refused(bench);
    for (format, name) in [(RAW, "bytes.img"), (QCOW2, "bytes.qcow2")] {
        let bytes = pattern(3 << 20, 1);
        let path = bench.put(name, format, &bytes);
        let disk = DiskPlace { path, format };
        content_is_read_and_overwritten(bench.provider(), &disk, &bytes);
        users_exclude_each_other(bench, &disk);
    }
    missing_disk_is_told(bench.provider(), &bench.put("here", RAW, &[1; 512]));
    disks_are_made_and_removed(bench);
    only_disks_that_were_made_are_removed(bench);
}

fn pattern(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let (data, _) = bytes.split_at_mut(size / 2);
    SeededRng::new(seed).fill(data);
    bytes
}

fn disks_are_described(bench: &dyn Bench) {
    let inspect = |path: &Path, format| bench.provider().inspect(path, format).unwrap();
    let check = |path: PathBuf, given, format, size| {
        let facts = inspect(&path, given);
        assert_eq!(facts.place, DiskPlace { path, format });
        assert_eq!((facts.size, facts.is_block_device), (ByteCount(size), false));
    };
    check(bench.put("odd.img", RAW, &[7; 1001]), Some(RAW), RAW, 1001);
    let image = bench.put("image.qcow2", QCOW2, &pattern(2 << 20, 2));
    check(image.clone(), Some(QCOW2), QCOW2, 2 << 20);
    check(image, None, QCOW2, 2 << 20);
    check(bench.put("image", QCOW2, &[1; 512]), Some(QCOW2), QCOW2, 512);
}

fn formats_are_never_guessed(bench: &dyn Bench) {
    let inspect = |path: &Path, format| bench.provider().inspect(path, format).unwrap_err();
    for (name, format) in [("a.img", RAW), ("b.img", QCOW2)] {
        let error = inspect(&bench.put(name, format, &[1; 1024]), None);
        assert!(matches!(error, InspectError::FormatUnnamed { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("`raw`"), "it says what to pass: {error}");
    }
    let raw = bench.put("c.img", RAW, &[1; 1024]);
    for wrong in [QCOW2, DiskImageFormat::Block] {
        assert_eq!(inspect(&raw, Some(wrong)).class(), ErrorClass::Permanent);
    }
    let empty = inspect(&bench.put("empty.img", RAW, &[]), Some(RAW));
    assert!(matches!(empty, InspectError::Empty { .. }), "{empty:?}");
}

fn paths_are_refused(bench: &dyn Bench) {
    let inspect = |path: &Path| match bench.provider().inspect(path, Some(RAW)) {
        Err(InspectError::Place(error)) => error,
        other => panic!("{} gives {other:?}", path.display()),
    };
    let disk = bench.put("paths.img", RAW, &[1; 512]);
    let folder = disk.parent().unwrap();
    assert!(matches!(inspect(&bench.outside()), PlaceError::Outside { .. }));
    assert!(matches!(inspect(&folder.join("absent")), PlaceError::Absent { .. }));
    let text = disk.to_str().unwrap();
    let name = disk.file_name().unwrap().to_str().unwrap();
    let crooked = [
        name.to_owned(),
        format!("{text}/"),
        format!("/{text}"),
        folder.join(format!("./{name}")).to_str().unwrap().to_owned(),
        folder.join(format!("x/../{name}")).to_str().unwrap().to_owned(),
        String::new(),
    ];
    for path in crooked {
        assert!(matches!(inspect(Path::new(&path)), PlaceError::NotPlain { .. }), "{path}");
    }
    let disk = DiskPlace { path: bench.outside(), format: RAW };
    for refused in [
        bench.provider().usage(&disk).map(drop),
        bench.provider().open_source(&disk).map(drop),
        bench.provider().open_target(&disk, 1).map(drop),
    ] {
        let is_outside = matches!(refused, Err(ProviderError::Place(PlaceError::Outside { .. })));
        assert!(is_outside, "a row is checked like a request: {refused:?}");
    }
}

fn content_is_read_and_overwritten(provider: &dyn Provider, disk: &DiskPlace, bytes: &[u8]) {
    check_source(provider.open_source(disk).unwrap().as_ref(), bytes);
    let size = bytes.len() as u64;
    let too_small = provider.open_target(disk, size + 1).map(drop);
    assert!(
        matches!(too_small, Err(ProviderError::Sink(SinkError::TooSmall { .. }))),
        "{too_small:?}"
    );
    let part = size - 100_001;
    let sink = provider.open_target(disk, part).unwrap();
    let mut expected = check_sink(sink.as_ref(), part, 3);
    drop(sink);
    expected.extend(bytes.iter().skip(expected.len()));
    check_source(provider.open_source(disk).unwrap().as_ref(), &expected);
}

fn users_exclude_each_other(bench: &dyn Bench, disk: &DiskPlace) {
    let provider = bench.provider();
    let usage = || provider.usage(disk).unwrap();
    let is_refused = |refused: Result<(), ProviderError>| refused.is_err_and(|e| e.is_in_use());
    assert_eq!(usage(), DiskUsage::Free);

    let guest = bench.hold(disk);
    assert!(matches!(usage(), DiskUsage::InUse { .. }));
    assert!(is_refused(provider.open_source(disk).map(drop)));
    assert!(is_refused(provider.open_target(disk, 1).map(drop)));
    let facts = provider.inspect(&disk.path, Some(disk.format));
    facts.expect("a disk can be adopted while its guest runs");
    drop(guest);

    let source = provider.open_source(disk).unwrap();
    assert_eq!(usage(), DiskUsage::Free, "a backup does not make a disk look used");
    provider.open_source(disk).expect("two backups share a disk");
    assert!(is_refused(provider.open_target(disk, 1).map(drop)));
    drop(source);

    let target = provider.open_target(disk, 1).unwrap();
    assert!(matches!(usage(), DiskUsage::InUse { .. }));
    assert!(is_refused(provider.open_source(disk).map(drop)));
    assert!(is_refused(provider.open_target(disk, 1).map(drop)));
    drop(target);
    assert_eq!(usage(), DiskUsage::Free);
}

fn missing_disk_is_told(provider: &dyn Provider, neighbour: &Path) {
    let disk = DiskPlace { path: neighbour.with_file_name("never"), format: RAW };
    assert_eq!(provider.usage(&disk).unwrap(), DiskUsage::Missing);
    assert!(provider.open_source(&disk).map(drop).is_err_and(|error| error.is_absent()));
    assert!(provider.open_target(&disk, 1).map(drop).is_err_and(|error| error.is_absent()));
}

fn disks_are_made_and_removed(bench: &dyn Bench) {
    let provider = bench.provider();
    for name in ["", ".", "..", "../a", "a/b", ".a", "a b", "a\0"] {
        let refused = provider.create(name, 512);
        assert!(matches!(refused, Err(ProviderError::Name { .. })), "{name:?}: {refused:?}");
    }
    assert!(matches!(provider.create("none", 0), Err(ProviderError::NoSize)));
    let huge = provider.create("huge", u64::MAX).unwrap_err();
    assert_eq!(huge.class(), ErrorClass::Permanent);

    let place = provider.managed_place("made-1").unwrap();
    let disk = provider.create("made-1", 1_000_001).unwrap();
    assert_eq!(disk, place);
    assert_eq!(disk.format, QCOW2);
    let facts = provider.inspect(&disk.path, None).unwrap();
    assert_eq!((facts.place, facts.size), (disk.clone(), ByteCount(1_000_448)), "whole sectors");
    check_source(provider.open_source(&disk).unwrap().as_ref(), &vec![0; 1_000_448]);
    let sink = provider.open_target(&disk, 1_000_448).unwrap();
    let expected = check_sink(sink.as_ref(), 1_000_448, 4);
    drop(sink);

    let again = provider.create("made-1", 512).unwrap_err();
    assert!(again.is_taken(), "{again:?}");
    check_source(provider.open_source(&disk).unwrap().as_ref(), &expected);

    let guest = bench.hold(&disk);
    assert!(provider.remove(&disk).unwrap_err().is_in_use());
    drop(guest);
    let source = provider.open_source(&disk).unwrap();
    assert!(provider.remove(&disk).unwrap_err().is_in_use(), "a backup reads it");
    drop(source);
    provider.remove(&disk).unwrap();
    assert_eq!(provider.usage(&disk).unwrap(), DiskUsage::Missing);
    provider.remove(&disk).expect("removing twice is removing once");
    provider.create("made-1", 512).expect("the name is free again");
}

fn only_disks_that_were_made_are_removed(bench: &dyn Bench) {
    let provider = bench.provider();
    let made = provider.create("made-2", 512).unwrap();
    let adopted = bench.put("adopted.qcow2", QCOW2, &[1; 512]);
    let outside = bench.outside();
    for disk in [
        DiskPlace { path: adopted.clone(), format: QCOW2 },
        DiskPlace { path: outside, format: QCOW2 },
        DiskPlace { path: made.path.clone(), format: RAW },
        DiskPlace { path: made.path.parent().unwrap().to_owned(), format: QCOW2 },
    ] {
        let refused = provider.remove(&disk);
        assert!(matches!(refused, Err(ProviderError::NotManaged { .. })), "{disk:?}: {refused:?}");
    }
    provider.inspect(&adopted, None).expect("the adopted disk is still there");
    provider.inspect(&made.path, None).expect("so is the other");
}
