//! Workers that die at any moment: the next one brings every task to its end.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use strongroom_base::rng::SeededRng;
use strongroom_db::dialect::Dialect;
use strongroom_model::backup::BackupStatus;
use strongroom_model::disk::{DiskImageFormat, DiskStatus};
use strongroom_model::filter::BackupFilter;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::{TaskKind, TaskStatus};

use crate::cbr_world::{World, code, noise, to_disk};

/// Tasks take some ten milliseconds on an idle machine; a loaded one needs longer.
const LONGEST: u64 = 60_000;
const CRASHES: u64 = 3;

// proves: CTL-16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_leave_nothing_undone_on_sqlite() {
    histories(Dialect::Sqlite, 1..=40).await;
}

// proves: CTL-16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_leave_nothing_undone_on_postgres() {
    histories(Dialect::Postgres, 41..=60).await;
}

async fn histories(dialect: Dialect, seeds: std::ops::RangeInclusive<u64>) {
    let mut world = World::new(dialect).await;
    let kinds = [
        TaskKind::Backup,
        TaskKind::Restore,
        TaskKind::Delete,
        TaskKind::RemoveResource,
        TaskKind::VaultDelete,
    ];
    for (seed, kind) in seeds.zip(kinds.into_iter().cycle()) {
        history(&mut world, seed, kind).await;
    }
}

async fn history(world: &mut World, seed: u64, kind: TaskKind) {
    let rng = SeededRng::new(seed);
    let bytes = noise(seed, 300_000);
    let name = format!("crash-{seed}");
    let path = Path::new("/fake").join(&name);
    let disk = world.disk(&name, bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let old = world.backed_up(vault).await.remove(0).backup.id;
    world.fake.put(&name, DiskImageFormat::Raw, noise(seed + 1000, 300_000));
    world.crash().await;
    let (service, cx) = (&world.service, &world.cx);
    match kind {
        TaskKind::Backup => drop(world.back_up(vault).await.unwrap()),
        TaskKind::Restore => drop(service.backup_restore(cx, old, to_disk(disk)).await.unwrap()),
        TaskKind::Delete => service.backup_delete(cx, old).await.unwrap(),
        TaskKind::RemoveResource => {
            drop(service.vault_remove_resources(cx, vault, vec![disk]).await.unwrap());
        }
        _ => service.vault_delete(cx, vault).await.unwrap(),
    }
    let task = world.tasks().await.remove(0);
    assert_eq!(task.kind, kind);
    for _ in 0..CRASHES {
        world.work();
        tokio::time::sleep(Duration::from_micros(rng.below(LONGEST))).await;
        world.crash().await;
    }
    world.work();
    world.settle().await;
    let task = world.task(task.id).await;
    assert_eq!(task.status, TaskStatus::Success, "seed {seed}: {task:?}");
    let filter = BackupFilter { vault_id: Some(vault), ..BackupFilter::default() };
    let backups = world.backups(filter).await;
    assert!(backups.iter().all(|view| view.backup.status == BackupStatus::Available));
    let rows: BTreeSet<_> = backups.iter().map(|view| view.backup.manifest_id.unwrap()).collect();
    let visible: BTreeSet<_> = world.manifests(vault).await.into_iter().collect();
    // What a dead worker had sent to the store may arrive after its successor looked (CTL-13).
    assert!(rows.is_subset(&visible), "seed {seed}");
    assert!(kind == TaskKind::Backup || rows == visible, "seed {seed}");
    assert_eq!(world.disk_status(disk).await, DiskStatus::Available, "seed {seed}");
    let available = Some(ProtectStatus::Available);
    let (count, is_bound, is_there) = match kind {
        TaskKind::Backup => (2, available, 0),
        TaskKind::Restore => (1, available, 0),
        TaskKind::Delete => (0, available, 0),
        TaskKind::RemoveResource => (0, None, 0),
        _ => (0, None, 6105),
    };
    assert_eq!((backups.len(), world.protect_status(disk).await), (count, is_bound), "seed {seed}");
    assert_eq!(code(world.service.vault_get(&world.cx, vault).await), is_there);
    let is_restored = world.fake.bytes(&path).unwrap() == bytes;
    assert_eq!(is_restored, kind == TaskKind::Restore, "seed {seed}");
    world.crash().await;
}
