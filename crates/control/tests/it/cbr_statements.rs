//! How many statements the requests that write make: as many for one resource as for many, and no
//! more than `tests/golden/statements.txt` says. `UPDATE_GOLDEN=1` writes that file anew.
#![expect(clippy::disallowed_methods, reason = "a test keeps its golden file as it likes")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use strongroom_control::Service;
use strongroom_control::cbr::{NewVault, TagChange};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Watched;
use strongroom_model::backup::{BackupName, BackupView};
use strongroom_model::disk::DiskImageFormat;
use strongroom_model::filter::BackupFilter;
use strongroom_model::vault::{ObjectType, Threshold, VaultUpdate};
use strongroom_model::{BackupId, ResourceId, Tag, Tags, VaultId};

use crate::cbr_files::new_disk;
use crate::cbr_world::{World, new_checkpoint, new_vault, resource, to_disk, to_server};
use crate::on_both;

on_both!(requests_make_as_many_statements_for_one_resource_as_for_many);

/// A vault has so many resources, or a server so many disks, and each vault twice as many backups.
const MANY: u8 = 7;

// proves: CTL-17
async fn requests_make_as_many_statements_for_one_resource_as_for_many(dialect: Dialect) {
    let (one, many) = (counted(dialect, 1).await, counted(dialect, MANY).await);
    assert_eq!(one, many, "statements for one resource, and for {MANY}");
    let mut text = String::new();
    for (name, count) in many {
        writeln!(text, "{name}: {count}").unwrap();
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/statements.txt");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &text).unwrap();
    }
    // Both databases are asked the same.
    assert_eq!(fs::read_to_string(&golden).unwrap(), text, "{dialect:?}; UPDATE_GOLDEN=1");
}

/// What requests are made about. Nobody works on their tasks.
struct Stage {
    world: World,
    count: u8,
    /// Vaults of disks that have two backups each.
    vaults: Vec<VaultId>,
    /// Of the first one.
    backup: BackupView,
    /// The disks of the second one.
    disks: Vec<ResourceId>,
    /// Has two backups.
    server: ResourceId,
    server_backups: Vec<BackupId>,
    /// Has a server without backups.
    server_vault: VaultId,
}

impl Stage {
    async fn new(dialect: Dialect, count: u8) -> Self {
        let mut world = World::new(dialect).await;
        let (mut vaults, mut of_vaults) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c", "f"] {
            let disks = some_disks(&world, name, count).await;
            vaults.push(world.vault(&disks).await);
            of_vaults.push(disks);
        }
        let server = a_server(&world, "d", count).await;
        let with_backups = world.server_vault(&[server]).await;
        let other_server = a_server(&world, "e", count).await;
        let server_vault = world.server_vault(&[other_server]).await;
        world.work();
        let mut server_backups = Vec::new();
        for _ in 0..2 {
            for vault in &vaults {
                world.backed_up(*vault).await;
            }
            server_backups.push(world.backed_up(with_backups).await.remove(0).backup.id);
        }
        let of_first = BackupFilter { vault_id: Some(vaults[0]), ..BackupFilter::default() };
        let backup = world.backups(of_first).await.remove(0);
        world.crash().await;
        let disks = of_vaults.swap_remove(1);
        Self { world, count, vaults, backup, disks, server, server_backups, server_vault }
    }
}

async fn some_disks(world: &World, name: &str, count: u8) -> Vec<ResourceId> {
    let mut disks = Vec::new();
    for number in 0..count {
        disks.push(world.disk(&format!("{name}-{number}"), vec![number; 512]).await);
    }
    disks
}

async fn a_server(world: &World, name: &str, count: u8) -> ResourceId {
    let put = |number: u8| {
        let disk = format!("{name}-{number}");
        let place = world.fake.put(&disk, DiskImageFormat::Raw, vec![number; 512]);
        (place.path, DiskImageFormat::Raw)
    };
    world.server(name, (0..count).map(put).collect()).await.0
}

/// The statements of each request, beside the one that finds out who asks.
async fn counted(dialect: Dialect, count: u8) -> Vec<(&'static str, usize)> {
    let stage = Stage::new(dialect, count).await;
    let watched = Watched::new(&stage.world.scratch.db);
    let service = stage.world.service_over(&watched.db);
    watched.taken();
    let mut counts = Vec::new();
    let mut note = |name| counts.push((name, watched.taken().len()));
    of_vaults(&stage, &service, &mut note).await;
    of_backups(&stage, &service, &mut note).await;
    of_deletions(&stage, &service, &mut note).await;
    of_disks(&stage, &service, &mut note).await;
    counts
}

async fn of_vaults(stage: &Stage, service: &Service, note: &mut impl FnMut(&'static str)) {
    let (world, cx) = (&stage.world, &stage.world.cx);
    let first = some_disks(world, "first", stage.count).await;
    let second = some_disks(world, "second", stage.count).await;
    let resources = |disks: &[ResourceId]| disks.iter().map(|id| resource(*id)).collect();
    let new = NewVault { resources: resources(&first), ..new_vault(ObjectType::Disk) };
    let vault = service.vault_create(cx, new).await.unwrap().vault.id;
    note("create a vault with resources");
    service.vault_add_resources(cx, vault, resources(&second)).await.unwrap();
    note("add resources");
    let update =
        VaultUpdate { threshold: Some(Threshold::new(50).unwrap()), ..VaultUpdate::default() };
    service.vault_update(cx, vault, &update).await.unwrap();
    note("update a vault");
    let tag = |number| Tag::parse(&format!("key-{number}"), Some("value")).unwrap();
    let tags = Tags::new((0..stage.count).map(tag).collect()).unwrap();
    service.vault_tags_change(cx, vault, TagChange::Create(tags)).await.unwrap();
    note("add tags");
    service.vault_remove_resources(cx, vault, first).await.unwrap();
    note("remove resources without backups");
    service.vault_delete(cx, vault).await.unwrap();
    note("delete a vault without backups");
}

async fn of_backups(stage: &Stage, service: &Service, note: &mut impl FnMut(&'static str)) {
    let cx = &stage.world.cx;
    service.checkpoint_create(cx, new_checkpoint(stage.vaults[3])).await.unwrap();
    note("back up disks");
    service.checkpoint_create(cx, new_checkpoint(stage.server_vault)).await.unwrap();
    note("back up a server");
    let name = BackupName::parse("other").unwrap();
    service.backup_rename(cx, stage.server_backups[0], name).await.unwrap();
    note("rename a server's backup");
    let restore = to_server(stage.server);
    service.backup_restore(cx, stage.server_backups[1], restore).await.unwrap();
    note("restore a server");
    let BackupView { backup, .. } = &stage.backup;
    let task = service.backup_restore(cx, backup.id, to_disk(backup.source.id)).await.unwrap();
    note("restore a disk");
    service.task_cancel(cx, task).await.unwrap();
    note("cancel a task");
    service.vault_verify(cx, stage.vaults[3]).await.unwrap();
    note("verify a vault");
}

async fn of_deletions(stage: &Stage, service: &Service, note: &mut impl FnMut(&'static str)) {
    let cx = &stage.world.cx;
    service.backup_delete(cx, stage.server_backups[0]).await.unwrap();
    note("delete a server's backup");
    service.vault_remove_resources(cx, stage.vaults[1], stage.disks.clone()).await.unwrap();
    note("remove resources with their backups");
    service.vault_delete(cx, stage.vaults[2]).await.unwrap();
    note("delete a vault with its backups");
}

async fn of_disks(stage: &Stage, service: &Service, note: &mut impl FnMut(&'static str)) {
    let cx = &stage.world.cx;
    let disk = service.disk_create(cx, new_disk("made")).await.unwrap().id;
    note("create a disk");
    service.disk_delete(cx, disk).await.unwrap();
    note("delete a disk");
}
