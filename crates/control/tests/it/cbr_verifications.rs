//! Verifying on request.

use std::path::{Path, PathBuf};

use strongroom_db::dialect::Dialect;
use strongroom_model::task::{TaskKind, TaskStatus};

use crate::cbr_world::{World, noise};
use crate::on_both;

on_both!(sound_vault_is_verified, damage_fails_the_task_and_is_counted);

async fn sound_vault_is_verified(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 300_000)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    // Nothing is there to be damaged.
    let empty = world.service.vault_verify(&world.cx, vault).await.unwrap();
    world.settle().await;
    assert_eq!(world.task(empty).await.status, TaskStatus::Success);
    let backup = world.backed_up(vault).await.remove(0).backup;
    for task in [
        world.service.vault_verify(&world.cx, vault).await.unwrap(),
        world.service.backup_verify(&world.cx, backup.id).await.unwrap(),
    ] {
        world.settle().await;
        let watched = world.service.task_watch(&world.cx, task).await.unwrap();
        assert_eq!((watched.task.kind, watched.remaining), (TaskKind::Verify, None));
        assert_eq!(watched.task.status, TaskStatus::Success);
        assert_eq!(watched.task.details.note, None);
    }
    let stored = world.scratch.db.repository_page_all(None, 10).await.unwrap();
    assert!(stored[0].verified_at.is_some());
}

async fn damage_fails_the_task_and_is_counted(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let one = world.disk("a", noise(1, 300_000)).await;
    let two = world.disk("b", noise(2, 300_000)).await;
    let vault = world.vault(&[one, two]).await;
    world.work();
    let backups = world.backed_up(vault).await;
    // A large pack holds what a disk has, which no other backup shares.
    let size_of = |pack: &PathBuf| pack.metadata().unwrap().len();
    damage(&packs(world.folder.path()).into_iter().max_by_key(size_of).unwrap());
    let told = "1 object is damaged; 1 backup of the vault cannot be restored whole.";

    let task = world.service.vault_verify(&world.cx, vault).await.unwrap();
    world.settle().await;
    let task = world.task(task).await;
    assert_eq!(task.status, TaskStatus::Failed);
    let failure = task.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("Strongroom.Damaged", told));
    let mut ends = Vec::new();
    for view in &backups {
        let task = world.service.backup_verify(&world.cx, view.backup.id).await.unwrap();
        world.settle().await;
        let task = world.task(task).await;
        ends.push(task.status);
        match task.failure {
            Some(failure) => assert_eq!(failure.message, told),
            // That its neighbour is damaged is said in passing.
            None => assert_eq!(task.details.note.as_deref(), Some(told)),
        }
    }
    ends.sort();
    assert_eq!(ends, [TaskStatus::Success, TaskStatus::Failed]);
    let stored = world.scratch.db.repository_page_all(None, 10).await.unwrap();
    assert!(stored[0].verified_at.is_some());
}

/// All packs below a folder.
fn packs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(packs(&path));
        } else if path.components().any(|part| part.as_os_str() == "pack") {
            found.push(path);
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "somebody damages a file")]
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[1000] ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
