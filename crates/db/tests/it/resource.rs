//! Resources in vaults.

use strongroom_base::ByteCount;
use strongroom_db::DbError;
use strongroom_db::dialect::Dialect;
use strongroom_model::resource::{
    BoundResource, IncludedVolume, ProtectStatus, ResourceName, ResourceType, ResourceUse,
    VolumeSelection,
};

use crate::on_both;
use crate::world::{ODD, OTHER, PROJECT, bound, resource_id, vault, vault_id, with_vaults, write};

on_both!(
    resource_is_kept_whole,
    resources_of_vaults_keep_their_order,
    resource_is_in_one_vault_at_most,
    backups_of_a_resource_are_counted,
    vault_with_resources_stays,
);

fn odd(number: u64) -> BoundResource {
    BoundResource {
        resource_type: ResourceType::Server,
        name: ResourceName::parse(ODD).unwrap(),
        size_gigabytes: i64::MAX as u64,
        volumes: VolumeSelection {
            exclude: vec![resource_id(8)],
            include: vec![IncludedVolume { id: resource_id(9), os_version: Some(ODD.to_owned()) }],
        },
        status: ProtectStatus::Removing,
        ..bound(number)
    }
}

async fn resource_is_kept_whole(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let db = &scratch.db;
    write(db, async |tx| tx.bound_insert(&[odd(1), bound(2)], PROJECT).await.unwrap()).await;
    assert_eq!(db.bound_find(&[resource_id(1), resource_id(7)]).await.unwrap(), [odd(1)]);
    let changed = BoundResource { resource_type: ResourceType::Disk, ..odd(2) };
    write(db, async |tx| {
        tx.bound_update(&changed).await.unwrap();
        tx.bound_set_status(&[resource_id(2), resource_id(7)], ProtectStatus::Error).await.unwrap();
        let absent = tx.bound_update(&bound(7)).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
        let changed = BoundResource { status: ProtectStatus::Error, ..changed };
        assert_eq!(tx.bound_find(&[resource_id(2)]).await.unwrap(), [changed]);
    })
    .await;
    write(db, async |tx| {
        assert_eq!(tx.bound_delete(&[resource_id(1), resource_id(7)]).await.unwrap(), 1);
        assert_eq!(tx.bound_delete(&[]).await.unwrap(), 0);
    })
    .await;
    assert!(db.bound_find(&[resource_id(1)]).await.unwrap().is_empty());
    assert!(db.bound_find(&[]).await.unwrap().is_empty());
}

async fn resources_of_vaults_keep_their_order(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1), vault(2), vault(3)]).await;
    let db = &scratch.db;
    let of = |number, vault| BoundResource { vault_id: vault_id(vault), ..bound(number) };
    write(db, async |tx| {
        tx.bound_insert(&[of(9, 2), of(5, 1), of(7, 2)], PROJECT).await.unwrap();
        tx.bound_insert(&[of(6, 2), of(1, 3), of(4, 1)], PROJECT).await.unwrap();
        tx.bound_insert(&[], PROJECT).await.unwrap();
        tx.bound_delete(&[resource_id(7)]).await.unwrap();
    })
    .await;
    write(db, async |tx| {
        tx.bound_insert(&[of(2, 2)], PROJECT).await.unwrap();
        // A row that changed may lie elsewhere now.
        tx.bound_set_status(&[resource_id(9)], ProtectStatus::Error).await.unwrap();
    })
    .await;
    let numbers = |list: Vec<ResourceUse>| -> Vec<_> {
        list.iter().map(|of| (of.resource.vault_id.0[15], of.resource.id.0[15])).collect()
    };
    let list = db.bound_list(&[vault_id(2), vault_id(1)]).await.unwrap();
    assert_eq!(numbers(list), [(1, 5), (1, 4), (2, 9), (2, 6), (2, 2)]);
    assert!(db.bound_list(&[]).await.unwrap().is_empty());
    let (found, content) = db.vault_get_bound(PROJECT, vault_id(2)).await.unwrap().unwrap();
    assert_eq!((found.vault, numbers(content)), (vault(2), vec![(2, 9), (2, 6), (2, 2)]));
    let asked = [resource_id(2), resource_id(4), resource_id(9), resource_id(7)];
    let vaults = db.bound_vaults(PROJECT, &asked).await.unwrap();
    let vaults: Vec<_> =
        vaults.into_iter().map(|(of, in_it)| (of.vault.id, numbers(in_it))).collect();
    let both = [vec![(1, 5), (1, 4)], vec![(2, 9), (2, 6), (2, 2)]];
    assert_eq!(vaults, [vault_id(1), vault_id(2)].into_iter().zip(both).collect::<Vec<_>>());
    assert!(db.bound_vaults(OTHER, &asked).await.unwrap().is_empty());
    assert!(db.vault_get_bound(OTHER, vault_id(2)).await.unwrap().is_none());
    let tx = db.begin().await.unwrap();
    assert_eq!(numbers(tx.bound_list(vault_id(3)).await.unwrap()), [(3, 1)]);
}

// proves: DB-5
async fn resource_is_in_one_vault_at_most(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1), vault(2)]).await;
    let db = &scratch.db;
    let elsewhere = BoundResource { vault_id: vault_id(2), ..bound(1) };
    let bind = async |resource: BoundResource| {
        let tx = db.begin().await?;
        tx.bound_insert(&[resource], PROJECT).await?;
        tx.commit().await
    };
    let (one, two) = tokio::join!(bind(bound(1)), bind(elsewhere));
    let refused = match (one, two) {
        (Ok(()), Err(refused)) | (Err(refused), Ok(())) => refused,
        both => panic!("{both:?}"),
    };
    assert!(matches!(refused, DbError::Conflict { query: "bound_insert" }), "{refused:?}");
    assert_eq!(db.bound_list(&[vault_id(1), vault_id(2)]).await.unwrap().len(), 1);
}

async fn backups_of_a_resource_are_counted(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let db = &scratch.db;
    write(db, async |tx| {
        tx.bound_insert(&[bound(1)], PROJECT).await.unwrap();
        assert!(tx.bound_count_backup(resource_id(1), 2, 1 << 40).await.unwrap());
        assert!(tx.bound_count_backup(resource_id(1), -1, -5).await.unwrap());
        assert!(!tx.bound_count_backup(resource_id(7), 1, 1).await.unwrap());
        // What clients change leaves it alone.
        tx.bound_update(&bound(1)).await.unwrap();
    })
    .await;
    let list = db.bound_list(&[vault_id(1)]).await.unwrap();
    let (backup_count, backup_bytes) = (1, ByteCount((1 << 40) - 5));
    assert_eq!(list, [ResourceUse { resource: bound(1), backup_count, backup_bytes }]);
}

// proves: DB-9
async fn vault_with_resources_stays(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let db = &scratch.db;
    write(db, async |tx| tx.bound_insert(&[bound(1)], PROJECT).await.unwrap()).await;
    let tx = db.begin().await.unwrap();
    assert!(tx.vault_delete(vault_id(1)).await.is_err());
    drop(tx);
    write(db, async |tx| {
        tx.bound_delete(&[resource_id(1)]).await.unwrap();
        assert!(tx.vault_delete(vault_id(1)).await.unwrap());
    })
    .await;
}
