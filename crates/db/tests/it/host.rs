//! Disks and servers that were made known.

use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::{Db, DbError};
use strongroom_model::description::Description;
use strongroom_model::disk::{Attachment, Disk, DiskImageFormat, DiskStatus};
use strongroom_model::filter::{DiskFilter, ServerFilter};
use strongroom_model::page::Page;
use strongroom_model::resource::ResourceName;
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::zone::AvailabilityZone;

use crate::on_both;
use crate::world::{ODD, OTHER, PROJECT, disk, resource_id, server, with_projects, write};

on_both!(
    disk_is_kept_whole,
    disk_of_another_project_is_not_there,
    no_two_disks_are_in_one_place,
    disks_of_servers_keep_their_order,
    list_of_disks_obeys_every_filter,
    list_of_disks_has_pages,
    server_is_kept_whole,
    server_of_another_project_is_not_there,
    list_of_servers_obeys_every_filter,
    list_of_servers_has_pages,
);

async fn insert(db: &Db, disks: &[Disk]) {
    write(db, async |tx| {
        for disk in disks {
            tx.disk_insert(disk).await.unwrap();
        }
    })
    .await;
}

async fn insert_servers(db: &Db, servers: &[Server]) {
    write(db, async |tx| {
        for server in servers {
            tx.server_insert(server).await.unwrap();
        }
    })
    .await;
}

fn attached(number: u64, server: u64, position: u32) -> Disk {
    let server = resource_id(server);
    let attachment = Some(Attachment { server, position, is_system: position == 0 });
    Disk { attachment, ..disk(number) }
}

/// A disk in which no column has what the others have.
fn odd(number: u64) -> Disk {
    Disk {
        name: ResourceName::parse(ODD).unwrap(),
        description: Description::parse(ODD).unwrap(),
        status: DiskStatus::ErrorRestoring,
        size: ByteCount(i64::MAX as u64),
        format: DiskImageFormat::Qcow2,
        path: format!("/disks/{ODD}"),
        is_managed: true,
        volume_type: ODD.to_owned(),
        zone: Some(AvailabilityZone::parse("eu-de-01").unwrap()),
        metadata: [(ODD.to_owned(), String::new()), (String::new(), ODD.to_owned())].into(),
        is_multiattach: true,
        updated_at: Timestamp(i64::MAX as u64),
        ..attached(number, 9, u32::MAX)
    }
}

async fn disk_is_kept_whole(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    insert(db, &[odd(1), disk(2)]).await;
    assert_eq!(db.disk_get(PROJECT, resource_id(1)).await.unwrap(), Some(odd(1)));
    let changed = Disk { path: "elsewhere".to_owned(), ..odd(2) };
    write(db, async |tx| {
        tx.disk_update(&changed).await.unwrap();
        assert_eq!(tx.disk_lock(resource_id(2)).await.unwrap().as_ref(), Some(&changed));
        tx.disk_update(&Disk { path: "free".to_owned(), ..disk(1) }).await.unwrap();
        let absent = tx.disk_update(&disk(7)).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
        assert_eq!(tx.disk_lock(resource_id(7)).await.unwrap(), None);
    })
    .await;
    assert_eq!(db.disk_by_path("elsewhere").await.unwrap(), Some(changed));
    let bare = db.disk_by_path("free").await.unwrap().unwrap();
    assert_eq!((bare.attachment, bare.zone), (None, None));
    assert_eq!(db.disk_by_path("/disks/2").await.unwrap(), None);
    let found = db.disk_find(&[2, 7, 1].map(resource_id)).await.unwrap();
    let found: Vec<_> = found.iter().map(|disk| disk.id).collect();
    assert_eq!(found, [resource_id(1), resource_id(2)]);
}

async fn disk_of_another_project_is_not_there(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    insert(db, &[disk(1)]).await;
    assert_eq!(db.disk_get(OTHER, resource_id(1)).await.unwrap(), None);
    let list = db.disk_list(OTHER, &DiskFilter::default(), &Page::default()).await.unwrap();
    assert_eq!(list.map(|list| (list.disks.len(), list.count)), Some((0, 0)));
    let after = Page::new(None, None, Some(resource_id(1))).unwrap();
    assert_eq!(db.disk_list(OTHER, &DiskFilter::default(), &after).await.unwrap(), None);
    assert_eq!(db.disk_page(OTHER, &DiskFilter::default(), &after).await.unwrap(), None);
    write(db, async |tx| {
        assert!(!tx.disk_delete(OTHER, resource_id(1)).await.unwrap());
        assert!(tx.disk_delete(PROJECT, resource_id(1)).await.unwrap());
        assert!(!tx.disk_delete(PROJECT, resource_id(1)).await.unwrap());
    })
    .await;
}

// proves: DB-6
async fn no_two_disks_are_in_one_place(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    insert(db, &[disk(1), disk(2)]).await;
    let path = disk(1).path;
    let tx = db.begin().await.unwrap();
    let second = Disk { project_id: OTHER, path: path.clone(), ..disk(3) };
    let refused = tx.disk_insert(&second).await;
    assert!(matches!(refused, Err(DbError::Conflict { query: "disk_insert" })), "{refused:?}");
    drop(tx);
    let tx = db.begin().await.unwrap();
    let refused = tx.disk_update(&Disk { path, ..disk(2) }).await;
    assert!(matches!(refused, Err(DbError::Conflict { query: "disk_update" })), "{refused:?}");
}

async fn disks_of_servers_keep_their_order(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let disks = [disk(1), attached(2, 8, 1), attached(3, 8, 0), attached(4, 9, 0)];
    insert(db, &disks).await;
    let of_both = db.disk_list_of_servers(&[9, 8, 7].map(resource_id)).await.unwrap();
    assert_eq!(of_both, [attached(3, 8, 0), attached(2, 8, 1), attached(4, 9, 0)]);
    assert!(db.disk_list_of_servers(&[]).await.unwrap().is_empty());
    let tx = db.begin().await.unwrap();
    let of_one = tx.disk_list_of_server(resource_id(9)).await.unwrap();
    assert_eq!(of_one, [attached(4, 9, 0)]);
}

async fn list_of_disks_obeys_every_filter(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let in_use = Disk { status: DiskStatus::InUse, ..attached(9, 8, 0) };
    insert(db, &[disk(1), disk(2), in_use]).await;
    let check = async |filter: DiskFilter, expected: &[u8]| {
        let list = db.disk_list(PROJECT, &filter, &Page::default()).await.unwrap().unwrap();
        let numbers: Vec<_> = list.disks.iter().map(|disk| disk.id.0[15]).collect();
        assert_eq!((numbers, list.count), (expected.to_vec(), expected.len() as u64));
    };
    let all = DiskFilter::default;
    check(all(), &[9, 2, 1]).await;
    check(DiskFilter { ids: vec![resource_id(2), resource_id(7)], ..all() }, &[2]).await;
    check(DiskFilter { name: Some("disk-1".to_owned()), ..all() }, &[1]).await;
    check(DiskFilter { name: Some("disk".to_owned()), ..all() }, &[]).await;
    check(DiskFilter { status: Some(DiskStatus::Available), ..all() }, &[2, 1]).await;
    check(DiskFilter { server: Some(resource_id(8)), ..all() }, &[9]).await;
    check(DiskFilter { server: Some(resource_id(7)), ..all() }, &[]).await;
}

async fn list_of_disks_has_pages(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let disks: Vec<_> = (1..=5).map(disk).collect();
    insert(&scratch.db, &disks).await;
    let check = async |offset, marker: Option<u64>, expected: &[u8]| {
        let page = Page::new(Some(2), offset, marker.map(resource_id)).unwrap();
        let list = scratch.db.disk_list(PROJECT, &DiskFilter::default(), &page).await.unwrap();
        let list = list.unwrap();
        let numbers: Vec<_> = list.disks.iter().map(|disk| disk.id.0[15]).collect();
        assert_eq!((numbers, list.count), (expected.to_vec(), 5));
        let alone = scratch.db.disk_page(PROJECT, &DiskFilter::default(), &page).await.unwrap();
        assert_eq!(alone.unwrap(), list.disks, "without a count");
    };
    check(None, Some(1), &[]).await;
    check(None, None, &[5, 4]).await;
    check(Some(4), None, &[1]).await;
    check(Some(5), None, &[]).await;
    check(None, Some(4), &[3, 2]).await;
    check(Some(9), Some(2), &[1]).await;
}

async fn server_is_kept_whole(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let odd = Server {
        name: ResourceName::parse(ODD).unwrap(),
        status: ServerStatus::HardReboot,
        updated_at: Timestamp(i64::MAX as u64),
        ..server(1)
    };
    insert_servers(db, &[odd.clone(), server(2)]).await;
    assert_eq!(db.server_get(PROJECT, odd.id).await.unwrap().as_ref(), Some(&odd));
    let changed = Server { id: resource_id(2), created_at: server(2).created_at, ..odd.clone() };
    write(db, async |tx| {
        tx.server_update(&changed).await.unwrap();
        assert_eq!(tx.server_lock(changed.id).await.unwrap().as_ref(), Some(&changed));
        let absent = tx.server_update(&server(7)).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
    })
    .await;
    let found = db.server_find(&[2, 7, 1].map(resource_id)).await.unwrap();
    assert_eq!(found, [odd, changed]);
    let tx = db.begin().await.unwrap();
    let again = tx.server_insert(&server(2)).await;
    assert!(matches!(again, Err(DbError::Conflict { .. })), "{again:?}");
}

async fn server_of_another_project_is_not_there(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    insert_servers(db, &[server(1)]).await;
    assert_eq!(db.server_get(OTHER, resource_id(1)).await.unwrap(), None);
    let list = db.server_list(OTHER, &ServerFilter::default(), &Page::default()).await.unwrap();
    assert_eq!(list.map(|list| (list.servers.len(), list.count)), Some((0, 0)));
    let after = Page::new(None, None, Some(resource_id(1))).unwrap();
    assert_eq!(db.server_list(OTHER, &ServerFilter::default(), &after).await.unwrap(), None);
    write(db, async |tx| {
        assert!(!tx.server_delete(OTHER, resource_id(1)).await.unwrap());
        assert!(tx.server_delete(PROJECT, resource_id(1)).await.unwrap());
    })
    .await;
}

async fn list_of_servers_obeys_every_filter(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let active = Server { status: ServerStatus::Active, ..server(9) };
    insert_servers(db, &[server(1), server(2), active]).await;
    let check = async |filter: ServerFilter, expected: &[u8]| {
        let list = db.server_list(PROJECT, &filter, &Page::default()).await.unwrap().unwrap();
        let numbers: Vec<_> = list.servers.iter().map(|server| server.id.0[15]).collect();
        assert_eq!((numbers, list.count), (expected.to_vec(), expected.len() as u64));
    };
    let all = ServerFilter::default;
    check(all(), &[9, 2, 1]).await;
    check(ServerFilter { ids: vec![resource_id(2), resource_id(7)], ..all() }, &[2]).await;
    check(ServerFilter { name: Some("server-1".to_owned()), ..all() }, &[1]).await;
    check(ServerFilter { name: Some("server".to_owned()), ..all() }, &[]).await;
    check(ServerFilter { status: Some(ServerStatus::Shutoff), ..all() }, &[2, 1]).await;
}

async fn list_of_servers_has_pages(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let servers: Vec<_> = (1..=5).map(server).collect();
    insert_servers(&scratch.db, &servers).await;
    let check = async |offset, marker: Option<u64>, expected: &[u8]| {
        let page = Page::new(Some(2), offset, marker.map(resource_id)).unwrap();
        let list = scratch.db.server_list(PROJECT, &ServerFilter::default(), &page).await.unwrap();
        let list = list.unwrap();
        let numbers: Vec<_> = list.servers.iter().map(|server| server.id.0[15]).collect();
        assert_eq!((numbers, list.count), (expected.to_vec(), 5));
    };
    check(None, None, &[5, 4]).await;
    check(Some(4), None, &[1]).await;
    check(Some(5), None, &[]).await;
    check(None, Some(4), &[3, 2]).await;
}
