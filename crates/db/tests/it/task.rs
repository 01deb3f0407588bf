//! Tasks as users see them: kept whole, listed by every filter, found while they run.

use strongroom_base::Timestamp;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Watched;
use strongroom_db::{Db, DbError, TaskSubject};
use strongroom_model::backup::BackupName;
use strongroom_model::filter::{TaskFilter, TimeWindow};
use strongroom_model::page::Page;
use strongroom_model::resource::{ResourceName, ResourceType};
use strongroom_model::task::{
    Deletions, Percent, ShownStatus, TaskBackup, TaskDetails, TaskFailure, TaskKind, TaskResource,
    TaskStatus,
};
use strongroom_model::vault::ObjectType;
use strongroom_model::{CheckpointId, Name, Task};

use crate::on_both;
use crate::world::{
    ODD, OTHER, PROJECT, backup_id, bytes, resource_id, task, task_id, vault_id, with_projects,
    write,
};

on_both!(
    task_is_kept_whole,
    task_of_another_project_is_not_there,
    list_obeys_every_filter,
    list_pages_meet_without_gap,
    list_costs_two_statements,
    running_tasks_are_found_by_vault_and_resource,
);

async fn insert(db: &Db, tasks: &[Task]) {
    write(db, async |tx| {
        for task in tasks {
            tx.task_insert_shown(std::slice::from_ref(task)).await.unwrap();
        }
    })
    .await;
}

fn resource(number: u64, name: &str) -> TaskResource {
    TaskResource {
        id: resource_id(number),
        resource_type: ResourceType::Server,
        name: ResourceName::parse(name).unwrap(),
    }
}

fn details() -> TaskDetails {
    TaskDetails {
        note: Some("a note".to_owned()),
        resource: Some(resource(9, ODD)),
        backup: Some(TaskBackup { id: backup_id(9), name: BackupName::parse(ODD).unwrap() }),
        removed: vec![resource(8, "one"), resource(7, "")],
        deletions: Some(Deletions { total: u64::MAX, failed: 1 }),
    }
}

/// A task in which no column has what the others have.
fn odd(number: u64) -> Task {
    Task {
        kind: TaskKind::RemoveResource,
        status: TaskStatus::Stuck,
        progress: Percent::new(99).unwrap(),
        bytes_done: i64::MAX as u64,
        bytes_total: 1,
        failure: Some(TaskFailure { code: String::new(), message: ODD.to_owned() }),
        request_id: ODD.to_owned(),
        object: ObjectType::Server,
        vault_id: vault_id(9),
        vault_name: Name::parse("\u{9501}").unwrap(),
        checkpoint_id: Some(CheckpointId(bytes(9))),
        details: details(),
        created_at: Timestamp(i64::MAX as u64),
        updated_at: Timestamp(0),
        started_at: Some(Timestamp(0)),
        ended_at: Some(Timestamp(i64::MAX as u64)),
        ..task(number)
    }
}

async fn task_is_kept_whole(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let bare = Task { details: TaskDetails::default(), ..task(2) };
    insert(db, &[odd(1), bare.clone(), task(3)]).await;
    for task in [odd(1), bare.clone(), task(3)] {
        assert_eq!(db.task_get(PROJECT, task.id).await.unwrap(), Some(task));
    }
    write(db, async |tx| {
        tx.task_set_details(task_id(2), &details()).await.unwrap();
        let absent = tx.task_set_details(task_id(7), &details()).await;
        assert!(matches!(absent, Err(DbError::Affected { actual: 0, .. })), "{absent:?}");
    })
    .await;
    let changed = Task { details: details(), ..bare };
    assert_eq!(db.task_get(PROJECT, task_id(2)).await.unwrap(), Some(changed));
    let filter = TaskFilter { resource_id: Some(resource_id(9)), ..TaskFilter::default() };
    assert_eq!(listed(db, filter).await, [1, 2]);
    let tx = db.begin().await.unwrap();
    let again = tx.task_insert_shown(&[task(3)]).await;
    assert!(matches!(again, Err(DbError::Conflict { .. })), "{again:?}");
}

async fn task_of_another_project_is_not_there(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    insert(db, &[task(1)]).await;
    assert_eq!(db.task_get(OTHER, task_id(1)).await.unwrap(), None);
    for filter in [
        TaskFilter::default(),
        TaskFilter { vault_id: Some(vault_id(1)), ..TaskFilter::default() },
        TaskFilter { resource_id: Some(resource_id(1)), ..TaskFilter::default() },
        TaskFilter { status: Some(ShownStatus::Waiting), ..TaskFilter::default() },
    ] {
        let list = db.task_list(OTHER, &filter, &Page::default()).await.unwrap().unwrap();
        assert_eq!((list.tasks.len(), list.count), (0, 0));
    }
    for marker in [1, 7] {
        let after = Page::new(None, None, Some(task_id(marker))).unwrap();
        assert_eq!(db.task_list(OTHER, &TaskFilter::default(), &after).await.unwrap(), None);
    }
}

/// The numbers of the tasks that are listed.
async fn listed(db: &Db, filter: TaskFilter) -> Vec<u8> {
    let list = db.task_list(PROJECT, &filter, &Page::default()).await.unwrap().unwrap();
    assert_eq!(list.count, list.tasks.len() as u64, "{filter:?}");
    list.tasks.iter().map(|task| task.id.0[15]).collect()
}

async fn list_obeys_every_filter(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let running = Task { status: TaskStatus::Cancelling, ..task(4) };
    insert(db, &[task(1), running, Task { created_at: Timestamp(4), ..odd(9) }]).await;
    let all = TaskFilter::default;
    let check = async |filter: TaskFilter, expected: &[u8]| {
        assert_eq!(listed(db, filter.clone()).await, expected, "{filter:?}");
    };
    check(all(), &[9, 4, 1]).await;
    check(TaskFilter { kind: Some(TaskKind::Backup), ..all() }, &[4, 1]).await;
    check(TaskFilter { kind: Some(TaskKind::RemoveResource), ..all() }, &[9]).await;
    check(TaskFilter { status: Some(ShownStatus::Waiting), ..all() }, &[1]).await;
    check(TaskFilter { status: Some(ShownStatus::Running), ..all() }, &[4]).await;
    check(TaskFilter { status: Some(ShownStatus::Failed), ..all() }, &[9]).await;
    check(TaskFilter { status: Some(ShownStatus::Success), ..all() }, &[]).await;
    check(TaskFilter { object: Some(ObjectType::Disk), ..all() }, &[4, 1]).await;
    check(TaskFilter { object: Some(ObjectType::Server), ..all() }, &[9]).await;
    check(TaskFilter { resource_id: Some(resource_id(4)), ..all() }, &[4]).await;
    let resource_name = |it: &str| TaskFilter { resource_name: Some(it.to_owned()), ..all() };
    check(resource_name("disk"), &[4, 1]).await;
    check(resource_name(ODD), &[9]).await;
    check(resource_name("Disk"), &[]).await;
    check(TaskFilter { vault_id: Some(vault_id(1)), ..all() }, &[4, 1]).await;
    let vault_name = |name: &str| TaskFilter { vault_name: Some(name.to_owned()), ..all() };
    check(vault_name("vault-1"), &[4, 1]).await;
    check(vault_name("vault_1"), &[]).await;
    let window = |from: Option<u64>, to: Option<u64>| {
        let created = TimeWindow { from: from.map(Timestamp), to: to.map(Timestamp) };
        TaskFilter { created, ..all() }
    };
    check(window(Some(2), Some(2)), &[4]).await;
    check(window(None, Some(2)), &[4, 1]).await;
    check(window(Some(3), None), &[9]).await;
    let (kind, object) = (Some(TaskKind::Backup), Some(ObjectType::Server));
    check(TaskFilter { kind, object, ..all() }, &[]).await;
}

async fn list_pages_meet_without_gap(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    // Two of each moment: the id decides between them.
    let tasks: Vec<_> = (1..=7).map(task).collect();
    insert(db, &tasks).await;
    for filter in [
        TaskFilter::default(),
        TaskFilter { kind: Some(TaskKind::Backup), ..TaskFilter::default() },
    ] {
        let (mut by_marker, mut by_offset, mut marker) = (Vec::new(), Vec::new(), None);
        for offset in [0, 3, 6, 9, i64::MAX] {
            let page = Page::new(Some(3), Some(offset), None).unwrap();
            let list = db.task_list(PROJECT, &filter, &page).await.unwrap().unwrap();
            assert_eq!(list.count, 7);
            by_offset.extend(list.tasks.iter().map(|task| task.id));
            let page = Page::new(Some(3), None, marker).unwrap();
            let list = db.task_list(PROJECT, &filter, &page).await.unwrap().unwrap();
            assert_eq!(list.count, 7);
            by_marker.extend(list.tasks.iter().map(|task| task.id));
            marker = list.tasks.last().map(|task| task.id).or(marker);
        }
        let expected: Vec<_> = (1..=7).rev().map(task_id).collect();
        assert_eq!((by_offset, by_marker), (expected.clone(), expected));
    }
}

async fn list_costs_two_statements(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    insert(&scratch.db, &[task(1), task(2)]).await;
    let watched = Watched::new(&scratch.db);
    for kind in [None, Some(TaskKind::Backup)] {
        for marker in [None, Some(task_id(2))] {
            let page = Page::new(None, None, marker).unwrap();
            let filter = TaskFilter { kind, ..TaskFilter::default() };
            watched.db.task_list(PROJECT, &filter, &page).await.unwrap().unwrap();
            assert_eq!(watched.plans().await.unwrap().len(), 2);
        }
    }
}

async fn running_tasks_are_found_by_vault_and_resource(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let ended = Task { status: TaskStatus::Success, ended_at: Some(Timestamp(9)), ..task(1) };
    let elsewhere = Task { vault_id: vault_id(2), ..task(3) };
    let of_vault = Task { details: TaskDetails::default(), ..task(4) };
    insert(db, &[task(5), ended, task(2), elsewhere.clone(), of_vault.clone()]).await;
    let tx = db.begin().await.unwrap();
    let check = async |of: TaskSubject<'_>, expected: &[Task]| {
        assert_eq!(db.task_running_of(of).await.unwrap(), expected, "{of:?}");
        assert_eq!(tx.task_running_of(of).await.unwrap(), expected, "{of:?}");
    };
    check(TaskSubject::Vault(vault_id(1)), &[task(2), of_vault, task(5)]).await;
    check(TaskSubject::Vault(vault_id(2)), std::slice::from_ref(&elsewhere)).await;
    let resources = [1, 2, 3, 7].map(resource_id);
    check(TaskSubject::Resources(&resources), &[task(2), elsewhere]).await;
    check(TaskSubject::Resources(&[]), &[]).await;
}
