//! Lists of backups: every filter, every order, pages that meet.

use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Watched;
use strongroom_db::{BackupList, Db};
use strongroom_model::BackupId;
use strongroom_model::backup::{Backup, BackupName, BackupSource, BackupStatus, ImageType};
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::filter::{BackupFilter, Ownership, TimeWindow, VaultUsage};
use strongroom_model::page::Page;
use strongroom_model::resource::{ResourceName, ResourceType};
use strongroom_model::sort::{Direction, Sort, SortKey};
use strongroom_model::vault::{Vault, VaultSize};
use strongroom_model::zone::AvailabilityZone;

use crate::on_both;
use crate::world::{
    OTHER, PROJECT, backup, backup_id, checkpoint, child, resource_id, vault, vault_id,
    with_backups, with_vaults, write,
};

on_both!(
    list_has_whole_backups_with_their_children,
    list_of_another_project_is_empty,
    list_obeys_every_filter,
    list_narrows_by_how_full_the_vault_is,
    list_is_in_the_order_that_is_asked_for,
    list_costs_three_statements,
);

fn numbers(list: &BackupList) -> Vec<u8> {
    list.backups.iter().map(|view| view.backup.id.0[15]).collect()
}

async fn list(db: &Db, filter: &BackupFilter, sort: &Sort, page: &Page<BackupId>) -> BackupList {
    db.backup_list(PROJECT, filter, sort, page).await.unwrap().unwrap()
}

/// The numbers of the backups that are listed.
async fn listed(db: &Db, filter: BackupFilter) -> Vec<u8> {
    let list = list(db, &filter, &Sort::default(), &Page::default()).await;
    assert_eq!(list.count, list.backups.len() as u64, "{filter:?}");
    numbers(&list)
}

async fn list_has_whole_backups_with_their_children(dialect: Dialect) {
    let backups = [backup(1), backup(4), child(9, 4), child(2, 4), backup(6), child(3, 6)];
    let scratch = with_backups(dialect, &backups).await;
    let list =
        list(&scratch.db, &BackupFilter::default(), &Sort::default(), &Page::default()).await;
    assert_eq!((numbers(&list), list.count), (vec![6, 4, 1], 3));
    let children: Vec<_> = list.backups.iter().map(|view| view.children.clone()).collect();
    assert_eq!(children, [vec![child(3, 6)], vec![child(9, 4), child(2, 4)], vec![]]);
    let parent_id = Some(backup_id(4));
    assert_eq!(listed(&scratch.db, BackupFilter { parent_id, ..all() }).await, [9, 2]);
    let parent_id = Some(backup_id(1));
    assert!(listed(&scratch.db, BackupFilter { parent_id, ..all() }).await.is_empty());
}

fn all() -> BackupFilter {
    BackupFilter::default()
}

async fn list_of_another_project_is_empty(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), child(2, 1)]).await;
    let read = async |filter: BackupFilter, page: Page<BackupId>| {
        scratch.db.backup_list(OTHER, &filter, &Sort::default(), &page).await.unwrap()
    };
    for filter in [
        all(),
        BackupFilter { vault_id: Some(vault_id(1)), ..all() },
        BackupFilter { resource_id: Some(resource_id(1)), ..all() },
        BackupFilter { checkpoint_id: Some(checkpoint(1).id), ..all() },
        BackupFilter { parent_id: Some(backup_id(1)), ..all() },
    ] {
        let list = read(filter, Page::default()).await.unwrap();
        assert_eq!((list.backups.len(), list.count), (0, 0));
    }
    // Its id is as unknown as any.
    assert!(read(all(), Page::new(None, None, Some(backup_id(1))).unwrap()).await.is_none());
    assert!(read(all(), Page::new(None, None, Some(backup_id(7))).unwrap()).await.is_none());
}

async fn list_obeys_every_filter(dialect: Dialect) {
    let run = Checkpoint { vault_id: vault_id(2), ..checkpoint(2) };
    let odd = Backup {
        checkpoint_id: run.id,
        vault_id: run.vault_id,
        name: BackupName::parse("Backup_1").unwrap(),
        status: BackupStatus::Error,
        image_type: ImageType::Replication,
        source: BackupSource {
            id: resource_id(9),
            resource_type: ResourceType::Server,
            name: ResourceName::parse("a%").unwrap(),
            size_gigabytes: 1,
            zone: Some(AvailabilityZone::parse("eu-de-01").unwrap()),
        },
        is_incremental: true,
        ..backup(9)
    };
    let gone = Backup { status: BackupStatus::Deleting, ..backup(4) };
    let scratch = with_vaults(dialect, &[vault(1), vault(2)]).await;
    let db = &scratch.db;
    write(db, async |tx| {
        tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
        tx.checkpoint_insert(&run).await.unwrap();
        tx.backup_insert(&[backup(1), gone, odd, child(5, 1)]).await.unwrap();
    })
    .await;
    let check = async |filter: BackupFilter, expected: &[u8]| {
        assert_eq!(listed(db, filter.clone()).await, expected, "{filter:?}");
    };
    check(all(), &[9, 4, 1]).await;
    check(BackupFilter { checkpoint_id: Some(run.id), ..all() }, &[9]).await;
    check(BackupFilter { vault_id: Some(vault_id(1)), ..all() }, &[4, 1]).await;
    check(BackupFilter { resource_id: Some(resource_id(9)), ..all() }, &[9]).await;
    let name = |name: &str| BackupFilter { name: Some(name.to_owned()), ..all() };
    check(name("backup-1"), &[1]).await;
    check(name("Backup-1"), &[]).await;
    check(name("backup_1"), &[]).await;
    let resource_name = |it: &str| BackupFilter { resource_name: Some(it.to_owned()), ..all() };
    check(resource_name("disk"), &[4, 1]).await;
    check(resource_name("%"), &[]).await;
    check(resource_name("a%"), &[9]).await;
    let zone = |zone: &str| BackupFilter { resource_zone: Some(zone.to_owned()), ..all() };
    check(zone("eu-de-01"), &[9]).await;
    check(zone(""), &[]).await;
    let resource_type = |of| BackupFilter { resource_type: Some(of), ..all() };
    check(resource_type(ResourceType::Disk), &[4, 1]).await;
    check(resource_type(ResourceType::Server), &[9]).await;
    let image_type = |of| BackupFilter { image_type: Some(of), ..all() };
    check(image_type(ImageType::Backup), &[4, 1]).await;
    check(image_type(ImageType::Replication), &[9]).await;
    let statuses = |of: &[BackupStatus]| BackupFilter { statuses: of.to_vec(), ..all() };
    check(statuses(&[BackupStatus::Error]), &[9]).await;
    check(statuses(&[BackupStatus::Error, BackupStatus::Available]), &[9, 1]).await;
    let is_incremental = |is| BackupFilter { is_incremental: Some(is), ..all() };
    check(is_incremental(true), &[9]).await;
    check(is_incremental(false), &[4, 1]).await;
    let window = |from: Option<u64>, to: Option<u64>| {
        let created = TimeWindow { from: from.map(Timestamp), to: to.map(Timestamp) };
        BackupFilter { created, ..all() }
    };
    check(window(Some(2), None), &[9, 4]).await;
    check(window(None, Some(2)), &[4, 1]).await;
    check(window(Some(2), Some(2)), &[4]).await;
    check(window(Some(3), Some(2)), &[]).await;
    check(BackupFilter { ownership: Ownership::Shared, ..all() }, &[]).await;
    check(BackupFilter { ownership: Ownership::AllGranted, ..all() }, &[9, 4, 1]).await;
    let (vault_id, statuses) = (Some(vault_id(1)), vec![BackupStatus::Error]);
    check(BackupFilter { vault_id, statuses, ..all() }, &[]).await;
}

async fn list_narrows_by_how_full_the_vault_is(dialect: Dialect) {
    const LARGEST: i64 = 10_485_760;
    let large = Vault { size: VaultSize::new(LARGEST).unwrap(), ..vault(2) };
    let small = Vault { size: VaultSize::new(10).unwrap(), ..vault(1) };
    let scratch = with_vaults(dialect, &[small, large]).await;
    let db = &scratch.db;
    let run = Checkpoint { vault_id: vault_id(2), ..checkpoint(2) };
    let elsewhere = Backup { checkpoint_id: run.id, vault_id: vault_id(2), ..backup(2) };
    write(db, async |tx| {
        tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
        tx.checkpoint_insert(&run).await.unwrap();
        tx.backup_insert(&[backup(1), elsewhere]).await.unwrap();
    })
    .await;
    let check = async |used: [u64; 2], percent: i64, expected: &[u8]| {
        write(db, async |tx| {
            tx.vault_set_used(vault_id(1), ByteCount(used[0])).await.unwrap();
            tx.vault_set_used(vault_id(2), ByteCount(used[1])).await.unwrap();
        })
        .await;
        let vault_usage = Some(VaultUsage::new(percent).unwrap());
        let listed = listed(db, BackupFilter { vault_usage, ..all() }).await;
        assert_eq!(listed, expected, "{used:?} {percent}");
    };
    let gigabytes = |count: u64| count << 30;
    check([0, 0], 1, &[]).await;
    check([gigabytes(5), 0], 50, &[1]).await;
    check([gigabytes(5) - 1, 0], 50, &[]).await;
    check([gigabytes(5), 0], 51, &[]).await;
    // A hundredth of it is 107,374,182.4 bytes.
    check([107_374_182, 0], 1, &[]).await;
    check([107_374_183, 0], 1, &[1]).await;
    check([gigabytes(10), gigabytes(10_485_760)], 100, &[2, 1]).await;
    check([gigabytes(10), gigabytes(10_485_760) - 1], 100, &[1]).await;
    check([u64::MAX, u64::MAX], 100, &[2, 1]).await;
}

/// Backups of which some are equal in each thing that lists are ordered by.
fn varied() -> Vec<Backup> {
    use BackupStatus as B;
    let statuses = [B::Available, B::Error, B::Available, B::Protecting, B::Error, B::Deleting];
    let protected = [Some(5), None, Some(5), None, Some(0), Some(6)];
    let names = ["b", "B", "a\u{9501}", "b", "_", "a-"];
    let times = [3, 3, 1, 2, 2, 3];
    let mut backups = Vec::new();
    for (n, ((status, protected), (name, time))) in
        statuses.into_iter().zip(protected).zip(names.into_iter().zip(times)).enumerate()
    {
        backups.push(Backup {
            status,
            protected_at: protected.map(Timestamp),
            name: BackupName::parse(name).unwrap(),
            created_at: Timestamp(time),
            updated_at: Timestamp(4 - time),
            ..backup(n as u64 + 1)
        });
    }
    backups
}

/// How two backups are ordered: the model's order is the databases' (DB-7).
fn compare(sort: &Sort, one: &Backup, two: &Backup) -> std::cmp::Ordering {
    let mut order = std::cmp::Ordering::Equal;
    for (key, direction) in sort.keys() {
        let by_key = match key {
            SortKey::CreatedAt => one.created_at.cmp(&two.created_at),
            SortKey::UpdatedAt => one.updated_at.cmp(&two.updated_at),
            SortKey::Name => one.name.cmp(&two.name),
            SortKey::Status => one.status.as_str().cmp(two.status.as_str()),
            SortKey::ProtectedAt => one.protected_at.cmp(&two.protected_at),
            SortKey::Id => one.id.cmp(&two.id),
        };
        let by_key = if *direction == Direction::Ascending { by_key } else { by_key.reverse() };
        order = order.then(by_key);
    }
    order
}

// proves: DB-7
async fn list_is_in_the_order_that_is_asked_for(dialect: Dialect) {
    let scratch = with_backups(dialect, &varied()).await;
    let db = &scratch.db;
    let mut sorts = vec![
        "status:asc,name".to_owned(),
        "protected_at:asc,created_at:desc,id:asc".to_owned(),
        "id:asc,name:asc".to_owned(),
        "name,name:asc".to_owned(),
    ];
    for key in SortKey::ALL {
        sorts.extend(["asc", "desc"].map(|direction| format!("{key}:{direction}")));
    }
    for text in sorts {
        let sort = Sort::parse(&text).unwrap();
        let mut expected = varied();
        expected.sort_by(|one, two| compare(&sort, one, two));
        let expected: Vec<u8> = expected.iter().map(|backup| backup.id.0[15]).collect();
        let whole = list(db, &all(), &sort, &Page::default()).await;
        assert_eq!((numbers(&whole), whole.count), (expected.clone(), 6), "{text}");
        let (mut by_marker, mut by_offset, mut marker) = (Vec::new(), Vec::new(), None);
        for offset in [0, 2, 4, 6, i64::MAX] {
            let page = Page::new(Some(2), Some(offset), None).unwrap();
            let part = list(db, &all(), &sort, &page).await;
            assert_eq!(part.count, 6, "{text}");
            by_offset.extend(numbers(&part));
            let part = list(db, &all(), &sort, &Page::new(Some(2), None, marker).unwrap()).await;
            assert_eq!(part.count, 6, "{text}");
            by_marker.extend(numbers(&part));
            marker = part.backups.last().map(|view| view.backup.id).or(marker);
        }
        assert_eq!((by_marker, by_offset), (expected.clone(), expected), "{text}");
    }
}

async fn list_costs_three_statements(dialect: Dialect) {
    let scratch = with_backups(dialect, &[backup(1), child(2, 1), backup(3)]).await;
    let watched = Watched::new(&scratch.db);
    let filters = [all(), BackupFilter { is_incremental: Some(false), ..all() }];
    for filter in filters {
        for marker in [None, Some(backup_id(3))] {
            let page = Page::new(None, None, marker).unwrap();
            list(&watched.db, &filter, &Sort::default(), &page).await;
            assert_eq!(watched.plans().await.unwrap().len(), 3);
        }
    }
}
