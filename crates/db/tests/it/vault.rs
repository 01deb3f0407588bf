//! Vaults: kept whole, listed by every filter, paged, and not seen by other projects.

use strongroom_base::ids::RepoId;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::{Db, DbError};
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::filter::VaultFilter;
use strongroom_model::name::AccountName;
use strongroom_model::page::Page;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::vault::{
    CloudType, Consistency, ObjectType, ProtectType, Vault, VaultKind, VaultSize, VaultStatus,
};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{Name, ProjectId, Tags, UserId};

use crate::on_both;
use crate::world::{OTHER, PROJECT, add_project, bound, vault, vault_id, with_vaults, write};

on_both!(
    vault_is_kept_whole,
    vault_of_another_project_is_not_there,
    list_obeys_every_filter,
    list_pages_meet_without_gap,
    update_of_a_vault_that_went_is_an_error,
    repository_is_noted_once,
    repository_that_falls_due_while_it_is_collected_stays_due,
    page_of_all_goes_over_projects,
    audit_record_goes_with_its_transaction,
);

async fn vault_is_kept_whole(dialect: Dialect) {
    let mut vault = vault(1);
    let scratch = with_vaults(dialect, std::slice::from_ref(&vault)).await;
    let db = &scratch.db;
    let found = db.vault_get(PROJECT, vault.id).await.unwrap().unwrap();
    assert_eq!((found.vault, found.repository, found.used.0), (vault.clone(), None, 0));
    vault.name = Name::parse("other").unwrap();
    vault.size = VaultSize::new(20).unwrap();
    vault.is_locked = true;
    vault.tags = Tags::default();
    vault.status = VaultStatus::Deleting;
    let tx = db.begin().await.unwrap();
    tx.vault_update(&vault).await.unwrap();
    let locked = tx.vault_lock(PROJECT, vault.id).await.unwrap();
    assert_eq!(locked.unwrap().vault, vault);
    tx.commit().await.unwrap();
    assert_eq!(db.vault_get(PROJECT, vault.id).await.unwrap().unwrap().vault, vault);
    let tx = db.begin().await.unwrap();
    assert!(tx.vault_delete(vault.id).await.unwrap());
    assert!(!tx.vault_delete(vault.id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.vault_get(PROJECT, vault.id).await.unwrap(), None);
}

async fn vault_of_another_project_is_not_there(dialect: Dialect) {
    let vault = vault(1);
    let scratch = with_vaults(dialect, std::slice::from_ref(&vault)).await;
    assert_eq!(scratch.db.vault_get(OTHER, vault.id).await.unwrap(), None);
    let tx = scratch.db.begin().await.unwrap();
    assert_eq!(tx.vault_lock(OTHER, vault.id).await.unwrap(), None);
    drop(tx);
    let (page, filter) = (Page::default(), VaultFilter::default());
    let list = scratch.db.vault_list(OTHER, &filter, &page).await.unwrap().unwrap();
    assert_eq!((list.vaults.len(), list.count), (0, 0));
    let after = Page::new(None, None, Some(vault.id)).unwrap();
    assert_eq!(scratch.db.vault_list(OTHER, &filter, &after).await.unwrap(), None);
}

/// The numbers of the vaults that are listed.
async fn listed(db: &Db, filter: VaultFilter) -> Vec<u8> {
    let list = db.vault_list(PROJECT, &filter, &Page::default()).await.unwrap().unwrap();
    let numbers: Vec<_> = list.vaults.iter().map(|stored| stored.vault.id.0[15]).collect();
    assert_eq!(list.count, numbers.len() as u64, "{filter:?}");
    numbers
}

async fn list_obeys_every_filter(dialect: Dialect) {
    let kind = VaultKind::new(ObjectType::Server, ProtectType::Replication, Consistency::Crash);
    let mut odd = vault(9);
    (odd.kind, odd.cloud_type, odd.status) = (kind.unwrap(), CloudType::Hybrid, VaultStatus::Error);
    odd.availability_zone = Some(AvailabilityZone::parse("eu-de-01").unwrap());
    let scratch = with_vaults(dialect, &[vault(1), vault(2), odd]).await;
    let db = &scratch.db;
    let all = VaultFilter::default;
    assert_eq!(listed(db, all()).await, [9, 2, 1]);
    let ids = vec![vault_id(2), vault_id(9), vault_id(8)];
    assert_eq!(listed(db, VaultFilter { ids, ..all() }).await, [9, 2]);
    let name = |name: &str| VaultFilter { name: Some(name.to_owned()), ..all() };
    assert_eq!(listed(db, name("vault-2")).await, [2]);
    assert!(listed(db, name("vault")).await.is_empty());
    assert!(listed(db, name("' OR 1=1 --")).await.is_empty());
    let object = Some(ObjectType::Server);
    assert_eq!(listed(db, VaultFilter { object, ..all() }).await, [9]);
    let protect = Some(ProtectType::Backup);
    assert_eq!(listed(db, VaultFilter { protect, ..all() }).await, [2, 1]);
    let cloud_type = Some(CloudType::Hybrid);
    assert_eq!(listed(db, VaultFilter { cloud_type, ..all() }).await, [9]);
    let status = Some(VaultStatus::Available);
    assert_eq!(listed(db, VaultFilter { status, ..all() }).await, [2, 1]);
    let resource_ids = vec!["0daac4c5-6707-4851-97ba-169e36266b66".parse().unwrap()];
    assert!(listed(db, VaultFilter { resource_ids, ..all() }).await.is_empty());
    write(db, async |tx| tx.bound_insert(&[bound(7)], PROJECT).await.unwrap()).await;
    let resource_ids = vec![bound(8).id, bound(7).id];
    assert_eq!(listed(db, VaultFilter { resource_ids, ..all() }).await, [1]);
    let zone = |zone: &str| VaultFilter { availability_zone: Some(zone.to_owned()), ..all() };
    assert_eq!(listed(db, zone("eu-de-01")).await, [9]);
    assert!(listed(db, zone("eu-de")).await.is_empty());
    let enterprise_project_id = Some(EnterpriseProjectId::DEFAULT);
    assert_eq!(listed(db, VaultFilter { enterprise_project_id, ..all() }).await, [9, 2, 1]);
}

async fn list_pages_meet_without_gap(dialect: Dialect) {
    // Two of each moment: the id decides between them.
    let vaults: Vec<_> = (1..=7).map(vault).collect();
    let scratch = with_vaults(dialect, &vaults).await;
    let filter = VaultFilter::default();
    let (mut by_marker, mut by_offset, mut marker) = (Vec::new(), Vec::new(), None);
    for offset in [0, 3, 6, 9] {
        let page = Page::new(Some(3), Some(offset), None).unwrap();
        let list = scratch.db.vault_list(PROJECT, &filter, &page).await.unwrap().unwrap();
        assert_eq!(list.count, 7);
        by_offset.extend(list.vaults.iter().map(|stored| stored.vault.id));
        let page = Page::new(Some(3), None, marker).unwrap();
        let list = scratch.db.vault_list(PROJECT, &filter, &page).await.unwrap().unwrap();
        by_marker.extend(list.vaults.iter().map(|stored| stored.vault.id));
        marker = list.vaults.last().map(|stored| stored.vault.id).or(marker);
    }
    let mut expected: Vec<_> = vaults.iter().map(|vault| (vault.created_at, vault.id)).collect();
    expected.sort_unstable_by_key(|it| std::cmp::Reverse(*it));
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!((by_offset, by_marker), (expected.clone(), expected));
}

async fn update_of_a_vault_that_went_is_an_error(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[]).await;
    let tx = scratch.db.begin().await.unwrap();
    let updated = tx.vault_update(&vault(1)).await;
    let is_named =
        matches!(updated, Err(DbError::Affected { query: "vault_update", expected: 1, actual: 0 }));
    assert!(is_named, "{updated:?}");
}

async fn repository_is_noted_once(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let db = &scratch.db;
    let (id, one, two) = (vault_id(1), RepoId([1; 16]), RepoId([2; 16]));
    write(db, async |tx| {
        tx.vault_set_repository(id, one).await.unwrap();
        tx.vault_set_repository(id, one).await.unwrap();
        tx.vault_set_used(id, ByteCount(7)).await.unwrap();
        let stored = tx.vault_lock_by_id(id).await.unwrap().unwrap();
        assert_eq!((stored.repository, stored.used), (Some(one), ByteCount(7)));
        assert_eq!(tx.vault_lock_by_id(vault_id(2)).await.unwrap(), None);
    })
    .await;
    write(db, async |tx| {
        let other = tx.vault_set_repository(id, two).await;
        assert!(matches!(other, Err(DbError::Affected { actual: 0, .. })), "{other:?}");
        let absent = tx.vault_set_used(vault_id(2), ByteCount(7)).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
    })
    .await;
    let stored = db.vault_get(PROJECT, id).await.unwrap().unwrap();
    assert_eq!(stored.repository, Some(one));
    // What clients change leaves both alone.
    write(db, async |tx| tx.vault_update(&stored.vault).await.unwrap()).await;
    assert_eq!(db.vault_get(PROJECT, id).await.unwrap(), Some(stored));
}

async fn repository_that_falls_due_while_it_is_collected_stays_due(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let (db, id, now) = (&scratch.db, vault_id(1), Timestamp(1_000_000));
    write(db, async |tx| tx.repository_insert(id, RepoId([1; 16])).await.unwrap()).await;
    let begin =
        async || write(db, async |tx| tx.repository_begin_collection(id).await.unwrap()).await;
    let end =
        async || write(db, async |tx| tx.repository_set_collected(id, now).await.unwrap()).await;
    let collected_at =
        async || db.repository_page_all(None, 1).await.unwrap().remove(0).collected_at;
    begin().await;
    assert!(collected_at().await < Some(now), "whoever collects may die");
    write(db, async |tx| tx.repository_make_due(id).await.unwrap()).await;
    end().await;
    assert_eq!(collected_at().await, None);
    begin().await;
    end().await;
    assert_eq!(collected_at().await, Some(now));
}

async fn page_of_all_goes_over_projects(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(2), vault(3)]).await;
    let third = ProjectId([9; 16]);
    write(&scratch.db, async |tx| {
        add_project(tx, third, "eu-de_third").await;
        tx.vault_insert(&Vault { project_id: third, ..vault(1) }).await.unwrap();
    })
    .await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = scratch.db.vault_page_all(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.vault.id);
        seen.extend(page.iter().map(|stored| stored.vault.id));
    }
    assert_eq!(seen, [vault_id(1), vault_id(2), vault_id(3)]);
}

async fn audit_record_goes_with_its_transaction(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[]).await;
    let db = &scratch.db;
    let user = Actor::User { id: UserId([3; 16]), name: AccountName::parse("ann").unwrap() };
    let record = |at, actor| AuditRecord {
        at: Timestamp(at),
        event: AuditEvent::CreateVault,
        subject_id: Some("an id".to_owned()),
        subject_name: None,
        outcome: AuditOutcome::Done,
        code: None,
        actor,
        project_id: PROJECT,
        request_id: Some("req-1".to_owned()),
    };
    let tx = db.begin().await.unwrap();
    tx.audit_insert(&record(1, user.clone())).await.unwrap();
    drop(tx);
    let tx = db.begin().await.unwrap();
    tx.audit_insert(&record(2, user.clone())).await.unwrap();
    tx.audit_insert(&record(2, Actor::Service)).await.unwrap();
    tx.commit().await.unwrap();
    let found = db.audit_list(PROJECT, 10).await.unwrap();
    assert_eq!(found, [record(2, Actor::Service), record(2, user)]);
    assert!(db.audit_list(OTHER, 10).await.unwrap().is_empty());
}
