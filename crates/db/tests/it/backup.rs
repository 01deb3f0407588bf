//! Single backups and runs: kept whole, with their children, and not seen by other projects.

use strongroom_base::ids::SessionId;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::DbError;
use strongroom_db::dialect::Dialect;
use strongroom_model::backup::{
    Backup, BackupName, BackupSource, BackupStatus, BackupView, ImageType,
};
use strongroom_model::checkpoint::{Checkpoint, LeftOut};
use strongroom_model::description::Description;
use strongroom_model::resource::{ResourceName, ResourceType};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{BackupId, CheckpointId};

use crate::on_both;
use crate::world::{
    ODD, OTHER, PROJECT, backup, backup_id, bytes, checkpoint, child, resource_id, vault, vault_id,
    with_backups, with_vaults, write,
};

on_both!(
    backup_is_kept_whole,
    backup_of_another_project_is_not_there,
    children_keep_the_order_of_the_disks,
    children_go_with_their_parent,
    many_backups_are_inserted_at_once,
    status_is_set_for_all_or_none,
    backups_are_found_by_what_they_belong_to,
    page_of_all_has_whole_backups_of_all_projects,
    expired_backups_come_in_their_order,
    checkpoint_is_kept_whole,
    checkpoint_goes_with_its_last_backup,
    of_the_last_two_backups_the_second_to_go_takes_the_checkpoint,
    vault_with_backups_stays,
);

/// A backup in which no column has what the others have.
fn odd(number: u64) -> Backup {
    Backup {
        name: BackupName::parse(ODD).unwrap(),
        description: Description::parse(&ODD.replace(['<', '>'], "")).unwrap(),
        status: BackupStatus::WaitingProtect,
        image_type: ImageType::Replication,
        source: BackupSource {
            id: resource_id(77),
            resource_type: ResourceType::Server,
            name: ResourceName::parse(ODD).unwrap(),
            size_gigabytes: i64::MAX as u64,
            zone: Some(AvailabilityZone::parse("zone \u{9501}").unwrap()),
        },
        is_automatic: true,
        is_incremental: true,
        is_encrypted: true,
        is_system_disk: true,
        created_at: Timestamp(i64::MAX as u64),
        updated_at: Timestamp(0),
        protected_at: Some(Timestamp(0)),
        expires_at: Some(Timestamp(i64::MAX as u64)),
        manifest_id: Some(SessionId([7; 16])),
        stored: ByteCount(i64::MAX as u64),
        ..backup(number)
    }
}

async fn backup_is_kept_whole(dialect: Dialect) {
    let scratch = with_backups(dialect, &[odd(1), backup(2)]).await;
    let db = &scratch.db;
    let view = |backup| Some(BackupView { backup, children: Vec::new() });
    assert_eq!(db.backup_get(PROJECT, backup_id(1)).await.unwrap(), view(odd(1)));
    let none = Backup { protected_at: None, ..backup(2) };
    write(db, async |tx| tx.backup_update(&none).await.unwrap()).await;
    assert_eq!(db.backup_get(PROJECT, backup_id(2)).await.unwrap(), view(none));
    let changed = Backup {
        image_type: ImageType::Backup,
        source: BackupSource {
            id: resource_id(2),
            resource_type: ResourceType::Disk,
            ..odd(2).source
        },
        is_automatic: false,
        created_at: backup(2).created_at,
        ..odd(2)
    };
    write(db, async |tx| {
        tx.backup_update(&changed).await.unwrap();
        let locked = tx.backup_lock(Some(PROJECT), backup_id(2)).await.unwrap();
        assert_eq!(locked.as_ref(), Some(&changed));
        let absent = tx.backup_update(&backup(7)).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
        let again = tx.backup_lock(None, backup_id(2)).await.unwrap();
        assert_eq!(again, locked);
    })
    .await;
    assert_eq!(db.backup_get(PROJECT, backup_id(2)).await.unwrap(), view(changed));
}

async fn backup_of_another_project_is_not_there(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), child(2, 1)]).await;
    let db = &scratch.db;
    for id in [backup_id(1), backup_id(2)] {
        assert_eq!(db.backup_get(OTHER, id).await.unwrap(), None);
        assert!(db.backup_get(PROJECT, id).await.unwrap().is_some());
    }
    assert_eq!(db.checkpoint_get(OTHER, checkpoint(1).id).await.unwrap(), None);
    let tx = db.begin().await.unwrap();
    assert_eq!(tx.backup_lock(Some(OTHER), backup_id(1)).await.unwrap(), None);
}

async fn children_keep_the_order_of_the_disks(dialect: Dialect) {
    let backups = [backup(5), backup(9), child(8, 5), child(3, 9), child(1, 5), child(4, 5)];
    let scratch = with_backups(dialect, &backups).await;
    let db = &scratch.db;
    let view = db.backup_get(PROJECT, backup_id(5)).await.unwrap().unwrap();
    assert_eq!(view.children, [child(8, 5), child(1, 5), child(4, 5)]);
    let of_a_child = db.backup_get(PROJECT, backup_id(3)).await.unwrap().unwrap();
    assert_eq!((of_a_child.backup, of_a_child.children), (child(3, 9), vec![]));
    let tx = db.begin().await.unwrap();
    assert_eq!(tx.backup_children(&[backup_id(9)]).await.unwrap(), [child(3, 9)]);
    assert!(tx.backup_children(&[backup_id(3)]).await.unwrap().is_empty());
}

// proves: DB-9
async fn children_go_with_their_parent(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), child(2, 1), child(3, 1)]).await;
    let db = &scratch.db;
    write(db, async |tx| {
        assert!(tx.backup_delete(backup_id(3)).await.unwrap());
        assert_eq!(tx.backup_children(&[backup_id(1)]).await.unwrap(), [child(2, 1)]);
        assert!(tx.backup_delete(backup_id(1)).await.unwrap());
        assert!(!tx.backup_delete(backup_id(1)).await.unwrap());
    })
    .await;
    assert_eq!(db.backup_get(PROJECT, backup_id(2)).await.unwrap(), None);
}

async fn many_backups_are_inserted_at_once(dialect: Dialect) {
    // More than one statement takes.
    let mut backups = vec![backup(1)];
    backups.extend((2..1300).map(|number| child(number, 1)));
    let scratch = with_backups(dialect, &backups).await;
    let view = scratch.db.backup_get(PROJECT, backup_id(1)).await.unwrap().unwrap();
    assert!(view.children == backups[1..], "in their order");
    write(&scratch.db, async |tx| tx.backup_insert(&[]).await.unwrap()).await;
}

async fn status_is_set_for_all_or_none(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), backup(2), backup(3)]).await;
    let db = &scratch.db;
    let (ids, status) = ([backup_id(1), backup_id(2)], BackupStatus::WaitingDelete);
    write(db, async |tx| {
        tx.backup_set_status(&ids, status, Timestamp(99)).await.unwrap();
        tx.backup_set_status(&[], status, Timestamp(99)).await.unwrap();
    })
    .await;
    let changed = |number| Backup { status, updated_at: Timestamp(99), ..backup(number) };
    let tx = db.begin().await.unwrap();
    let list = tx.backup_list_of_checkpoint(checkpoint(1).id).await.unwrap();
    assert_eq!(list, [changed(1), changed(2), backup(3)]);
    let some = [backup_id(3), backup_id(7)];
    let absent = tx.backup_set_status(&some, status, Timestamp(99)).await;
    assert!(matches!(absent, Err(DbError::Affected { expected: 2, actual: 1, .. })), "{absent:?}");
}

async fn backups_are_found_by_what_they_belong_to(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1), vault(2)]).await;
    let db = &scratch.db;
    let run = Checkpoint { vault_id: vault_id(2), ..checkpoint(2) };
    let source = BackupSource { id: resource_id(1), ..backup(1).source };
    let elsewhere = Backup {
        checkpoint_id: run.id,
        vault_id: run.vault_id,
        source: source.clone(),
        ..backup(4)
    };
    // In this order, which is that of the run; 6 was made before 2 by its time.
    let first = Backup { source, created_at: Timestamp(0), ..backup(6) };
    let insert = [backup(2), first.clone(), child(3, 2)];
    write(db, async |tx| {
        tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
        tx.checkpoint_insert(&run).await.unwrap();
        tx.backup_insert(&insert).await.unwrap();
        tx.backup_insert(std::slice::from_ref(&elsewhere)).await.unwrap();
    })
    .await;
    let tx = db.begin().await.unwrap();
    let of_vault = tx.backup_list_of_vault(vault_id(1)).await.unwrap();
    assert_eq!(of_vault, [first.clone(), backup(2)]);
    let of_resource = tx.backup_list_of_resources(&[resource_id(1)]).await.unwrap();
    assert_eq!(of_resource, [first.clone(), elsewhere.clone()]);
    assert!(tx.backup_list_of_resources(&[resource_id(3)]).await.unwrap().is_empty(), "a child's");
    let of_run = tx.backup_list_of_checkpoint(checkpoint(1).id).await.unwrap();
    assert_eq!(of_run, [backup(2), first]);
    drop(tx);
    assert_eq!(db.backup_list_of_checkpoint(checkpoint(1).id).await.unwrap(), of_run);
    assert_eq!(db.backup_list_of_checkpoint(run.id).await.unwrap(), [elsewhere]);
}

async fn page_of_all_has_whole_backups_of_all_projects(dialect: Dialect) {
    let other = Backup { project_id: OTHER, ..backup(4) };
    let backups = [backup(5), child(2, 5), backup(1), other, backup(3)];
    let scratch = with_backups(dialect, &backups).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = scratch.db.backup_page_all(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|backup| backup.id));
    }
    assert_eq!(seen, [1, 3, 4, 5].map(backup_id));
}

async fn expired_backups_come_in_their_order(dialect: Dialect) {
    let until = |number, at| Backup { expires_at: Some(Timestamp(at)), ..backup(number) };
    let going = Backup { status: BackupStatus::WaitingDelete, ..until(5, 1) };
    let part = Backup { expires_at: Some(Timestamp(1)), ..child(7, 4) };
    let backups = [until(1, 30), until(2, 10), until(3, 20), backup(4), going, until(6, 10), part];
    let scratch = with_backups(dialect, &backups).await;
    let check = async |now: u64, limit: u64, expected: &[u64]| {
        let expired = scratch.db.backup_expired(Timestamp(now), limit).await.unwrap();
        let expired: Vec<BackupId> = expired.iter().map(|backup| backup.id).collect();
        let expected: Vec<BackupId> = expected.iter().copied().map(backup_id).collect();
        assert_eq!(expired, expected, "at {now}");
    };
    check(9, 10, &[]).await;
    check(10, 10, &[2, 6]).await;
    check(29, 10, &[2, 6, 3]).await;
    check(30, 10, &[2, 6, 3, 1]).await;
    check(30, 2, &[2, 6]).await;
}

async fn checkpoint_is_kept_whole(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let skipped = LeftOut {
        id: resource_id(1),
        resource_type: ResourceType::Server,
        name: ResourceName::parse(ODD).unwrap(),
        code: "BackupService.0001".to_owned(),
        reason: ODD.to_owned(),
    };
    let odd = Checkpoint {
        name: BackupName::parse(ODD).unwrap(),
        description: Description::parse(ODD).unwrap(),
        is_automatic: true,
        retention_days: Some(u32::MAX),
        skipped: vec![skipped.clone(), skipped],
        created_at: Timestamp(i64::MAX as u64),
        ..checkpoint(2)
    };
    write(&scratch.db, async |tx| {
        tx.checkpoint_insert(&odd).await.unwrap();
        tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
    })
    .await;
    for checkpoint in [odd, checkpoint(1)] {
        let found = scratch.db.checkpoint_get(PROJECT, checkpoint.id).await.unwrap();
        assert_eq!(found, Some(checkpoint));
    }
}

async fn checkpoint_goes_with_its_last_backup(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), child(2, 1)]).await;
    let id = checkpoint(1).id;
    write(&scratch.db, async |tx| {
        assert!(!tx.checkpoint_delete_if_empty(id).await.unwrap());
        tx.backup_delete(backup_id(1)).await.unwrap();
        assert!(tx.checkpoint_delete_if_empty(id).await.unwrap());
        assert!(!tx.checkpoint_delete_if_empty(id).await.unwrap());
        assert!(!tx.checkpoint_delete_if_empty(CheckpointId(bytes(9))).await.unwrap());
    })
    .await;
    assert_eq!(scratch.db.checkpoint_get(PROJECT, id).await.unwrap(), None);
}

async fn of_the_last_two_backups_the_second_to_go_takes_the_checkpoint(dialect: Dialect) {
    for _ in 0..5 {
        let scratch = with_backups(dialect, &[backup(1), backup(2)]).await;
        let remove = async |number| {
            write(&scratch.db, async |tx| {
                tx.backup_delete(backup_id(number)).await.unwrap();
                tx.checkpoint_delete_if_empty(checkpoint(1).id).await.unwrap()
            })
            .await
        };
        let (one, two) = tokio::join!(remove(1), remove(2));
        assert!(one != two, "one of them");
    }
}

// proves: DB-9
async fn vault_with_backups_stays(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1)]).await;
    let db = &scratch.db;
    let tx = db.begin().await.unwrap();
    assert!(tx.vault_delete(vault_id(1)).await.is_err());
    drop(tx);
    // A run that left nothing does not hold its vault.
    write(db, async |tx| {
        tx.backup_delete(backup_id(1)).await.unwrap();
        assert!(tx.vault_delete(vault_id(1)).await.unwrap());
    })
    .await;
    assert_eq!(db.checkpoint_get(PROJECT, checkpoint(1).id).await.unwrap(), None);
}
