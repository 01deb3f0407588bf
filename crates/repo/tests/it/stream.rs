//! Reading a disk in order, from anywhere.

use futures_util::StreamExt as _;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use strongroom_base::ids::ManifestId;
use strongroom_base::{ByteRange, CancelToken, ErrorClass};
use strongroom_repo::{DiskPiece, RestoreError};

use crate::world::{World, disk, run};

/// The pieces of a range until the end or the first error.
fn read(world: &World, id: ManifestId, range: ByteRange) -> (Vec<DiskPiece>, Option<RestoreError>) {
    run(async {
        let session = world.repo.read_backup(id).await.unwrap();
        let mut stream = session.read("root", range, &CancelToken::new()).unwrap();
        let (mut pieces, mut failure) = (Vec::new(), None);
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        drop(stream);
        session.end().await.unwrap();
        (pieces, failure)
    })
}

/// The bytes of pieces, which must follow one another from `start` on.
fn joined(pieces: &[DiskPiece], start: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        assert_eq!(piece.range.start, start + bytes.len() as u64);
        let len = usize::try_from(piece.range.len()).unwrap();
        match &piece.bytes {
            Some(data) => bytes.extend_from_slice(data),
            None => bytes.resize(bytes.len() + len, 0),
        }
        assert_eq!(bytes.len() as u64, piece.range.end - start);
    }
    bytes
}

/// 41 MiB and some: three leaves, one of them of zeros, and holes in the others.
fn sparse() -> Vec<u8> {
    let mut bytes = disk(1, 657);
    bytes.truncate((656 << 16) + 777);
    bytes[3 << 16..9 << 16].fill(0);
    bytes[256 << 16..512 << 16].fill(0);
    bytes[600 << 16..601 << 16].fill(0);
    bytes
}

#[test]
fn any_range_is_what_the_disk_has_there() {
    let world = World::new();
    let bytes = sparse();
    let (id, _) = world.backup(&[("root", &bytes)], &[]);
    let ranges = proptest::collection::vec((0_u64..44_000_000, 0_u64..9_000_000), 1..4);
    let config = ProptestConfig { cases: 24, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&ranges, |ranges| {
        for (start, len) in ranges.into_iter().chain([(0, 50_000_000)]) {
            let (pieces, failure) = read(&world, id, ByteRange::at(start, len));
            prop_assert!(failure.is_none());
            let at = |offset: u64| usize::try_from(offset).unwrap().min(bytes.len());
            prop_assert!(joined(&pieces, start) == bytes[at(start)..at(start + len)]);
        }
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

#[test]
fn data_runs_are_what_is_read_and_zeros_are_told() {
    let world = World::new();
    let bytes = sparse();
    let (id, _) = world.backup(&[("root", &bytes)], &[]);
    let mut runs: Vec<ByteRange> = Vec::new();
    run(async {
        let session = world.repo.read_backup(id).await.unwrap();
        let found = |range: ByteRange| match runs.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => runs.push(range),
        };
        session.data_runs("root", &CancelToken::new(), found).await.unwrap();
        session.end().await.unwrap();
    });
    let unit = |first: u64, end: u64| ByteRange { start: first << 16, end: end << 16 };
    let end = bytes.len() as u64;
    let last = ByteRange { start: 601 << 16, end };
    assert_eq!(runs, [unit(0, 3), unit(9, 256), unit(512, 600), last]);
    let (pieces, _) = read(&world, id, ByteRange { start: 0, end });
    let data: u64 = pieces.iter().filter(|it| it.bytes.is_some()).map(|it| it.range.len()).sum();
    assert_eq!(data, runs.iter().map(|range| range.len()).sum::<u64>());
}

// proves: REPO-12
#[test]
fn damage_ends_the_stream_before_a_wrong_byte() {
    let world = World::new();
    let bytes = disk(1, 300);
    let (id, _) = world.backup(&[("root", &bytes)], &[]);
    let whole = ByteRange { start: 0, end: bytes.len() as u64 };
    let packs = world.store.keys("pack/");
    for pack in &packs {
        let sound = world.store.raw(pack).unwrap();
        for at in (0..sound.len()).step_by(sound.len() / 7) {
            let mut damaged = sound.to_vec();
            damaged[at] ^= 0x10;
            world.store.overwrite(pack, damaged.into());
            let (pieces, failure) = read(&world, id, whole);
            let sent = joined(&pieces, 0);
            assert!(sent == bytes[..sent.len()], "flipped at {at} of {pack}");
            match failure {
                Some(error) => assert_eq!(error.class(), ErrorClass::Corruption, "{error:?}"),
                None => assert_eq!(sent.len(), bytes.len()),
            }
        }
        world.store.remove(pack);
        assert!(read(&world, id, whole).1.is_some(), "without {pack}");
        world.store.overwrite(pack, sound);
    }
    assert!(read(&world, id, whole).1.is_none());
}

#[test]
fn read_of_another_disk_is_refused() {
    let world = World::new();
    let (id, _) = world.backup(&[("root", &disk(1, 3))], &[]);
    let refused = run(async {
        let session = world.repo.read_backup(id).await.unwrap();
        let range = ByteRange { start: 0, end: 1 };
        let refused = session.read("none", range, &CancelToken::new()).err();
        session.end().await.unwrap();
        refused
    });
    assert!(matches!(refused, Some(RestoreError::NoDisk { .. })));
}
