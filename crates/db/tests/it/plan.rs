//! Each query finds its rows by an index: the plans of the real planners, over some thousand rows,
//! are files in `tests/golden/plans`. `UPDATE_GOLDEN=1` writes them anew.

mod crowd;
mod golden;

use std::time::Duration;

use strongroom_base::Timestamp;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Watched;
use strongroom_db::{
    Completions, DbError, DbTaskStore, LoginName, ProjectName, TaskSubject, TokenHash, Tx,
};
use strongroom_model::backup::{BackupStatus, ImageType};
use strongroom_model::disk::DiskStatus;
use strongroom_model::filter::{
    BackupFilter, DiskFilter, Match, ServerFilter, TagQuery, TagTerm, TaskFilter, TimeWindow,
    VaultFilter, VaultUsage,
};
use strongroom_model::page::Page;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::resource::ResourceType;
use strongroom_model::server::ServerStatus;
use strongroom_model::sort::{Direction, Sort, SortKey};
use strongroom_model::task::{ShownStatus, TaskKind};
use strongroom_model::vault::{CloudType, ObjectType, ProtectType, VaultStatus};
use strongroom_model::{BackupId, CheckpointId, DomainId, Scope, TaskId, UserId, VaultId};
use strongroom_task::{Claim, Completion, Kind, TaskRow, TaskStore, WorkerId};

use crate::on_both;
use crate::world::{backup_id, bytes, resource_id, task_id, vault_id};
use crowd::{BUSY, QUIET};
use golden::Plans;

on_both!(every_query_goes_by_an_index);

// proves: DB-10
async fn every_query_goes_by_an_index(dialect: Dialect) {
    let scratch = crowd::new(dialect).await;
    let mut plans = Plans::new(Watched::new(&scratch.db));
    vaults(&mut plans).await;
    resources(&mut plans).await;
    backups(&mut plans).await;
    backup_lists(&mut plans).await;
    tasks(&mut plans).await;
    task_lists(&mut plans).await;
    runtime(&mut plans).await;
    host(&mut plans).await;
    identity(&mut plans).await;
    plans.compare();
}

fn first<I>() -> Page<I> {
    Page::new(Some(10), None, None).unwrap()
}

fn after<I>(marker: I) -> Page<I> {
    Page::new(Some(10), None, Some(marker)).unwrap()
}

async fn vaults(plans: &mut Plans) {
    let db = plans.db();
    let all = VaultFilter::default;
    let lists = [
        ("all", all()),
        ("name", VaultFilter { name: Some("vault-1".to_owned()), ..all() }),
        ("ids", VaultFilter { ids: vec![vault_id(1), vault_id(2)], ..all() }),
        ("object", VaultFilter { object: Some(ObjectType::Server), ..all() }),
        ("protect", VaultFilter { protect: Some(ProtectType::Replication), ..all() }),
        ("cloud_type", VaultFilter { cloud_type: Some(CloudType::Hybrid), ..all() }),
        ("status", VaultFilter { status: Some(VaultStatus::Error), ..all() }),
        ("resource_ids", VaultFilter { resource_ids: vec![resource_id(1)], ..all() }),
        ("zone", VaultFilter { availability_zone: Some("eu-de-01".to_owned()), ..all() }),
        (
            "enterprise project",
            VaultFilter { enterprise_project_id: Some(EnterpriseProjectId::DEFAULT), ..all() },
        ),
    ];
    for (name, filter) in lists {
        db.vault_list(BUSY, &filter, &first()).await.unwrap();
        plans.add("vault_list", name).await;
    }
    db.vault_list(BUSY, &all(), &after(vault_id(101))).await.unwrap().unwrap();
    plans.add("vault_list", "after a marker").await;
    db.vault_get(BUSY, vault_id(1)).await.unwrap().unwrap();
    plans.add("vault_get", "one").await;
    db.vault_page_all(None, 10).await.unwrap();
    plans.add("vault_page_all", "first").await;
    db.vault_page_all(Some(vault_id(100)), 10).await.unwrap();
    plans.add("vault_page_all", "next").await;
    db.vault_tags_of_project(BUSY).await.unwrap();
    plans.add("vault_tags_of_project", "all").await;
    let tx = db.begin().await.unwrap();
    tx.vault_lock(BUSY, vault_id(1)).await.unwrap().unwrap();
    plans.add("vault_lock", "one").await;
    tx.vault_lock_by_id(vault_id(1)).await.unwrap().unwrap();
    plans.add("vault_lock", "by id").await;
    let term = |key: &str, value| TagTerm { key: key.to_owned(), values: vec![value] };
    let tags = vec![term("number", Match::Is("7".to_owned()))];
    let contains = vec![term("number", Match::Contains("7".to_owned()))];
    for (name, wanted) in [
        ("has", TagQuery { tags: tags.clone(), ..TagQuery::default() }),
        ("has not", TagQuery { not_tags: tags, ..TagQuery::default() }),
        ("contains", TagQuery { tags_any: contains, ..TagQuery::default() }),
        ("untagged", TagQuery { is_untagged: true, ..TagQuery::default() }),
    ] {
        db.vault_list_by_tags(BUSY, &wanted, 10, 0).await.unwrap();
        plans.add("vault_list_by_tags", name).await;
    }
    db.audit_list(BUSY, 10).await.unwrap();
    plans.add("audit_list", "newest").await;
}

async fn resources(plans: &mut Plans) {
    let db = plans.db();
    let vaults: Vec<VaultId> = (1..20).map(vault_id).collect();
    db.bound_list(&vaults).await.unwrap();
    plans.add("bound_list", "of vaults").await;
    db.bound_find(&[resource_id(1), resource_id(2)]).await.unwrap();
    plans.add("bound_find", "two").await;
    db.vault_get_bound(BUSY, vault_id(1)).await.unwrap().unwrap();
    plans.add("vault_get_bound", "one").await;
    db.bound_vaults(BUSY, &[resource_id(1), resource_id(2)]).await.unwrap();
    plans.add("bound_vaults", "of two").await;
    let tx = db.begin().await.unwrap();
    tx.bound_list(vault_id(1)).await.unwrap();
    plans.add("bound_list", "of one vault").await;
    tx.bound_count_backup(resource_id(1), 1, 1).await.unwrap();
    plans.add("bound_count_backup", "one").await;
}

async fn backups(plans: &mut Plans) {
    let db = plans.db();
    let (backup, run) = (backup_id(1), CheckpointId(bytes(1)));
    db.backup_get(BUSY, backup).await.unwrap().unwrap();
    plans.add("backup_get", "with its children").await;
    db.checkpoint_get(BUSY, run).await.unwrap().unwrap();
    plans.add("checkpoint_get", "one").await;
    db.backup_list_of_checkpoint(run).await.unwrap();
    plans.add("backup_list_of_checkpoint", "one").await;
    db.backup_page_all(None, 10).await.unwrap();
    plans.add("backup_page_all", "first").await;
    db.backup_page_all(Some(backup_id(1000)), 10).await.unwrap();
    plans.add("backup_page_all", "next").await;
    db.backup_expired(Timestamp(30), 10).await.unwrap();
    plans.add("backup_expired", "some").await;
    let tx = db.begin().await.unwrap();
    tx.backup_lock(Some(BUSY), backup).await.unwrap().unwrap();
    plans.add("backup_lock", "of a project").await;
    tx.backup_lock(None, backup).await.unwrap().unwrap();
    plans.add("backup_lock", "by id").await;
    tx.backup_list_of_vault(vault_id(1)).await.unwrap();
    plans.add("backup_list_of_vault", "one").await;
    tx.backup_list_of_resources(&[resource_id(1)]).await.unwrap();
    plans.add("backup_list_of_resources", "one").await;
    tx.backup_set_status(&[backup], BackupStatus::Error, Timestamp(1)).await.unwrap();
    plans.add("backup_set_status", "one").await;
    tx.checkpoint_delete_if_empty(run).await.unwrap();
    plans.add("checkpoint_delete_if_empty", "one").await;
    tx.backup_delete(backup).await.unwrap();
    plans.add("backup_delete", "one").await;
}

fn backup_filters() -> Vec<(&'static str, BackupFilter)> {
    let all = BackupFilter::default;
    let created = TimeWindow { from: Some(Timestamp(10)), to: Some(Timestamp(20)) };
    let usage = VaultUsage::new(90).unwrap();
    vec![
        ("checkpoint_id", BackupFilter { checkpoint_id: Some(CheckpointId(bytes(1))), ..all() }),
        ("vault_id", BackupFilter { vault_id: Some(vault_id(1)), ..all() }),
        ("resource_id", BackupFilter { resource_id: Some(resource_id(1)), ..all() }),
        ("parent_id", BackupFilter { parent_id: Some(backup_id(1)), ..all() }),
        ("name", BackupFilter { name: Some("backup-7".to_owned()), ..all() }),
        ("resource_name", BackupFilter { resource_name: Some("disk-7".to_owned()), ..all() }),
        ("resource_zone", BackupFilter { resource_zone: Some("eu-de-01".to_owned()), ..all() }),
        ("resource_type", BackupFilter { resource_type: Some(ResourceType::Server), ..all() }),
        ("image_type", BackupFilter { image_type: Some(ImageType::Replication), ..all() }),
        ("status", BackupFilter { statuses: vec![BackupStatus::Error], ..all() }),
        (
            "statuses",
            BackupFilter { statuses: vec![BackupStatus::Error, BackupStatus::Deleting], ..all() },
        ),
        ("created", BackupFilter { created, ..all() }),
        ("vault_usage", BackupFilter { vault_usage: Some(usage), ..all() }),
        ("is_incremental", BackupFilter { is_incremental: Some(true), ..all() }),
    ]
}

async fn backup_lists(plans: &mut Plans) {
    let db = plans.db();
    let (all, newest) = (BackupFilter::default(), Sort::default());
    let list = async |project, filter: &BackupFilter, sort: &Sort, page: &Page<BackupId>| {
        db.backup_list(project, filter, sort, page).await.unwrap().unwrap()
    };
    for (name, project) in [("all", BUSY), ("all of a small project", QUIET)] {
        list(project, &all, &newest, &first()).await;
        plans.add("backup_list", name).await;
    }
    list(BUSY, &all, &newest, &after(backup_id(1))).await;
    plans.add("backup_list", "after a marker").await;
    for (name, filter) in backup_filters() {
        list(BUSY, &filter, &newest, &first()).await;
        plans.add("backup_list", name).await;
    }
    for key in SortKey::ALL {
        for direction in Direction::ALL {
            let name = format!("{key}:{direction}");
            let sort = Sort::parse(&name).unwrap();
            list(BUSY, &all, &sort, &first()).await;
            plans.add("backup_list_sorted", &name).await;
        }
    }
}

async fn tasks(plans: &mut Plans) {
    let db = plans.db();
    db.task_get(BUSY, task_id(1)).await.unwrap().unwrap();
    plans.add("task_get", "one").await;
    db.task_running_of(TaskSubject::Vault(vault_id(1))).await.unwrap();
    plans.add("task_running_of", "a vault").await;
    db.task_running_of(TaskSubject::Resources(&[1, 2, 3].map(resource_id))).await.unwrap();
    plans.add("task_running_of", "resources").await;
}

async fn task_lists(plans: &mut Plans) {
    let db = plans.db();
    let all = TaskFilter::default;
    let created = TimeWindow { from: Some(Timestamp(10)), to: Some(Timestamp(20)) };
    for (name, project) in [("all", BUSY), ("all of a small project", QUIET)] {
        db.task_list(project, &all(), &first()).await.unwrap().unwrap();
        plans.add("task_list", name).await;
    }
    db.task_list(BUSY, &all(), &after(task_id(101))).await.unwrap().unwrap();
    plans.add("task_list", "after a marker").await;
    for (name, filter) in [
        ("kind", TaskFilter { kind: Some(TaskKind::Restore), ..all() }),
        ("status", TaskFilter { status: Some(ShownStatus::Failed), ..all() }),
        ("object", TaskFilter { object: Some(ObjectType::Server), ..all() }),
        ("resource_id", TaskFilter { resource_id: Some(resource_id(1)), ..all() }),
        ("resource_name", TaskFilter { resource_name: Some("disk-7".to_owned()), ..all() }),
        ("vault_id", TaskFilter { vault_id: Some(vault_id(1)), ..all() }),
        ("vault_name", TaskFilter { vault_name: Some("vault-7".to_owned()), ..all() }),
        ("created", TaskFilter { created, ..all() }),
    ] {
        db.task_list(BUSY, &filter, &first()).await.unwrap().unwrap();
        plans.add("task_list", name).await;
    }
}

/// Nothing is written at the end of a task.
pub(crate) struct NoCompletions;

impl Completions for NoCompletions {
    fn complete<'a>(
        &'a self,
        _: &'a Tx,
        _: &'a TaskRow,
        _: &'a Completion,
    ) -> strongroom_base::clock::BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async { Ok(()) })
    }
}

async fn runtime(plans: &mut Plans) {
    let store = DbTaskStore::new(plans.db(), std::sync::Arc::new(NoCompletions));
    let claim = Claim {
        worker: WorkerId("a".to_owned()),
        kinds: vec![Kind { workflow: "backup".to_owned(), version: 1 }],
        queues: vec!["default".to_owned()],
        lease: Duration::from_mins(1),
    };
    let claimed = store.claim(&claim).await.unwrap().unwrap().row;
    plans.add("task_claim", "one").await;
    store.renew(claimed.order.id, claimed.fence, claim.lease).await.unwrap();
    plans.add("task_renew", "one").await;
    store.list_due(10).await.unwrap();
    plans.add("task_list_due", "some").await;
    let task: TaskId = claimed.order.id;
    store.load(task).await.unwrap().unwrap();
    plans.add("task_load", "one").await;
}

async fn host(plans: &mut Plans) {
    let db = plans.db();
    let (disk, server) = (resource_id(1), resource_id(10_000));
    db.disk_get(BUSY, disk).await.unwrap().unwrap();
    plans.add("disk_get", "one").await;
    db.disk_find(&[disk, resource_id(2)]).await.unwrap();
    plans.add("disk_find", "two").await;
    db.disk_by_path("/disks/1").await.unwrap().unwrap();
    plans.add("disk_by_path", "one").await;
    db.disk_list_of_servers(&[server, resource_id(10_001)]).await.unwrap();
    plans.add("disk_list_of_servers", "two").await;
    let all = DiskFilter::default;
    for (name, filter) in [
        ("all", all()),
        ("ids", DiskFilter { ids: vec![disk, resource_id(2)], ..all() }),
        ("name", DiskFilter { name: Some("disk-7".to_owned()), ..all() }),
        ("status", DiskFilter { status: Some(DiskStatus::Error), ..all() }),
        ("server", DiskFilter { server: Some(server), ..all() }),
    ] {
        db.disk_list(BUSY, &filter, &first()).await.unwrap().unwrap();
        plans.add("disk_list", name).await;
    }
    db.disk_list(BUSY, &all(), &after(resource_id(101))).await.unwrap().unwrap();
    plans.add("disk_list", "after a marker").await;
    db.disk_page(BUSY, &all(), &after(resource_id(101))).await.unwrap().unwrap();
    plans.add("disk_list", "after a marker, without a count").await;
    db.server_get(BUSY, server).await.unwrap().unwrap();
    plans.add("server_get", "one").await;
    db.server_find(&[server, resource_id(10_001)]).await.unwrap();
    plans.add("server_find", "two").await;
    let all = ServerFilter::default;
    for (name, filter) in [
        ("all", all()),
        ("ids", ServerFilter { ids: vec![server], ..all() }),
        ("name", ServerFilter { name: Some("server-7".to_owned()), ..all() }),
        ("status", ServerFilter { status: Some(ServerStatus::Error), ..all() }),
    ] {
        db.server_list(BUSY, &filter, &first()).await.unwrap().unwrap();
        plans.add("server_list", name).await;
    }
    let tx = db.begin().await.unwrap();
    tx.disk_lock(disk).await.unwrap().unwrap();
    plans.add("disk_lock", "one").await;
    tx.server_lock(server).await.unwrap().unwrap();
    plans.add("server_lock", "one").await;
    tx.disk_list_of_server(server).await.unwrap();
    plans.add("disk_list_of_servers", "one").await;
}

async fn identity(plans: &mut Plans) {
    let db = plans.db();
    let (domain, user) = (DomainId([1; 16]), UserId(bytes(1)));
    db.token_holder(TokenHash([1; 32]), Timestamp(1)).await.unwrap().unwrap();
    plans.add("token_holder", "one").await;
    db.token_holder(TokenHash([1; 32]), Timestamp(1)).await.unwrap().unwrap();
    plans.add("token_holder", "remembered").await;
    db.project_list(domain, None).await.unwrap();
    plans.add("project_list", "all").await;
    db.project_list_granted(domain, user).await.unwrap();
    plans.add("project_list_granted", "all").await;
    db.access_key_list(user).await.unwrap();
    plans.add("access_key_list", "all").await;
    db.access_key_get("key-1").await.unwrap().unwrap();
    plans.add("access_key_get", "one").await;
    db.user_login(user).await.unwrap().unwrap();
    plans.add("user_login", "by id").await;
    for (name, of) in [
        ("by id", LoginName::Id(user)),
        ("by name", LoginName::In(domain, "user-1")),
        ("by names", LoginName::InNamed("acme", "user-1")),
    ] {
        db.user_login_named(of).await.unwrap().unwrap();
        plans.add("user_login_named", name).await;
    }
    for (name, of) in
        [("by id", ProjectName::Id(BUSY)), ("by name", ProjectName::In(domain, "no such"))]
    {
        db.project_place(of, user).await.unwrap();
        plans.add("project_place", name).await;
    }
    db.grant_roles(user, Scope::Project(BUSY)).await.unwrap();
    plans.add("grant_roles", "in a project").await;
    let tx = db.begin().await.unwrap();
    tx.token_delete_expired(Timestamp(0)).await.unwrap();
    plans.add("token_delete_expired", "none").await;
}
