//! Vaults: their life, their lock, their tags, and who may see them.

use strongroom_control::Error;
use strongroom_control::cbr::{NewVault, TagChange};
use strongroom_db::dialect::Dialect;
use strongroom_model::action::Action;
use strongroom_model::audit::{AuditEvent, AuditOutcome};
use strongroom_model::filter::VaultFilter;
use strongroom_model::page::Page;
use strongroom_model::tag::LooseKey;
use strongroom_model::task::{Percent, TaskKind, TaskStatus};
use strongroom_model::vault::{ObjectType, VaultSize, VaultStatus, VaultUpdate};
use strongroom_model::{BackupId, CheckpointId, Name, Role, Tag, Tags, TaskId, VaultId};

use crate::cbr_world::{OTHER, PROJECT, World, code, context, new_checkpoint, new_vault, resource};
use crate::on_both;

on_both!(
    vault_is_made_changed_and_deleted,
    locked_vault_stays_locked,
    tags_follow_the_contract,
    foreign_project_sees_nothing,
    reader_changes_nothing,
);

/// Events of the project with their outcomes, the oldest first.
async fn audit(world: &World) -> Vec<(AuditEvent, AuditOutcome, Option<String>)> {
    let records = world.scratch.db.audit_list(PROJECT, 100).await.unwrap();
    let told =
        |record: strongroom_model::audit::AuditRecord| (record.event, record.outcome, record.code);
    records.into_iter().rev().map(told).collect()
}

// proves: CTL-10
async fn vault_is_made_changed_and_deleted(dialect: Dialect) {
    use AuditEvent as E;
    use AuditOutcome::{Done, Refused};

    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let tag = |key, value| Tag::parse(key, Some(value)).unwrap();
    let tags = Tags::new(vec![tag("b", "1"), tag("a", "2")]).unwrap();
    let new = NewVault { tags, ..new_vault(ObjectType::Disk) };
    // R12, R13
    let made = service.vault_create(cx, new.clone()).await.unwrap();
    assert_eq!(made.vault.status, VaultStatus::Available);
    let id = made.vault.id;
    assert_eq!(service.vault_get(cx, id).await.unwrap(), made);
    let twin = service.vault_create(cx, new).await.unwrap();
    assert_ne!(twin.vault.id, id);
    // R15
    let update = VaultUpdate {
        name: Some(Name::parse("other").unwrap()),
        size: Some(VaultSize::new(20).unwrap()),
        ..VaultUpdate::default()
    };
    let updated = service.vault_update(cx, id, &update).await.unwrap();
    assert_eq!((updated.vault.name.as_str(), updated.vault.size.gigabytes()), ("other", 20));
    assert_eq!(updated.vault.tags, made.vault.tags);
    assert_eq!(service.vault_get(cx, id).await.unwrap(), updated);
    let same = service.vault_update(cx, id, &VaultUpdate::default()).await.unwrap();
    assert_eq!(same, updated);
    let list = service.vault_list(cx, &VaultFilter::default(), &Page::default()).await.unwrap();
    assert_eq!((list.count, list.vaults.len()), (2, 2));
    // R20, R22
    service.vault_delete(cx, id).await.unwrap();
    assert_eq!(code(service.vault_get(cx, id).await), 6105);
    assert_eq!(code(service.vault_delete(cx, id).await), 6105);
    assert_eq!(code(service.vault_update(cx, id, &update).await), 6105);
    let task = world.tasks().await.remove(0);
    assert_eq!((task.kind, task.status), (TaskKind::VaultDelete, TaskStatus::Success));
    assert_eq!((task.vault_id, task.vault_name.as_str()), (id, "other"));
    assert_eq!((task.progress, task.failure), (Percent::WHOLE, None));
    assert!(task.started_at.is_some() && task.ended_at.is_some());
    let deletions = task.details.deletions.unwrap();
    assert_eq!((deletions.total, deletions.failed), (0, 0));
    // CTL-10: reads leave no trace.
    let absent = Some("BackupService.6105".to_owned());
    let expected = [
        (E::CreateVault, Done, None),
        (E::CreateVault, Done, None),
        (E::UpdateVault, Done, None),
        (E::UpdateVault, Done, None),
        (E::DeleteVault, Done, None),
        (E::DeleteVault, Refused, absent.clone()),
        (E::UpdateVault, Refused, absent),
    ];
    assert_eq!(audit(&world).await, expected);
}

async fn locked_vault_stays_locked(dialect: Dialect) {
    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let disk = world.disk("a", vec![1; 70_000]).await;
    let vault = world.vault(&[disk]).await;
    let set = |locked| VaultUpdate { is_locked: Some(locked), ..VaultUpdate::default() };
    // R27
    service.vault_update(cx, vault, &set(true)).await.unwrap();
    service.vault_update(cx, vault, &set(true)).await.unwrap();
    let refused = service.vault_update(cx, vault, &set(false)).await.unwrap_err();
    let said = "vault not support to modify locked attribute from true to false.";
    assert!(refused.to_string().contains(said));
    assert_eq!(code::<()>(Err(refused)), 6110);
    // R28
    assert_eq!(code(service.vault_remove_resources(cx, vault, vec![disk]).await), 6110);
    assert!(world.protect_status(disk).await.is_some());
    // R31: nothing in it is kept by the lock.
    service.vault_delete(cx, vault).await.unwrap();
    assert!(world.protect_status(disk).await.is_none());
}

async fn tags_follow_the_contract(dialect: Dialect) {
    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let vault = world.vault(&[]).await;
    let tag = |key: &str, value: &str| Tag::parse(key, Some(value)).unwrap();
    service.vault_tag_set(cx, vault, tag("a", "1")).await.unwrap();
    service.vault_tag_set(cx, vault, tag("a", "2")).await.unwrap();
    let more = Tags::new(vec![tag("b", "3"), tag("a", "4")]).unwrap();
    service.vault_tags_change(cx, vault, TagChange::Create(more)).await.unwrap();
    let tags = service.vault_tags(cx, vault).await.unwrap();
    let found: Vec<_> =
        tags.as_slice().iter().map(|tag| (tag.key.to_string(), tag.value.to_string())).collect();
    assert_eq!(found, [("a".to_owned(), "4".to_owned()), ("b".to_owned(), "3".to_owned())]);
    // R4: the twenty-first is refused, and none of its request is set.
    let many = (0..19).map(|number| tag(&format!("k{number}"), "v")).collect();
    let many = TagChange::Create(Tags::new(many).unwrap());
    assert_eq!(code(service.vault_tags_change(cx, vault, many).await), 6600);
    assert_eq!(service.vault_tags(cx, vault).await.unwrap(), tags);
    let other = world.vault(&[]).await;
    service.vault_tag_set(cx, other, tag("a", "5")).await.unwrap();
    let all = service.project_tags(cx).await.unwrap();
    let all: Vec<_> = all.iter().map(|(key, values)| (key.as_str(), values.len())).collect();
    assert_eq!(all, [("a", 2), ("b", 1)]);
    // R102: of live vaults only.
    service.vault_delete(cx, other).await.unwrap();
    assert_eq!(service.project_tags(cx).await.unwrap()[0].1.len(), 1);
    let keys = ["a", "a", "none"].map(LooseKey::new).into();
    service.vault_tags_change(cx, vault, TagChange::Delete(keys)).await.unwrap();
    assert_eq!(code(service.vault_tag_delete(cx, vault, &LooseKey::new("a")).await), 6601);
    service.vault_tag_delete(cx, vault, &LooseKey::new(" b ")).await.unwrap();
    assert!(service.vault_tags(cx, vault).await.unwrap().as_slice().is_empty());
}

async fn foreign_project_sees_nothing(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", vec![1; 70_000]).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup;
    let task = world.tasks().await.remove(0).id;
    let (service, cx) = (&world.service, &context(OTHER, &[Role::Admin, Role::Operator]));
    let page = Page::default();
    let vaults = service.vault_list(cx, &VaultFilter::default(), &page).await.unwrap();
    assert_eq!((vaults.count, vaults.vaults.len()), (0, 0));
    let (filter, sort) = Default::default();
    let backups = service.backup_list(cx, &filter, &sort, &Page::default()).await.unwrap();
    assert_eq!((backups.count, backups.backups.len()), (0, 0));
    let tasks = service
        .task_list(cx, &strongroom_model::filter::TaskFilter::default(), &Page::default())
        .await
        .unwrap();
    assert_eq!((tasks.count, tasks.tasks.len()), (0, 0));
    let disks = service
        .disk_list(cx, &strongroom_model::filter::DiskFilter::default(), &Page::default())
        .await
        .unwrap();
    assert_eq!((disks.0.len(), disks.1), (0, 0));
    assert!(service.resource_list(cx).await.unwrap().is_empty());
    // What is there and what is not answer alike.
    let update = VaultUpdate::default();
    let key = LooseKey::new("a");
    for vault in [vault, VaultId([99; 16])] {
        assert_eq!(code(service.vault_get(cx, vault).await), 6105);
        assert_eq!(code(service.vault_update(cx, vault, &update).await), 6105);
        assert_eq!(code(service.vault_delete(cx, vault).await), 6105);
        assert_eq!(code(service.vault_tags(cx, vault).await), 6105);
        assert_eq!(code(service.vault_tag_delete(cx, vault, &key).await), 6105);
        assert_eq!(code(service.vault_remove_resources(cx, vault, vec![disk]).await), 6105);
        let add = service.vault_add_resources(cx, vault, vec![resource(disk)]).await;
        assert_eq!(code(add), 6105);
        assert_eq!(code(service.checkpoint_create(cx, new_checkpoint(vault)).await), 6105);
    }
    let restore = crate::cbr_world::to_disk(disk);
    for backup in [backup.id, BackupId([99; 16])] {
        assert_eq!(code(service.backup_get(cx, backup).await), 6200);
        assert_eq!(code(service.backup_delete(cx, backup).await), 6200);
        assert_eq!(code(service.backup_restore(cx, backup, restore.clone()).await), 6200);
    }
    for checkpoint in [backup.checkpoint_id, CheckpointId([99; 16])] {
        assert_eq!(code(service.checkpoint_get(cx, checkpoint).await), 6217);
    }
    for task in [task, TaskId([99; 16])] {
        assert_eq!(code(service.task_get(cx, task).await), 6500);
        assert_eq!(code(service.task_cancel(cx, task).await), 6500);
    }
    assert_eq!(code(service.disk_get(cx, disk).await), 7000);
    assert_eq!(code(service.disk_delete(cx, disk).await), 7000);
    assert_eq!(code(service.resource_show(cx, disk).await), 6302);
    assert_eq!(code(service.resource_remove(cx, disk).await), 6302);
    let get = service.protectable_get(cx, ObjectType::Disk, disk).await;
    assert_eq!(code(get), 7000);
    let own = service.vault_create(cx, new_vault(ObjectType::Disk)).await.unwrap().vault.id;
    assert_eq!(code(service.vault_add_resources(cx, own, vec![resource(disk)]).await), 7000);
    assert_eq!(world.backup(backup.id).await.backup, backup);
}

// proves: CTL-10
async fn reader_changes_nothing(dialect: Dialect) {
    let world = World::new(dialect).await;
    let vault = world.vault(&[]).await;
    let (service, cx) = (&world.service, &context(PROJECT, &[Role::Reader]));
    assert_eq!(service.vault_get(cx, vault).await.unwrap().vault.id, vault);
    let before = audit(&world).await.len();
    let refused = |result: Result<(), Error>, action| match result {
        Err(Error::Forbidden { action: missing }) => assert_eq!(missing, action),
        other => panic!("{other:?}"),
    };
    refused(service.vault_delete(cx, vault).await, Action::VaultDelete);
    let created = service.vault_create(cx, new_vault(ObjectType::Disk)).await;
    refused(created.map(drop), Action::VaultCreate);
    let run = service.checkpoint_create(cx, new_checkpoint(vault)).await;
    refused(run.map(drop), Action::VaultBackup);
    let told = audit(&world).await.split_off(before);
    let forbidden = Some("Forbidden".to_owned());
    let expected =
        [AuditEvent::DeleteVault, AuditEvent::CreateVault, AuditEvent::CreateVaultBackup]
            .map(|event| (event, AuditOutcome::Refused, forbidden.clone()));
    assert_eq!(told, expected);
    // Nobody adopts disks without being an operator.
    let cx = &context(PROJECT, &[Role::Admin]);
    let none = strongroom_model::ResourceId([9; 16]);
    refused(service.resource_remove(cx, none).await, Action::ResourceRemove);
}
