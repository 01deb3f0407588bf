//! Requests that meet: whatever they are answered, some order of them explains it, and when all
//! tasks have ended rows, store and model agree.

use std::collections::BTreeSet;

use strongroom_base::rng::SeededRng;
use strongroom_control::Error;
use strongroom_db::TaskSubject;
use strongroom_db::dialect::Dialect;
use strongroom_model::backup::BackupStatus;
use strongroom_model::disk::DiskStatus;
use strongroom_model::filter::BackupFilter;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::vault::VaultStatus;
use strongroom_model::{BackupId, ResourceId, VaultId};
use tokio::task::JoinSet;

use crate::cbr_model::{Answer, Backup, BackupState, Model, Request, VaultState};
use crate::cbr_world::{World, code, new_checkpoint, noise, resource, to_disk};

const DISKS: usize = 3;
const ROUNDS: usize = 3;

/// Two vaults and three disks of one history.
struct Scene {
    vaults: Vec<VaultId>,
    disks: Vec<ResourceId>,
    /// The backups that there are, the oldest first.
    backups: Vec<BackupId>,
}

// proves: CTL-15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_meet_are_as_if_one_after_another_on_sqlite() {
    histories(Dialect::Sqlite, 1..=100).await;
}

// proves: CTL-15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_meet_are_as_if_one_after_another_on_postgres() {
    histories(Dialect::Postgres, 101..=160).await;
}

async fn histories(dialect: Dialect, seeds: std::ops::RangeInclusive<u64>) {
    let mut world = World::new(dialect).await;
    world.work();
    for seed in seeds {
        history(&world, seed).await;
    }
}

async fn history(world: &World, seed: u64) {
    let rng = SeededRng::new(seed);
    let mut disks = Vec::new();
    for disk in 0..DISKS {
        disks.push(world.disk(&format!("{seed}-{disk}"), noise(seed, 70_000)).await);
    }
    let vaults = vec![world.vault(&disks[..2]).await, world.vault(&[]).await];
    let mut scene = Scene { vaults, disks, backups: Vec::new() };
    world.back_up(scene.vaults[0]).await.unwrap();
    let mut before = quiet(world, &mut scene).await;
    for round in 0..ROUNDS {
        let requests: Vec<_> = (0..2 + rng.below(4)).map(|_| pick(&rng, &scene)).collect();
        let seen = ask_all(world, &scene, &requests).await;
        let after = quiet(world, &mut scene).await;
        assert!(
            before.explains(&seen, &after),
            "seed {seed}, round {round}: no order of {seen:#?} leads from {before:#?} to {after:#?}"
        );
        before = after;
    }
}

fn pick(rng: &SeededRng, scene: &Scene) -> Request {
    let below = |bound: usize| usize::try_from(rng.below(bound as u64)).unwrap();
    // The first vault has most of it.
    let vault = below(3) / 2;
    let disk = below(DISKS);
    let backups = scene.backups.len();
    match rng.below(12) {
        0..=2 => Request::BackUp(vault),
        3 => Request::DeleteVault(vault),
        4 | 5 => Request::Add(vault, disk),
        6 | 7 => Request::Remove(vault, disk),
        8 | 9 if backups > 0 => Request::DeleteBackup(below(backups)),
        _ if backups > 0 => Request::Restore(below(backups)),
        _ => Request::BackUp(vault),
    }
}

async fn ask_all(world: &World, scene: &Scene, requests: &[Request]) -> Vec<(Request, Answer)> {
    let mut asked = JoinSet::new();
    for request in requests.iter().copied() {
        let (service, cx) = (world.service.clone(), world.cx.clone());
        let (vaults, disks) = (scene.vaults.clone(), scene.disks.clone());
        let backups = scene.backups.clone();
        asked.spawn(async move {
            let mut taken = BTreeSet::new();
            let answer = match request {
                Request::BackUp(vault) => {
                    let made = service.checkpoint_create(&cx, new_checkpoint(vaults[vault])).await;
                    made.map(|made| {
                        let number = |id| disks.iter().position(|disk| *disk == id).unwrap();
                        taken = made.resources.iter().map(|one| number(one.resource.id)).collect();
                    })
                }
                Request::DeleteVault(vault) => service.vault_delete(&cx, vaults[vault]).await,
                Request::Add(vault, disk) => {
                    let new = vec![resource(disks[disk])];
                    service.vault_add_resources(&cx, vaults[vault], new).await.map(drop)
                }
                Request::Remove(vault, disk) => {
                    let gone = vec![disks[disk]];
                    service.vault_remove_resources(&cx, vaults[vault], gone).await.map(drop)
                }
                Request::DeleteBackup(backup) => service.backup_delete(&cx, backups[backup]).await,
                Request::Restore(backup) => restore(&service, &cx, backups[backup]).await,
            };
            (request, (code(answer), taken))
        });
    }
    asked.join_all().await
}

async fn restore(
    service: &strongroom_control::Service,
    cx: &strongroom_control::OpContext,
    backup: BackupId,
) -> Result<(), Error> {
    let found = service.backup_get(cx, backup).await?;
    service.backup_restore(cx, backup, to_disk(found.backup.source.id)).await.map(drop)
}

/// Waits until nothing runs, looks whether rows and store agree, and says what is there.
async fn quiet(world: &World, scene: &mut Scene) -> Model {
    for vault in &scene.vaults {
        let db = &world.scratch.db;
        let is_over =
            || async { db.task_running_of(TaskSubject::Vault(*vault)).await.unwrap().is_empty() };
        world.wait_for("the vault's tasks to end", is_over).await;
    }
    let mut backups = Vec::new();
    let mut states = Vec::new();
    for (number, vault) in scene.vaults.iter().enumerate() {
        let filter = BackupFilter { vault_id: Some(*vault), ..BackupFilter::default() };
        let of_vault = world.backups(filter).await;
        check_store(world, *vault, &of_vault).await;
        let found = world.scratch.db.vault_get(crate::cbr_world::PROJECT, *vault).await.unwrap();
        match &found {
            None => assert!(of_vault.is_empty()),
            Some(stored) => {
                assert_eq!(stored.vault.status, VaultStatus::Available);
                let stored_bytes = of_vault.iter().map(|view| view.backup.stored.0).sum::<u64>();
                // What deleted ones stored is counted until a repair has looked.
                assert!(stored.used.0 >= stored_bytes);
            }
        }
        states.push(if found.is_some() { VaultState::Open } else { VaultState::Gone });
        for view in of_vault {
            let of = view.backup.source.id;
            let disk = scene.disks.iter().position(|disk| *disk == of).unwrap();
            let row = Backup { vault: number, disk, state: BackupState::Available };
            backups.push((view.backup.created_at, view.backup.id, row));
        }
    }
    backups.sort_unstable();
    let mut bound = Vec::new();
    for disk in &scene.disks {
        let found = world.scratch.db.bound_find(&[*disk]).await.unwrap().pop();
        assert_eq!(world.disk_status(*disk).await, DiskStatus::Available);
        bound.push(found.map(|found| {
            assert_eq!(found.status, ProtectStatus::Available);
            scene.vaults.iter().position(|vault| *vault == found.vault_id).unwrap()
        }));
    }
    // The known ones keep their numbers for this comparison, the new ones come after them.
    let known = std::mem::take(&mut scene.backups);
    let row_of = |id: &BackupId| backups.iter().find(|(_, it, _)| it == id).map(|(_, _, row)| *row);
    let gone = Backup { vault: 0, disk: 0, state: BackupState::Gone };
    let mut rows: Vec<_> = known.iter().map(|id| row_of(id).unwrap_or(gone)).collect();
    scene.backups = known;
    for (_, id, row) in backups {
        if !scene.backups.contains(&id) {
            scene.backups.push(id);
            rows.push(row);
        }
    }
    Model::new(states, bound, rows)
}

/// Every backup is whole, and the store has nothing that no row names.
async fn check_store(
    world: &World,
    vault: VaultId,
    backups: &[strongroom_model::backup::BackupView],
) {
    if let Some(broken) = backups.iter().find(|view| view.backup.manifest_id.is_none()) {
        let mut tasks = world.tasks().await;
        tasks.retain(|task| task.vault_id == vault);
        panic!("{broken:#?} of {tasks:#?}");
    }
    let rows: BTreeSet<_> = backups.iter().filter_map(|view| view.backup.manifest_id).collect();
    let visible: BTreeSet<_> = world.manifests(vault).await.into_iter().collect();
    assert_eq!(rows, visible);
    assert!(backups.iter().all(|view| view.backup.status == BackupStatus::Available));
}
