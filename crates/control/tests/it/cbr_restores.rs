//! Restores: what is written where, what is refused, and what a broken one leaves behind.

use std::path::Path;

use strongroom_db::dialect::Dialect;
use strongroom_model::backup::{BackupStatus, Mapping};
use strongroom_model::disk::{DiskImageFormat, DiskStatus};
use strongroom_model::filter::BackupFilter;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::{TaskKind, TaskStatus};
use strongroom_model::{ResourceId, TaskId};

use crate::cbr_resources::fake_server;
use crate::cbr_world::{World, code, new_checkpoint, noise, to_disk, to_server};
use crate::on_both;

on_both!(
    disk_gets_its_old_bytes_back,
    server_gets_its_disks_back_or_one_to_another,
    restore_to_the_wrong_target_is_refused,
    cancelled_restore_marks_the_disk_until_another_succeeds,
    restore_and_backup_of_one_disk_exclude_each_other,
);

async fn disk_gets_its_old_bytes_back(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let bytes = noise(1, 1 << 20);
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup;
    world.fake.put("a", DiskImageFormat::Raw, noise(2, 1 << 20));
    let gate = world.gate.close("open_target", 1);
    let (service, cx) = (&world.service, &world.cx);
    let task = service.backup_restore(cx, backup.id, to_disk(disk)).await.unwrap();
    gate.wait_for_caller().await;
    // R89, R90
    let shown = world.task(task).await;
    assert_eq!((shown.kind, shown.status), (TaskKind::Restore, TaskStatus::Running));
    assert_eq!(shown.details.resource.unwrap().id, disk);
    assert_eq!(world.backup(backup.id).await.backup.status, BackupStatus::Restoring);
    assert_eq!(world.disk_status(disk).await, DiskStatus::RestoringBackup);
    assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Restoring));
    // R74, R82, R86, R20, R38
    assert_eq!(code(service.backup_delete(cx, backup.id).await), 6216);
    assert_eq!(code(service.backup_restore(cx, backup.id, to_disk(disk)).await), 2005);
    assert_eq!(code(service.vault_delete(cx, vault).await), 6125);
    assert_eq!(code(service.vault_remove_resources(cx, vault, vec![disk]).await), 6125);
    assert_eq!(code(world.back_up(vault).await), 1);
    assert_eq!(code(service.resource_remove(cx, disk).await), 6125);
    gate.open();
    world.settle().await;
    assert_eq!(world.task(task).await.status, TaskStatus::Success);
    assert_eq!(world.fake.bytes(Path::new("/fake/a")).unwrap(), bytes);
    assert_eq!(world.backup(backup.id).await.backup.status, BackupStatus::Available);
    assert_eq!(world.disk_status(disk).await, DiskStatus::Available);
    assert_eq!(world.protect_status(disk).await, Some(ProtectStatus::Available));
}

async fn server_gets_its_disks_back_or_one_to_another(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let (server, disks) = fake_server(&world, 3).await;
    let vault = world.server_vault(&[server]).await;
    world.work();
    let view = world.backed_up(vault).await.remove(0);
    let change = |world: &World| {
        for number in 0..3 {
            let bytes = noise(number, 200_000);
            world.fake.put(&format!("server-{number}"), DiskImageFormat::Raw, bytes);
        }
    };
    let holds = |world: &World, number: u8, byte: u8| {
        let bytes = world.fake.bytes(Path::new(&format!("/fake/server-{number}"))).unwrap();
        bytes == vec![byte; 200_000]
    };
    change(&world);
    let (service, cx) = (&world.service, &world.cx);
    let gate = world.gate.close("open_target", 1);
    let task = service.backup_restore(cx, view.backup.id, to_server(server)).await.unwrap();
    gate.wait_for_caller().await;
    assert_eq!(world.disk_status(disks[1]).await, DiskStatus::RestoringBackup);
    let children = world.backup(view.backup.id).await.children;
    assert!(children.iter().all(|child| child.status == BackupStatus::Restoring));
    gate.open();
    world.settle().await;
    assert!((0..3).all(|number| holds(&world, number, number + 1)));
    // R85: nothing here could start it.
    let task = world.task(task).await;
    assert_eq!(task.status, TaskStatus::Success);
    assert!(task.details.note.is_some());
    assert_eq!(world.disk_status(disks[1]).await, DiskStatus::InUse);
    // R84: to another disk; the others stay.
    change(&world);
    let mut to_other = to_server(server);
    to_other.power_on = false;
    to_other.mappings = vec![Mapping { backup: view.children[1].id, disk: disks[2] }];
    let task = service.backup_restore(cx, view.backup.id, to_other).await.unwrap();
    assert_eq!(world.disk_status(disks[1]).await, DiskStatus::InUse);
    world.settle().await;
    assert!(holds(&world, 2, 2) && !holds(&world, 0, 1) && !holds(&world, 1, 2));
    assert_eq!(world.task(task).await.details.note, None);
    assert_eq!(world.backup(view.backup.id).await.backup.status, BackupStatus::Available);
}

async fn restore_to_the_wrong_target_is_refused(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let (server, disks) = fake_server(&world, 2).await;
    let (other_server, other_disks) = {
        let place = world.fake.put("other", DiskImageFormat::Raw, vec![1; 512]);
        world.server("other", vec![(place.path, DiskImageFormat::Raw)]).await
    };
    let [a, b] = [world.disk("a", vec![1; 512]).await, world.disk("b", vec![1; 512]).await];
    let servers = world.server_vault(&[server]).await;
    let vault = world.vault(&[a, disks[1]]).await;
    world.work();
    let of_server = world.backed_up(servers).await.remove(0);
    world.backed_up(vault).await;
    let (service, cx) = (&world.service, &world.cx);
    let of = async |resource| {
        let filter = BackupFilter { resource_id: Some(resource), ..BackupFilter::default() };
        world.backups(filter).await.remove(0).backup.id
    };
    let (of_a, of_attached) = (of(a).await, of(disks[1]).await);
    let restore = async |backup, new| code(service.backup_restore(cx, backup, new).await);
    // R83: what is not its source is not looked for.
    assert_eq!(restore(of_a, to_disk(b)).await, 2003);
    assert_eq!(restore(of_a, to_disk(ResourceId([9; 16]))).await, 2003);
    assert_eq!(restore(of_a, to_server(server)).await, 9900);
    assert_eq!(restore(of_attached, to_disk(disks[1])).await, 2011);
    // R84
    let id = of_server.backup.id;
    assert_eq!(restore(id, to_server(other_server)).await, 2003);
    assert_eq!(restore(id, to_disk(a)).await, 9900);
    assert_eq!(restore(id, to_server(a)).await, 7100);
    let mapped = |child: usize, disk| {
        let mappings = vec![Mapping { backup: of_server.children[child].id, disk }];
        strongroom_control::cbr::NewRestore { mappings, ..to_server(server) }
    };
    assert_eq!(restore(id, mapped(1, disks[0])).await, 2013);
    assert_eq!(restore(id, mapped(1, other_disks[0])).await, 2012);
    // Too small: the row says so.
    let tx = world.scratch.db.begin().await.unwrap();
    let small = world.disk_now(disks[1]).await;
    let small = strongroom_model::disk::Disk { size: strongroom_base::ByteCount(0), ..small };
    tx.disk_update(&small).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(restore(id, mapped(1, disks[1])).await, 2001);
    // Somebody runs it.
    world.fake.set_user(Path::new("/fake/server-0"), Some("a guest"));
    assert_eq!(restore(id, to_server(server)).await, 2008);
    world.fake.set_user(Path::new("/fake/a"), Some("a guest"));
    assert_eq!(restore(of_a, to_disk(a)).await, 2011);
    // None of all this was begun.
    assert!(world.tasks().await.iter().all(|task| task.kind == TaskKind::Backup));
    assert_eq!(world.backup(id).await.backup.status, BackupStatus::Available);
}

// proves: CTL-12
async fn cancelled_restore_marks_the_disk_until_another_succeeds(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let bytes = noise(1, 1 << 20);
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup.id;
    let (service, cx) = (&world.service, &world.cx);
    let broken = async |call, is_cancelled: bool| -> TaskId {
        let gate = world.gate.close("open_target", call);
        let task = service.backup_restore(cx, backup, to_disk(disk)).await.unwrap();
        gate.wait_for_caller().await;
        if is_cancelled {
            service.task_cancel(cx, task).await.unwrap();
        } else {
            world.fake.set_user(Path::new("/fake/a"), Some("a guest"));
        }
        gate.open();
        world.settle().await;
        world.fake.set_user(Path::new("/fake/a"), None);
        task
    };
    // Stopped before anything was written: the disk is as good as it was.
    let task = broken(1, true).await;
    assert_eq!(world.task(task).await.status, TaskStatus::Cancelled);
    assert_eq!(world.disk_status(disk).await, DiskStatus::Available);
    // 11b
    let task = broken(2, true).await;
    assert_eq!(world.task(task).await.status, TaskStatus::Cancelled);
    assert_eq!(world.disk_status(disk).await, DiskStatus::ErrorRestoring);
    assert_eq!(world.backup(backup).await.backup.status, BackupStatus::Available);
    assert_eq!(code(world.back_up(vault).await), 1);
    // One that never begins to write does not make it better.
    let task = broken(1, false).await;
    assert_eq!(world.task(task).await.status, TaskStatus::Failed);
    assert_eq!(world.disk_status(disk).await, DiskStatus::ErrorRestoring);
    let task = broken(1, true).await;
    assert_eq!(world.task(task).await.status, TaskStatus::Cancelled);
    assert_eq!(world.disk_status(disk).await, DiskStatus::ErrorRestoring);
    service.backup_restore(cx, backup, to_disk(disk)).await.unwrap();
    world.settle().await;
    assert_eq!(world.disk_status(disk).await, DiskStatus::Available);
    assert_eq!(world.fake.bytes(Path::new("/fake/a")).unwrap(), bytes);
    world.backed_up(vault).await;
}

async fn restore_and_backup_of_one_disk_exclude_each_other(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let (server, disks) = fake_server(&world, 2).await;
    let servers = world.server_vault(&[server]).await;
    let vault = world.vault(&disks[1..]).await;
    world.work();
    let backup = world.backed_up(servers).await.remove(0).backup.id;
    let (service, cx) = (&world.service, &world.cx);
    let gate = world.gate.close("open_source", 1);
    service.checkpoint_create(cx, new_checkpoint(vault)).await.unwrap();
    gate.wait_for_caller().await;
    // R86, through the other vault
    let refused = service.backup_restore(cx, backup, to_server(server)).await;
    assert_eq!(code(refused), 2002);
    gate.open();
    world.settle().await;
    let gate = world.gate.close("open_target", 1);
    service.backup_restore(cx, backup, to_server(server)).await.unwrap();
    gate.wait_for_caller().await;
    assert_eq!(code(world.back_up(vault).await), 1);
    assert_eq!(code(world.back_up(servers).await), 1);
    gate.open();
    world.settle().await;
    world.backed_up(vault).await;
    // A server with a disk that is half restored is not backed up, without that disk it is.
    let gate = world.gate.close("open_target", 3);
    let task = service.backup_restore(cx, backup, to_server(server)).await.unwrap();
    gate.wait_for_caller().await;
    service.task_cancel(cx, task).await.unwrap();
    gate.open();
    world.settle().await;
    assert_eq!(world.disk_status(disks[0]).await, DiskStatus::ErrorRestoring);
    assert_eq!(code(world.back_up(servers).await), 1);
}
