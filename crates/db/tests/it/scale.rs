//! How long queries take among millions of rows. By hand, and on a machine that does nothing else:
//! `cargo test --release -p strongroom-db --test it scale -- --ignored --nocapture`.
//!
//! 10,000 vaults, a million backups and five million tasks in 100 projects, of which one has half of
//! everything, take 10 GB of disk and some minutes to make.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use strongroom_base::Timestamp;
use strongroom_base::clock::system_instant;
use strongroom_db::testing::{Postgres, execute};
use strongroom_db::{Db, DbTaskStore, TaskSubject};
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::backup::{BackupStatus, ImageType};
use strongroom_model::filter::{BackupFilter, TaskFilter, TimeWindow, VaultFilter};
use strongroom_model::page::Page;
use strongroom_model::resource::ResourceType;
use strongroom_model::sort::{Direction, Sort, SortKey};
use strongroom_model::task::{ShownStatus, TaskKind};
use strongroom_model::vault::{ObjectType, Vault};
use strongroom_model::{ProjectId, VaultId};
use strongroom_task::{Claim, Kind, TaskStore as _, WorkerId};

use crate::identity::domain;
use crate::plan::NoCompletions;
use crate::world::{PROJECT, add_project, bytes, vault, write};

/// What a list may take.
const LIMIT: Duration = Duration::from_millis(60);
/// What goes over half a million entries of an index, or two and a half: a filter that nearly all
/// pass is counted so, and the backups of one state are put in order of their ids.
const COUNTED: [&str; 2] = ["many match", "sort status"];
/// Has half of everything.
const LARGE: ProjectId = PROJECT;

/// Runs a query some times, and prints how long the middle one took.
async fn time(name: &str, run: impl AsyncFn()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..7 {
        let begin = system_instant();
        run().await;
        times.push(system_instant() - begin);
    }
    times.sort_unstable();
    println!("{:>8.1} ms  {name}", times[3].as_secs_f64() * 1000.0);
    times[3]
}

#[tokio::test]
#[ignore = "10 GB and some minutes"]
async fn scale_of_lists() {
    let settings = ["fsync=off", "max_wal_size=20GB", "maintenance_work_mem=1GB"];
    let server = Postgres::start(&settings).unwrap();
    let db = Db::open(&server.new_database().await.unwrap().parse().unwrap()).await.unwrap();
    execute(&db, include_str!("scale/crowd.sql")).await.unwrap();
    for clean in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
        execute(&db, clean).await.unwrap();
    }
    let lists = [vaults(&db).await, backups(&db).await, tasks(&db).await, others(&db).await];
    let slow = lists.concat().into_iter().filter(|(_, took)| *took > LIMIT);
    let slow: Vec<_> = slow.map(|(name, _)| name).collect();
    println!("above {} ms: {slow:?}", LIMIT.as_millis());
    assert!(slow.iter().all(|name| COUNTED.iter().any(|it| name.contains(it))), "{slow:?}");
}

async fn vaults(db: &Db) -> Vec<(String, Duration)> {
    let mut times = Vec::new();
    let object = Some(ObjectType::Disk);
    let mut ids = Vec::new();
    for (name, filter) in [
        ("vaults", VaultFilter::default()),
        ("vaults: disks", VaultFilter { object, ..VaultFilter::default() }),
    ] {
        let list = async || db.vault_list(LARGE, &filter, &Page::default()).await.unwrap().unwrap();
        ids = list().await.vaults.iter().map(|stored| stored.vault.id).collect::<Vec<VaultId>>();
        let run = async || assert_eq!(list().await.count, 5000);
        times.push((name.to_owned(), time(name, run).await));
    }
    let run = async || assert_eq!(db.bound_list(&ids).await.unwrap().len(), 10_000);
    let name = "10,000 resources of 1,000 vaults";
    times.push((name.to_owned(), time(name, run).await));
    times
}

async fn backups(db: &Db) -> Vec<(String, Duration)> {
    let all = BackupFilter::default;
    let first = db.backup_list(LARGE, &all(), &Sort::default(), &Page::default()).await;
    let first = first.unwrap().unwrap().backups.swap_remove(500).backup;
    let created = TimeWindow { from: Some(first.created_at), to: None };
    let cases = [
        ("all", all()),
        ("vault", BackupFilter { vault_id: Some(first.vault_id), ..all() }),
        ("resource", BackupFilter { resource_id: Some(first.source.id), ..all() }),
        ("checkpoint", BackupFilter { checkpoint_id: Some(first.checkpoint_id), ..all() }),
        ("name", BackupFilter { name: Some(first.name.to_string()), ..all() }),
        ("status, few", BackupFilter { statuses: vec![BackupStatus::Error], ..all() }),
        ("status, many match", BackupFilter { statuses: vec![BackupStatus::Available], ..all() }),
        ("type, many match", BackupFilter { resource_type: Some(ResourceType::Disk), ..all() }),
        ("image type, many match", BackupFilter { image_type: Some(ImageType::Backup), ..all() }),
        ("incremental, many match", BackupFilter { is_incremental: Some(true), ..all() }),
        ("created", BackupFilter { created, ..all() }),
    ];
    let mut times = Vec::new();
    for (name, filter) in cases {
        let name = format!("backups: {name}");
        let run = async || {
            let list = db.backup_list(LARGE, &filter, &Sort::default(), &Page::default()).await;
            assert!(list.unwrap().unwrap().count > 0);
        };
        times.push((name.clone(), time(&name, run).await));
    }
    for key in SortKey::ALL {
        for direction in Direction::ALL {
            let name = format!("backups: sort {key}:{direction}");
            let sort = Sort::parse(&format!("{key}:{direction}")).unwrap();
            let run = async || {
                let list = db.backup_list(LARGE, &all(), &sort, &Page::default()).await;
                assert_eq!(list.unwrap().unwrap().backups.len(), 1000);
            };
            times.push((name.clone(), time(&name, run).await));
        }
    }
    for (name, page) in [
        ("backups: after a marker", Page::new(None, None, Some(first.id)).unwrap()),
        ("backups: offset 100,000", Page::new(None, Some(100_000), None).unwrap()),
    ] {
        let run = async || {
            let list = db.backup_list(LARGE, &all(), &Sort::default(), &page).await;
            assert_eq!(list.unwrap().unwrap().backups.len(), 1000);
        };
        times.push((name.to_owned(), time(name, run).await));
    }
    let run = async || drop(db.backup_get(LARGE, first.id).await.unwrap().unwrap());
    times.push(("backup".to_owned(), time("backup", run).await));
    let run = async || drop(db.backup_expired(Timestamp(1 << 50), 1000).await.unwrap());
    times.push(("expired".to_owned(), time("backups: expired", run).await));
    times
}

async fn tasks(db: &Db) -> Vec<(String, Duration)> {
    let all = TaskFilter::default;
    let first = db.task_list(LARGE, &all(), &Page::default()).await.unwrap().unwrap();
    let first = first.tasks[500].clone();
    let resource = first.details.resource.clone().unwrap();
    let created = TimeWindow { from: Some(first.created_at), to: None };
    let name = Some(resource.name.to_string());
    let cases = [
        ("all", all()),
        ("vault", TaskFilter { vault_id: Some(first.vault_id), ..all() }),
        ("vault name", TaskFilter { vault_name: Some(first.vault_name.to_string()), ..all() }),
        ("resource", TaskFilter { resource_id: Some(resource.id), ..all() }),
        ("resource name", TaskFilter { resource_name: name, ..all() }),
        ("status, few", TaskFilter { status: Some(ShownStatus::Running), ..all() }),
        ("status, some", TaskFilter { status: Some(ShownStatus::Failed), ..all() }),
        ("status, many match", TaskFilter { status: Some(ShownStatus::Success), ..all() }),
        ("kind, some", TaskFilter { kind: Some(TaskKind::Restore), ..all() }),
        ("kind, many match", TaskFilter { kind: Some(TaskKind::Backup), ..all() }),
        ("object, many match", TaskFilter { object: Some(ObjectType::Disk), ..all() }),
        ("created", TaskFilter { created, ..all() }),
    ];
    let mut times = Vec::new();
    for (name, filter) in cases {
        let name = format!("tasks: {name}");
        let run = async || {
            let list = db.task_list(LARGE, &filter, &Page::default()).await;
            assert!(list.unwrap().unwrap().count > 0);
        };
        times.push((name.clone(), time(&name, run).await));
    }
    let page = Page::new(None, None, Some(first.id)).unwrap();
    let run = async || {
        let list = db.task_list(LARGE, &all(), &page).await.unwrap().unwrap();
        assert_eq!(list.tasks.len(), 1000);
    };
    times.push(("tasks: marker".to_owned(), time("tasks: after a marker", run).await));
    let of = TaskSubject::Vault(first.vault_id);
    let run = async || drop(db.task_running_of(of).await.unwrap());
    times.push(("running".to_owned(), time("tasks running of a vault", run).await));
    times
}

async fn others(db: &Db) -> Vec<(String, Duration)> {
    let store = DbTaskStore::new(db.clone(), Arc::new(NoCompletions));
    let claim = Claim {
        worker: WorkerId("a".to_owned()),
        kinds: vec![Kind { workflow: "backup".to_owned(), version: 1 }],
        queues: vec!["default".to_owned()],
        lease: Duration::from_mins(1),
    };
    let run = async || assert!(store.claim(&claim).await.unwrap().is_some());
    vec![("claim".to_owned(), time("claim with 5,000 waiting", run).await)]
}

#[tokio::test]
#[ignore = "measures, and waits for the disk"]
async fn scale_of_vault_creation() {
    const EACH: u64 = 200;
    let server = Postgres::start(&[]).unwrap();
    let db = Db::open(&server.new_database().await.unwrap().parse().unwrap()).await.unwrap();
    write(&db, async |tx| {
        tx.domain_insert(&domain(1, "acme"), Timestamp(1)).await.unwrap();
        add_project(tx, PROJECT, "eu-de").await;
    })
    .await;
    let begin = system_instant();
    let work = async |worker: u64| {
        for number in 0..EACH {
            let vault = Vault { id: VaultId(bytes(worker * EACH + number)), ..vault(1) };
            let record = AuditRecord {
                at: Timestamp(1),
                event: AuditEvent::CreateVault,
                subject_id: Some(vault.id.to_string()),
                subject_name: Some(vault.name.to_string()),
                outcome: AuditOutcome::Done,
                code: None,
                actor: Actor::Service,
                project_id: PROJECT,
                request_id: Some("req-1".to_owned()),
            };
            write(&db, async |tx| {
                tx.vault_insert(&vault).await.unwrap();
                tx.audit_insert(&record).await.unwrap();
            })
            .await;
        }
    };
    join_all((0..16).map(work)).await;
    let rate = (16 * EACH) as f64 / (system_instant() - begin).as_secs_f64();
    println!("{rate:.0} vaults a second");
    assert!(rate > 300.0);
}
