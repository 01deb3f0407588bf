//! Runs: what they back up, what they leave out, and what is seen of them.

use std::path::Path;
use std::time::Duration;

use strongroom_control::cbr::{NewCheckpoint, NewResource};
use strongroom_db::dialect::Dialect;
use strongroom_model::Name;
use strongroom_model::audit::{AuditEvent, AuditOutcome};
use strongroom_model::backup::{BackupName, BackupStatus};
use strongroom_model::checkpoint::CheckpointStatus;
use strongroom_model::filter::BackupFilter;
use strongroom_model::resource::{ProtectStatus, VolumeSelection};
use strongroom_model::task::{Percent, TaskKind, TaskStatus};

use crate::cbr_resources::fake_server;
use crate::cbr_world::{PROJECT, World, code, new_checkpoint, noise, resource, server_resource};
use crate::on_both;

on_both!(
    disk_is_backed_up_and_again_what_changed,
    server_is_backed_up_with_its_disks,
    run_leaves_out_what_it_cannot_take,
    backup_of_a_disk_that_went_fails,
    cancelled_backup_disappears,
    newest_backup_stays_while_the_next_is_made,
    full_vault_takes_no_more,
);

async fn disk_is_backed_up_and_again_what_changed(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let mut bytes = noise(1, 3 << 20);
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    let new = NewCheckpoint {
        name: Some(Name::parse("mine").unwrap()),
        retention_days: Some(3),
        ..new_checkpoint(vault)
    };
    let made = world.service.checkpoint_create(&world.cx, new).await.unwrap();
    assert_eq!(made.status, CheckpointStatus::Protecting);
    assert_eq!(made.resources[0].resource.status, ProtectStatus::Protecting);
    assert_eq!(made.checkpoint.name.as_str(), "mine");
    let id = made.checkpoint.id;
    let shown = world.service.checkpoint_get(&world.cx, id).await.unwrap();
    assert_eq!((shown.status, &shown.checkpoint), (made.status, &made.checkpoint));
    // One at a time (R68), and nothing goes meanwhile (R20, R38).
    let (service, cx) = (&world.service, &world.cx);
    assert_eq!(code(world.back_up(vault).await), 1);
    assert_eq!(code(service.vault_remove_resources(cx, vault, vec![disk]).await), 6125);
    assert_eq!(code(service.vault_delete(cx, vault).await), 6125);
    assert_eq!(code(service.resource_remove(cx, disk).await), 6125);
    let waiting = world.tasks().await.remove(0);
    assert_eq!((waiting.status, waiting.started_at), (TaskStatus::Waiting, None));
    world.work();
    world.settle().await;
    let (service, cx) = (&world.service, &world.cx);
    let shown = service.checkpoint_get(cx, id).await.unwrap();
    assert_eq!(shown.status, CheckpointStatus::Available);
    assert_eq!(shown.resources[0].resource.status, ProtectStatus::Available);
    let filter = BackupFilter { checkpoint_id: Some(id), ..BackupFilter::default() };
    let first = world.backups(filter).await.remove(0).backup;
    assert_eq!((first.name.as_str(), first.status), ("mine", BackupStatus::Available));
    assert_eq!((first.is_incremental, first.is_automatic), (false, false));
    let kept = first.expires_at.unwrap().since(first.created_at);
    assert_eq!(kept, Duration::from_hours(3 * 24));
    assert!(first.stored.0 >= 3 << 20 && first.protected_at.is_some());
    // 3.10
    let task = world.task(waiting.id).await;
    assert_eq!((task.kind, task.status), (TaskKind::Backup, TaskStatus::Success));
    assert_eq!((task.progress, &task.failure), (Percent::WHOLE, &None));
    assert_eq!(task.checkpoint_id, Some(id));
    assert_eq!(task.details.resource.as_ref().unwrap().id, disk);
    assert_eq!(task.details.backup.as_ref().unwrap().id, first.id);
    assert_eq!(service.vault_get(cx, vault).await.unwrap().used, first.stored);
    // The second one stores what changed.
    bytes[1 << 20..(1 << 20) + 65536].fill(7);
    world.fake.put("a", strongroom_model::disk::DiskImageFormat::Raw, bytes);
    let second = world.backed_up(vault).await.remove(0).backup;
    assert!(second.is_incremental && second.name.as_str().starts_with("manualbk_"));
    assert!(second.stored.0 < 1 << 20, "{}", second.stored.0);
    // R76: everything is read; the repository knows most of it all the same.
    let new = NewCheckpoint { is_incremental: false, ..new_checkpoint(vault) };
    world.service.checkpoint_create(&world.cx, new).await.unwrap();
    world.settle().await;
    let third = world.backups(BackupFilter::default()).await.remove(0).backup;
    assert!(!third.is_incremental && third.expires_at.is_none());
    assert_eq!(world.manifests(vault).await.len(), 3);
    let view = world.service.vault_get(&world.cx, vault).await.unwrap();
    assert_eq!(view.resources[0].backup_count, 3);
    assert_eq!(view.used.0, first.stored.0 + second.stored.0 + third.stored.0);
    assert_eq!(view.resources[0].backup_bytes, view.used);
}

async fn server_is_backed_up_with_its_disks(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let (server, disks) = fake_server(&world, 3).await;
    let vault = world.server_vault(&[server]).await;
    world.work();
    let volumes = VolumeSelection { exclude: vec![disks[1]], include: Vec::new() };
    let details = vec![NewResource { volumes, ..server_resource(server) }];
    let new = NewCheckpoint { details, ..new_checkpoint(vault) };
    world.service.checkpoint_create(&world.cx, new).await.unwrap();
    world.settle().await;
    // R70: one row in the list, the disks inside.
    let view = world.backups(BackupFilter::default()).await.remove(0);
    let of: Vec<_> = view.children.iter().map(|child| child.source.id).collect();
    assert_eq!(of, [disks[0], disks[2]]);
    assert_eq!(view.backup.source.size_gigabytes, 2);
    let is_system: Vec<_> = view.children.iter().map(|child| child.is_system_disk).collect();
    assert_eq!(is_system, [true, false]);
    let all = view.children.iter().chain([&view.backup]);
    assert!(all.clone().all(|one| one.status == BackupStatus::Available));
    assert!(all.clone().all(|one| one.protected_at.is_some()));
    let name = format!("{}_server-0", view.backup.name);
    assert_eq!(view.children[0].name.as_str(), name);
    // R80
    let child = world.backup(view.children[0].id).await;
    assert_eq!((child.backup.parent_id, child.children.len()), (Some(view.backup.id), 0));
    let of_parent = BackupFilter { parent_id: Some(view.backup.id), ..BackupFilter::default() };
    assert_eq!(world.backups(of_parent).await.len(), 2);
    assert_eq!(world.manifests(vault).await.len(), 1);
    let (service, cx) = (&world.service, &world.cx);
    // R81
    let name = BackupName::parse("other").unwrap();
    let renamed = service.backup_rename(cx, view.backup.id, name).await.unwrap();
    assert_eq!(renamed.backup.name.as_str(), "other");
    // R70
    assert_eq!(code(service.backup_delete(cx, child.backup.id).await), 6201);
    service.backup_delete(cx, view.backup.id).await.unwrap();
    world.settle().await;
    for id in [view.backup.id, child.backup.id] {
        assert_eq!(code(service.backup_get(cx, id).await), 6200);
    }
}

async fn run_leaves_out_what_it_cannot_take(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disks = [
        world.disk("a", vec![1; 512]).await,
        world.disk("b", vec![2; 512]).await,
        world.disk("c", vec![3; 512]).await,
        world.disk("d", vec![4; 512]).await,
    ];
    let [a, b, c, d] = disks;
    let vault = world.vault(&disks).await;
    world.fake.set_user(Path::new("/fake/b"), Some("a guest"));
    world.service.resource_remove(&world.cx, c).await.unwrap();
    // R40
    assert_eq!(world.protect_status(c).await, Some(ProtectStatus::Error));
    let checkpoint = world.back_up(vault).await.unwrap();
    let taken: Vec<_> = checkpoint.resources.iter().map(|one| one.resource.id).collect();
    assert_eq!(taken, [a, d]);
    let skipped = &checkpoint.checkpoint.skipped;
    let skipped: Vec<_> = skipped.iter().map(|one| (one.id, one.code.as_str())).collect();
    assert_eq!(skipped, [(b, "BackupService.7003"), (c, "BackupService.6215")]);
    world.work();
    world.settle().await;
    let backups = world.backups(BackupFilter::default()).await;
    let mut names: Vec<_> = backups.iter().map(|view| view.backup.name.to_string()).collect();
    names.sort_unstable();
    let run = &checkpoint.checkpoint.name;
    assert_eq!(names, [format!("{run}-0001"), format!("{run}-0002")]);
    let only = |resources: Vec<_>| NewCheckpoint { resources, ..new_checkpoint(vault) };
    let (service, cx) = (&world.service, &world.cx);
    assert_eq!(code(service.checkpoint_create(cx, only(vec![b, c])).await), 1);
    let unknown = strongroom_model::ResourceId([9; 16]);
    assert_eq!(code(service.checkpoint_create(cx, only(vec![a, unknown])).await), 6135);
    let empty = world.vault(&[]).await;
    assert_eq!(code(world.back_up(empty).await), 1);
    let records = world.scratch.db.audit_list(PROJECT, 4).await.unwrap();
    let refused = records.iter().filter(|one| one.outcome == AuditOutcome::Refused);
    let codes: Vec<_> = refused.filter_map(|one| one.code.clone()).collect();
    assert_eq!(codes, ["BackupService.0001", "BackupService.6135", "BackupService.0001"]);
}

async fn backup_of_a_disk_that_went_fails(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", vec![1; 512]).await;
    let vault = world.vault(&[disk]).await;
    world.fake.lose(Path::new("/fake/a"));
    let checkpoint = world.back_up(vault).await.unwrap().checkpoint.id;
    world.work();
    world.settle().await;
    let task = world.tasks().await.remove(0);
    assert_eq!((task.kind, task.status), (TaskKind::Backup, TaskStatus::Failed));
    assert!(task.failure.unwrap().code.starts_with("BackupService."));
    let backup = world.backups(BackupFilter::default()).await.remove(0).backup;
    assert_eq!((backup.status, backup.manifest_id), (BackupStatus::Error, None));
    assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Error));
    let (service, cx) = (&world.service, &world.cx);
    let shown = service.checkpoint_get(cx, checkpoint).await.unwrap();
    assert_eq!(shown.status, CheckpointStatus::Error);
    assert_eq!(
        code(service.backup_restore(cx, backup.id, crate::cbr_world::to_disk(disk)).await),
        2005
    );
    let records = world.scratch.db.audit_list(PROJECT, 1).await.unwrap();
    assert_eq!(records[0].event, AuditEvent::RestoreBackup);
    // Error is no end: the disk may come back.
    world.fake.put("a", strongroom_model::disk::DiskImageFormat::Raw, vec![2; 512]);
    assert_eq!(world.backed_up(vault).await.len(), 1);
    assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Available));
    service_deletes(&world, backup.id).await;
}

async fn service_deletes(world: &World, backup: strongroom_model::BackupId) {
    world.service.backup_delete(&world.cx, backup).await.unwrap();
    world.settle().await;
    assert_eq!(code(world.service.backup_get(&world.cx, backup).await), 6200);
}

// proves: CTL-12
async fn cancelled_backup_disappears(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let vault = world.vault(&[disk]).await;
    // One that nobody works on yet, and one that is being written.
    for is_running in [false, true] {
        let gate = world.gate.close("open_source", 1);
        let checkpoint = world.back_up(vault).await.unwrap().checkpoint.id;
        let task = world.tasks().await.remove(0).id;
        if is_running {
            gate.wait_for_caller().await;
        }
        let shown = world.service.task_cancel(&world.cx, task).await.unwrap();
        assert_eq!(shown.ended_at, None);
        gate.open();
        if !is_running {
            world.work();
        }
        world.settle().await;
        let task = world.task(task).await;
        assert_eq!(task.status, TaskStatus::Cancelled);
        let (service, cx) = (&world.service, &world.cx);
        assert_eq!(code(service.checkpoint_get(cx, checkpoint).await), 6217);
        assert!(world.backups(BackupFilter::default()).await.is_empty());
        assert!(world.manifests(vault).await.is_empty());
        assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Available));
        assert_eq!(service.vault_get(cx, vault).await.unwrap().used.0, 0);
        // What has ended cannot be cancelled, and nothing is told of it.
        let before = world.scratch.db.audit_list(PROJECT, 100).await.unwrap();
        let told = before.iter().filter(|one| one.event == AuditEvent::CancelTask).count();
        assert_eq!(service.task_cancel(cx, task.id).await.unwrap(), task);
        let after = world.scratch.db.audit_list(PROJECT, 100).await.unwrap();
        assert_eq!((told > 0, after.len()), (true, before.len()));
    }
}

async fn newest_backup_stays_while_the_next_is_made(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 1 << 20)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let old = world.backed_up(vault).await.remove(0).backup.id;
    let newest = world.backed_up(vault).await.remove(0).backup.id;
    let gate = world.gate.close("open_source", 1);
    let checkpoint = world.back_up(vault).await.unwrap().checkpoint.id;
    gate.wait_for_caller().await;
    let (service, cx) = (&world.service, &world.cx);
    // R74
    assert_eq!(code(service.backup_delete(cx, newest).await), 6201);
    let filter = BackupFilter { checkpoint_id: Some(checkpoint), ..BackupFilter::default() };
    let running = world.backups(filter).await.remove(0).backup.id;
    assert_eq!(code(service.backup_delete(cx, running).await), 6201);
    service.backup_delete(cx, old).await.unwrap();
    assert_eq!(code(service.vault_add_resources(cx, vault, vec![resource(disk)]).await), 7006);
    gate.open();
    world.settle().await;
    service.backup_delete(cx, newest).await.unwrap();
    world.settle().await;
    assert_eq!(world.backups(BackupFilter::default()).await.len(), 1);
    assert_eq!(world.manifests(vault).await.len(), 1);
}

async fn full_vault_takes_no_more(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", vec![1; 512]).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup.id;
    let tx = world.scratch.db.begin().await.unwrap();
    tx.vault_set_used(vault, strongroom_base::ByteCount(100 << 30)).await.unwrap();
    tx.commit().await.unwrap();
    let (service, cx) = (&world.service, &world.cx);
    // R18, R6
    assert_eq!(code(world.back_up(vault).await), 6114);
    let smaller = strongroom_model::vault::VaultUpdate {
        size: Some(strongroom_model::vault::VaultSize::new(99).unwrap()),
        ..Default::default()
    };
    assert_eq!(code(service.vault_update(cx, vault, &smaller).await), 6101);
    // R17: one that grows is never full.
    let grows =
        strongroom_model::vault::VaultUpdate { is_auto_expand: Some(true), ..Default::default() };
    service.vault_update(cx, vault, &grows).await.unwrap();
    world.backed_up(vault).await;
    let view = service.vault_get(cx, vault).await.unwrap();
    assert_eq!(view.vault.size.gigabytes(), 125);
    service_deletes(&world, backup).await;
}
