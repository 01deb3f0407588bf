//! Repairs: space that comes back, manifests and rows that have lost each other, expiry, verify.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_base::{ByteCount, CancelToken, Timestamp};
use strongroom_control::reconcile::Usage;
use strongroom_db::dialect::Dialect;
use strongroom_model::VaultId;
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_repo::NewBackup;

use crate::cbr_world::{World, noise};
use crate::on_both;

on_both!(
    bytes_of_deleted_backups_come_back,
    repository_goes_after_its_vault,
    manifest_that_no_row_names_is_buried_if_its_task_is_known,
    backup_without_its_manifest_is_in_error,
    expired_backups_go,
    verify_finds_what_cannot_be_restored,
);

async fn usage(world: &World, vault: VaultId) -> Usage {
    world.service.vault_usage(&world.cx, vault).await.unwrap()
}

async fn collect(world: &World) {
    world.service.collect_due(&CancelToken::new()).await.unwrap();
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn stored(world: &World) -> u64 {
    let all = files(&world.folder.path().join("store"));
    all.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

// proves: CTL-21
async fn bytes_of_deleted_backups_come_back(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let mut bytes = noise(1, 4 << 20);
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    let first = world.backed_up(vault).await.remove(0).backup;
    // The second half changes; the first is what both backups need.
    let half = bytes.len() / 2;
    bytes[half..].copy_from_slice(&noise(2, half));
    world.fake.put("a", strongroom_model::disk::DiskImageFormat::Raw, bytes);
    let second = world.backed_up(vault).await.pop().unwrap().backup;
    assert_ne!(first.id, second.id);
    let before = usage(&world, vault).await;
    let used = world.service.vault_get(&world.cx, vault).await.unwrap().used;
    assert!(used.0 >= 6 << 20, "{used:?}");

    world.service.backup_delete(&world.cx, first.id).await.unwrap();
    world.settle().await;
    let deleted = usage(&world, vault).await;
    assert!(deleted.reclaimable >= before.reclaimable + (2 << 20), "{before:?} {deleted:?}");
    let on_disk = stored(&world);
    collect(&world).await;
    assert!(stored(&world) + (2 << 20) <= on_disk, "{} of {on_disk} left", stored(&world));
    let after = usage(&world, vault).await;
    assert!(after.used >= 4 << 20, "{after:?}");
    let shown = world.service.vault_get(&world.cx, vault).await.unwrap().used;
    assert_eq!(shown, ByteCount(after.used), "what the vault shows is what it needs");
    assert_eq!(world.manifests(vault).await, vec![second.manifest_id.unwrap()]);
}

// proves: CTL-21
async fn repository_goes_after_its_vault(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let (gone, stays) = (world.vault(&[disk]).await, world.vault(&[]).await);
    world.backed_up(gone).await;
    let other = world.disk("b", noise(2, 1 << 20)).await;
    let resource = crate::cbr_world::resource(other);
    world.service.vault_add_resources(&world.cx, stays, vec![resource]).await.unwrap();
    world.backed_up(stays).await;
    world.service.vault_delete(&world.cx, gone).await.unwrap();
    world.settle().await;
    for _ in 0..3 {
        collect(&world).await;
    }
    let place = |vault: VaultId| world.folder.path().join("store/vaults").join(vault.to_string());
    assert_eq!(files(&place(gone)), Vec::<PathBuf>::new());
    assert!(!files(&place(stays)).is_empty());
    let known = world.scratch.db.repository_page_all(None, 10).await.unwrap();
    assert_eq!(known.iter().map(|one| one.vault_id).collect::<Vec<_>>(), [stays]);
}

// proves: CTL-20
async fn manifest_that_no_row_names_is_buried_if_its_task_is_known(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let vault = world.vault(&[disk]).await;
    let backup = world.backed_up(vault).await.remove(0).backup;
    let task = world.tasks().await.remove(0).id.to_string();
    let repository = world.repository(vault).await.unwrap();
    let catalog = repository.catalog().await.unwrap();
    let note = catalog.backups[0].manifest.description.clone();
    assert!(note.contains(&task), "{note}");
    // One that a sleeper committed for the same task, and one of a task that nobody knows.
    let commit = async |description: String| {
        let source = std::sync::Arc::new(strongroom_base::block::testing::MemorySource::new(
            noise(3, 1 << 16),
        ));
        let input = strongroom_repo::DiskInput { name: "d".to_owned(), source };
        let new = NewBackup { description, ..NewBackup::of(vec![input], Vec::new()) };
        repository.backup(new).await.unwrap().0
    };
    let late = commit(note.clone()).await;
    let unknown = commit(note.replace(&task, "00000000-0000-4000-8000-000000000000")).await;
    let foreign = commit("made by hand".to_owned()).await;
    collect(&world).await;
    let mut left = world.manifests(vault).await;
    left.sort_unstable();
    let mut expected = vec![backup.manifest_id.unwrap(), unknown, foreign];
    expected.sort_unstable();
    assert_eq!(left, expected, "{late} is the only one that goes");
    assert_eq!(world.backup(backup.id).await.backup.status, BackupStatus::Available);
}

// proves: CTL-20
async fn backup_without_its_manifest_is_in_error(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let vault = world.vault(&[disk]).await;
    let backup = world.backed_up(vault).await.remove(0).backup;
    let repository = world.repository(vault).await.unwrap();
    repository.delete(backup.manifest_id.unwrap()).await.unwrap();
    collect(&world).await;
    assert_eq!(world.backup(backup.id).await.backup.status, BackupStatus::Error);
}

async fn expired_backups_go(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let vault = world.vault(&[disk]).await;
    let over = world.backed_up(vault).await.remove(0).backup;
    let stays = world.backed_up(vault).await.pop().unwrap().backup;
    let tx = world.scratch.db.begin().await.unwrap();
    let backup = Backup { expires_at: Some(Timestamp(1)), ..over.clone() };
    tx.backup_update(&backup).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.service.expire_backups().await.unwrap(), [over.id]);
    world.settle().await;
    assert_eq!(world.service.expire_backups().await.unwrap(), []);
    assert_eq!(world.manifests(vault).await, [stays.manifest_id.unwrap()]);
}

async fn verify_finds_what_cannot_be_restored(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    world.work();
    let disk = world.disk("a", noise(1, 2 << 20)).await;
    let vault = world.vault(&[disk]).await;
    let backup = world.backed_up(vault).await.remove(0).backup;
    let verify = async || world.service.verify_due(&CancelToken::new()).await.unwrap();
    let sound = verify().await;
    assert_eq!((sound.verified, sound.damaged), (vec![vault], vec![]));
    let packs = files(&world.folder.path().join("store"));
    let largest = packs.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut content = fs::read(largest).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    let mut permissions = fs::metadata(largest).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::set_permissions(largest, permissions).unwrap();
    let file = fs::OpenOptions::new().write(true).open(largest).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &content, 0).unwrap();
    assert_eq!(verify().await.damaged, [backup.id]);
}
