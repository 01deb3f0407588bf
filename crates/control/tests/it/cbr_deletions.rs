//! Deleting backups and vaults.

use strongroom_db::dialect::Dialect;
use strongroom_model::backup::BackupStatus;
use strongroom_model::filter::BackupFilter;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::{TaskKind, TaskStatus};
use strongroom_model::vault::VaultStatus;

use crate::cbr_world::{World, code, noise, resource, to_disk};
use crate::on_both;

on_both!(
    deleted_backup_goes_with_its_run,
    vault_goes_with_its_backups,
    deletion_that_nobody_began_can_be_cancelled,
);

async fn deleted_backup_goes_with_its_run(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let [a, b] = [world.disk("a", noise(1, 70_000)).await, world.disk("b", noise(2, 512)).await];
    let vault = world.vault(&[a, b]).await;
    world.work();
    let backups = world.backed_up(vault).await;
    let (service, cx) = (&world.service, &world.cx);
    let checkpoint = backups[0].backup.checkpoint_id;
    let used = service.vault_get(cx, vault).await.unwrap().used.0;
    for (number, view) in (1..).zip(&backups) {
        let id = view.backup.id;
        service.backup_delete(cx, id).await.unwrap();
        // R74, R82
        let again = service.backup_delete(cx, id).await;
        assert!(matches!(code(again), 6200 | 6201));
        world.settle().await;
        assert_eq!(code(service.backup_get(cx, id).await), 6200);
        assert_eq!(code(service.backup_restore(cx, id, to_disk(a)).await), 6200);
        let task = world.tasks().await.remove(0);
        assert_eq!((task.kind, task.status), (TaskKind::Delete, TaskStatus::Success));
        assert_eq!(task.details.backup.unwrap().id, id);
        assert_eq!(world.manifests(vault).await.len(), backups.len() - number);
        // R75
        let gone = if number == backups.len() { 6217 } else { 0 };
        assert_eq!(code(service.checkpoint_get(cx, checkpoint).await), gone);
    }
    service.collect_due(&strongroom_base::CancelToken::new()).await.unwrap();
    let view = service.vault_get(cx, vault).await.unwrap();
    assert!(used > 0);
    assert_eq!((view.used.0, view.resources[0].backup_count), (0, 0));
    assert_eq!(view.resources[0].backup_bytes.0, 0);
}

// proves: CTL-11
async fn vault_goes_with_its_backups(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 70_000)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup.id;
    world.backed_up(vault).await;
    // Nobody works, so that what is between can be seen.
    world.crash().await;
    let (service, cx) = (&world.service, &world.cx);
    service.vault_delete(cx, vault).await.unwrap();
    let status = service.vault_get(cx, vault).await.unwrap().vault.status;
    assert_eq!(status, VaultStatus::Deleting);
    assert_eq!(world.backup(backup).await.backup.status, BackupStatus::Deleting);
    // R20, R21, R69, R82
    assert_eq!(code(service.vault_delete(cx, vault).await), 6112);
    assert_eq!(code(service.backup_delete(cx, backup).await), 6201);
    assert_eq!(code(world.back_up(vault).await), 6113);
    assert_eq!(code(service.backup_restore(cx, backup, to_disk(disk)).await), 6202);
    assert_eq!(code(service.vault_add_resources(cx, vault, vec![resource(disk)]).await), 6112);
    assert_eq!(code(service.vault_remove_resources(cx, vault, vec![disk]).await), 6112);
    let tag = strongroom_model::Tag::parse("a", None).unwrap();
    assert_eq!(code(service.vault_tag_set(cx, vault, tag).await), 6112);
    world.work();
    world.settle().await;
    let (service, cx) = (&world.service, &world.cx);
    assert_eq!(code(service.vault_get(cx, vault).await), 6105);
    assert_eq!(code(service.backup_get(cx, backup).await), 6200);
    assert_eq!(world.protect_status(disk).await, None);
    assert!(world.manifests(vault).await.is_empty());
    let task = world.tasks().await.remove(0);
    assert_eq!((task.kind, task.status), (TaskKind::VaultDelete, TaskStatus::Success));
    let deletions = task.details.deletions.unwrap();
    assert_eq!((deletions.total, deletions.failed), (2, 0));
    let repositories = world.scratch.db.repository_page_all(None, 10).await.unwrap();
    assert!(repositories[0].retired_at.is_some());
    // The disk may go into another vault at once.
    world.vault(&[disk]).await;
}

async fn deletion_that_nobody_began_can_be_cancelled(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 70_000)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup.id;
    for kind in [TaskKind::Delete, TaskKind::RemoveResource, TaskKind::VaultDelete] {
        world.crash().await;
        let (service, cx) = (&world.service, &world.cx);
        match kind {
            TaskKind::Delete => service.backup_delete(cx, backup).await.unwrap(),
            TaskKind::RemoveResource => {
                service.vault_remove_resources(cx, vault, vec![disk]).await.unwrap();
                assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Removing));
            }
            _ => service.vault_delete(cx, vault).await.unwrap(),
        }
        let task = world.tasks().await.remove(0);
        assert_eq!(task.kind, kind);
        service.task_cancel(cx, task.id).await.unwrap();
        world.work();
        world.settle().await;
        assert_eq!(world.task(task.id).await.status, TaskStatus::Cancelled);
        let (service, cx) = (&world.service, &world.cx);
        let view = service.vault_get(cx, vault).await.unwrap();
        assert_eq!(view.vault.status, VaultStatus::Available);
        assert_eq!(world.backup(backup).await.backup.status, BackupStatus::Available);
        assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Available));
        assert_eq!(world.manifests(vault).await.len(), 1);
        assert!(view.used.0 > 0);
    }
    world.backed_up(vault).await;
    assert_eq!(world.backups(BackupFilter::default()).await.len(), 2);
}
