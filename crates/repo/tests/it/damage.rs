//! The damage campaign: every kind of change to every object.
//!
//! Of each change must hold: verify finds it and names the object; every backup that no longer
//! restores is named; nothing ever restores a wrong byte; all other backups restore.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::ids::ManifestId;
use strongroom_repo::object::ObjectKey;
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::{CollectOptions, Repository, VerifyOptions, VerifyReport};

use crate::world::{World, disk, run};

/// How the campaign collects: at once, and every old grave goes into a buried set.
fn collecting() -> CollectOptions {
    CollectOptions { grave_delay: Duration::ZERO, merge_graves: 1, ..CollectOptions::default() }
}

/// Buries a backup, and leaves a collected one with its grave, its condemned set and its end.
fn bury(world: &World) {
    let (gone, _) = world.backup(&[("root", &disk(5, 3))], &[]);
    run(world.repo.delete(gone)).unwrap();
    for _ in 0..4 {
        run(world.repo.collect(&collecting())).unwrap();
        world.clock.advance(Duration::from_hours(8 * 24));
    }
    assert!(world.store.keys("grave/").is_empty());
    let (gone, _) = world.backup(&[("root", &disk(6, 3))], &[]);
    run(world.repo.delete(gone)).unwrap();
    run(world.repo.collect(&collecting())).unwrap();
}

/// A repository with three backups that share some content, one of them held and one undeleted, a
/// deleted one, and something of every kind that says what is deleted.
fn campaign() -> (World, Vec<(ManifestId, Vec<u8>)>) {
    let world = World::new();
    bury(&world);
    let mut bytes = disk(1, 70);
    let mut backups = Vec::new();
    let (first, _) = world.backup(&[("root", &bytes)], &[]);
    backups.push((first, bytes.clone()));
    bytes[40 << 16..50 << 16].copy_from_slice(&disk(2, 10));
    let (second, _) = world.backup(&[("root", &bytes)], &[first]);
    backups.push((second, bytes.clone()));
    let other = disk(3, 20);
    let (third, _) = world.backup(&[("root", &other)], &[]);
    backups.push((third, other));
    let (gone, _) = world.backup(&[("root", &disk(4, 5))], &[]);
    run(world.repo.delete(gone)).unwrap();
    run(world.repo.delete(third)).unwrap();
    run(world.repo.undelete(third)).unwrap();
    let until = strongroom_base::Clock::now(&*world.clock).plus(Duration::from_hours(24));
    run(world.repo.hold(first, until, "test")).unwrap();
    for prefix in ["grave/", "ungrave/", "hold/", "buried/", "end/", "condemned/", "done/"] {
        assert!(!world.store.keys(prefix).is_empty(), "{prefix}");
    }
    (world, backups)
}

/// The same repository over a copy of its store.
fn reopened(world: &World, store: &MemoryStore) -> Result<World, strongroom_repo::OpenError> {
    let mut env = world.repo.env().clone();
    env.store = std::sync::Arc::new(store.clone());
    let repo = run(Repository::open(env, &world.key))?;
    Ok(World { clock: world.clock.clone(), store: store.clone(), repo, key: world.key.clone() })
}

/// Verifies and restores everything; checks all that must hold of any damage.
fn survey(world: &World, backups: &[(ManifestId, Vec<u8>)], what: &str) -> VerifyReport {
    let report = run(world.repo.verify(&VerifyOptions::default()))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let named: BTreeSet<_> = report
        .affected
        .iter()
        .map(|affected| affected.id)
        .chain(report.damaged.iter().filter_map(|damaged| {
            damaged.key.as_str().strip_prefix("manifest/").and_then(|id| id.parse().ok())
        }))
        .collect();
    for (id, bytes) in backups {
        match world.restore(*id, "root") {
            Ok(restored) => assert!(restored == *bytes, "{what}: a wrong byte was restored"),
            Err(error) => assert!(named.contains(id), "{what}: {id} is not named: {error}"),
        }
    }
    report
}

fn damaged_keys(report: &VerifyReport) -> BTreeSet<&str> {
    report.damaged.iter().map(|damaged| damaged.key.as_str()).collect()
}

/// Offsets worth changing: the ends, the middle, and some between.
fn offsets(len: usize) -> Vec<usize> {
    let mut offsets = vec![0, 3, len / 7, len / 3, len / 2, len - 40.min(len), len - 9.min(len)];
    offsets.push(len - 1);
    offsets.retain(|offset| *offset < len);
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

fn check_change(
    world: &World,
    backups: &[(ManifestId, Vec<u8>)],
    key: &ObjectKey,
    changed: Bytes,
    what: &str,
) {
    let what = format!("{what} of {key}");
    let store = world.store.fork();
    store.overwrite(key, changed);
    match reopened(world, &store) {
        // A repository whose configuration or only slot is damaged says so when it is opened.
        Err(_) => assert!(["config", "key/"].iter().any(|p| key.as_str().starts_with(p)), "{what}"),
        Ok(damaged) => {
            let report = survey(&damaged, backups, &what);
            assert!(damaged_keys(&report).contains(key.as_str()), "{what} was not found");
        }
    }
}

// proves: REPO-12
#[test]
fn every_change_is_found_and_named() {
    let (world, backups) = campaign();
    let keys = world.store.keys("");
    for key in &keys {
        let bytes = world.store.raw(key).unwrap();
        for offset in offsets(bytes.len()) {
            let mut flipped = bytes.to_vec();
            flipped[offset] ^= 0x20;
            check_change(&world, &backups, key, flipped.into(), &format!("flip at {offset}"));
        }
        for len in [0, bytes.len() / 2, bytes.len() - 1] {
            check_change(&world, &backups, key, bytes.slice(..len), &format!("cut to {len}"));
        }
        let (prefix, _) = key.as_str().split_once('/').unwrap_or((key.as_str(), ""));
        let twin = keys.iter().find(|other| {
            *other != key && other.as_str().split_once('/').is_some_and(|(p, _)| p == prefix)
        });
        if let Some(twin) = twin {
            let other = world.store.raw(twin).unwrap();
            check_change(&world, &backups, key, other, &format!("replacement by {twin}"));
        }
    }
}

#[test]
fn every_loss_of_data_index_or_node_is_found() {
    let (world, backups) = campaign();
    for prefix in ["pack/", "index/"] {
        for key in world.store.keys(prefix) {
            let store = world.store.fork();
            store.remove(&key);
            let damaged = reopened(&world, &store).unwrap();
            let report = survey(&damaged, &backups, &format!("loss of {key}"));
            let is_unused = report.affected.is_empty()
                && backups.iter().all(|(id, bytes)| {
                    damaged.restore(*id, "root").is_ok_and(|restored| restored == *bytes)
                });
            assert!(!report.is_sound() || is_unused, "loss of {key} was not found");
        }
    }
}

#[test]
fn loss_of_the_only_slot_or_of_the_configuration_is_found() {
    let (world, _) = campaign();
    for prefix in ["key/", "config"] {
        let key =
            world.store.keys("").into_iter().find(|k| k.as_str().starts_with(prefix)).unwrap();
        let store = world.store.fork();
        store.remove(&key);
        assert!(reopened(&world, &store).is_err());
    }
}

// proves: REPO-17
#[test]
fn collect_on_a_damaged_repository_deletes_nothing_that_is_needed() {
    let (world, backups) = campaign();
    let options = collecting();
    let deciding = ["grave/", "ungrave/", "hold/", "buried/", "end/", "condemned/", "done/"];
    for prefix in ["pack/", "index/", "manifest/"].into_iter().chain(deciding) {
        for key in world.store.keys(prefix) {
            let store = world.store.fork();
            let mut bytes = store.raw(&key).unwrap().to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            store.overwrite(&key, bytes.clone().into());
            let damaged = reopened(&world, &store).unwrap();
            let before: BTreeSet<_> = restorable(&damaged, &backups);
            let collected = run(damaged.repo.collect(&options));
            if prefix != "pack/" {
                assert!(collected.is_err(), "{key}");
            }
            assert_eq!(restorable(&damaged, &backups), before, "{key}");
            if deciding.contains(&prefix) {
                assert_eq!(before.len(), backups.len(), "{key} is in nobody's way");
            }
            // Undo the damage: everything restores, so nothing that was needed went.
            if store.raw(&key).is_some() {
                store.overwrite(&key, world.store.raw(&key).unwrap());
                assert_eq!(restorable(&damaged, &backups).len(), backups.len(), "{key}");
            }
        }
    }
}

fn restorable(world: &World, backups: &[(ManifestId, Vec<u8>)]) -> BTreeSet<ManifestId> {
    backups
        .iter()
        .filter(|(id, bytes)| world.restore(*id, "root").is_ok_and(|restored| restored == *bytes))
        .map(|(id, _)| *id)
        .collect()
}
