//! Disks in files: backed up and restored with QEMU's images, made, adopted, held by others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use strongroom_control::Error;
use strongroom_control::evs::NewDisk;
use strongroom_control::host::{Adopted, AdoptedDisk, Adoption};
use strongroom_db::dialect::Dialect;
use strongroom_model::audit::{AuditEvent, AuditOutcome};
use strongroom_model::backup::BackupStatus;
use strongroom_model::description::Description;
use strongroom_model::disk::{DiskImageFormat, DiskStatus};
use strongroom_model::filter::ServerFilter;
use strongroom_model::page::Page;
use strongroom_model::resource::{ProtectStatus, ResourceName};
use strongroom_model::server::ServerStatus;
use strongroom_model::task::TaskStatus;
use tokio::task::JoinSet;

use crate::cbr_world::{PROJECT, World, code, noise, to_disk, to_server};
use crate::on_both;

on_both!(
    stopped_server_is_restored_byte_for_byte,
    open_image_is_left_out,
    disk_is_made_and_deleted,
    disk_whose_making_broke_off_can_be_deleted,
    only_disks_below_the_root_are_adopted,
);

const LENGTH: usize = 4 << 20;

/// Writes a raw image.
fn raw(path: &Path, bytes: &[u8]) -> PathBuf {
    fs::File::create(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
        .unwrap();
    path.to_owned()
}

/// Makes a qcow2 image that holds `bytes`.
fn qcow2(path: &Path, bytes: &[u8]) -> PathBuf {
    let plain = raw(&path.with_extension("plain"), bytes);
    qemu_img(&["convert", "-q", "-f", "raw", "-O", "qcow2", text(&plain), text(path)]);
    fs::remove_file(plain).unwrap();
    path.to_owned()
}

/// What a guest sees of a qcow2 image.
fn content(path: &Path) -> Vec<u8> {
    let plain = path.with_extension("plain");
    qemu_img(&["convert", "-q", "-f", "qcow2", "-O", "raw", text(path), text(&plain)]);
    let bytes = fs::read(&plain).unwrap();
    fs::remove_file(plain).unwrap();
    bytes
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests run the real tools")]
fn qemu_img(arguments: &[&str]) {
    let output = Command::new("qemu-img").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server that holds an image for writing, as a guest does; it goes with this.
struct Guest(Child);

impl Guest {
    #[expect(clippy::disallowed_methods, reason = "tests run the real tools")]
    async fn start(image: &Path, folder: &Path) -> Self {
        let socket = folder.join("guest.socket");
        let mut command = Command::new("qemu-nbd");
        command.args(["--persistent", "--format", "qcow2", "--socket"]).arg(&socket).arg(image);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let guest = Self(child);
        for _ in 0..4000 {
            if greets(&socket) {
                return guest;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("qemu-nbd does not answer");
    }
}

/// Whether the server speaks, which it does after it has opened the image.
fn greets(socket: &Path) -> bool {
    let stream = std::os::unix::net::UnixStream::connect(socket);
    stream.and_then(|mut stream| std::io::Read::read_exact(&mut stream, &mut [0; 8])).is_ok()
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn stopped_server_is_restored_byte_for_byte(dialect: Dialect) {
    let mut world = World::with_files(dialect).await;
    let root = world.root();
    let [first, second] = [noise(1, LENGTH), noise(2, LENGTH)];
    let system = qcow2(&root.join("system.qcow2"), &first);
    let data = raw(&root.join("data.img"), &second);
    let disks =
        vec![(system.clone(), DiskImageFormat::Qcow2), (data.clone(), DiskImageFormat::Raw)];
    let (server, ids) = world.server("server", disks).await;
    let vault = world.server_vault(&[server]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup;
    assert_eq!(backup.status, BackupStatus::Available);
    // Something happens to both, and a backup of that is made too.
    qcow2(&system, &noise(3, LENGTH));
    raw(&data, &noise(4, LENGTH));
    let later = world.backed_up(vault).await.remove(0).backup;
    assert!(later.is_incremental);
    for (backup, expected) in
        [(backup.id, [first, second]), (later.id, [noise(3, LENGTH), noise(4, LENGTH)])]
    {
        let restore = to_server(server);
        let task = world.service.backup_restore(&world.cx, backup, restore).await.unwrap();
        world.settle().await;
        assert_eq!(world.task(task).await.status, TaskStatus::Success);
        assert_eq!(content(&system), expected[0]);
        assert_eq!(fs::read(&data).unwrap(), expected[1]);
        assert_eq!(world.disk_status(ids[0]).await, DiskStatus::InUse);
    }
}

async fn open_image_is_left_out(dialect: Dialect) {
    let mut world = World::with_files(dialect).await;
    let root = world.root();
    let image = qcow2(&root.join("a.qcow2"), &noise(1, LENGTH));
    let other = qcow2(&root.join("b.qcow2"), &noise(2, LENGTH));
    let disk = world.adopt(image.clone(), DiskImageFormat::Qcow2).await;
    let (server, _) = world.server("server", vec![(other.clone(), DiskImageFormat::Qcow2)]).await;
    let [vault, servers] = [world.vault(&[disk]).await, world.server_vault(&[server]).await];
    let free = qcow2(&root.join("c.qcow2"), &noise(3, LENGTH));
    let free = world.adopt(free, DiskImageFormat::Qcow2).await;
    world.work();
    world.backed_up(vault).await;
    let backup = world.backed_up(servers).await.remove(0).backup.id;
    {
        let _guest = Guest::start(&image, world.folder.path()).await;
        assert_eq!(code(world.back_up(vault).await), 1);
        let (service, cx) = (&world.service, &world.cx);
        let add = vec![crate::cbr_world::resource(free)];
        service.vault_add_resources(cx, vault, add).await.unwrap();
        let run = world.back_up(vault).await.unwrap().checkpoint;
        assert_eq!(run.skipped[0].code, "BackupService.7003");
        world.settle().await;
    }
    fs::remove_file(world.folder.path().join("guest.socket")).ok();
    let _guest = Guest::start(&other, world.folder.path()).await;
    // A server that runs somewhere is shown as running, and left alone.
    let (service, cx) = (&world.service, &world.cx);
    let (shown, _) = service.server_get(cx, server).await.unwrap();
    assert_eq!(shown.status, ServerStatus::Active);
    assert_eq!(code(world.back_up(servers).await), 1);
    assert_eq!(code(service.backup_restore(cx, backup, to_server(server)).await), 2008);
    world.back_up(vault).await.unwrap();
    world.settle().await;
}

pub(crate) fn new_disk(name: &str) -> NewDisk {
    NewDisk {
        name: ResourceName::parse(name).unwrap(),
        description: Description::default(),
        size_gigabytes: 1,
        volume_type: "SSD".to_owned(),
        zone: None,
        metadata: std::collections::BTreeMap::new(),
        is_multiattach: false,
    }
}

async fn disk_is_made_and_deleted(dialect: Dialect) {
    let mut world = World::with_files(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let made = service.disk_create(cx, new_disk("a")).await.unwrap();
    assert_eq!((made.status, made.size_gigabytes()), (DiskStatus::Available, 1));
    assert_eq!(service.disk_get(cx, made.id).await.unwrap(), made);
    let path = PathBuf::from(&made.path);
    assert!(path.starts_with(world.root()) && path.exists());
    let size = NewDisk { size_gigabytes: 0, ..new_disk("b") };
    assert_eq!(code(service.disk_create(cx, size).await), 9900);
    let vault = world.vault(&[made.id]).await;
    let gate = world.gate.close("open_source", 1);
    world.work();
    world.back_up(vault).await.unwrap();
    gate.wait_for_caller().await;
    let (service, cx) = (&world.service, &world.cx);
    assert_ne!(code(service.disk_delete(cx, made.id).await), 0);
    gate.open();
    world.settle().await;
    let backup =
        world.backups(strongroom_model::filter::BackupFilter::default()).await.remove(0).backup.id;
    // R40
    service.disk_delete(cx, made.id).await.unwrap();
    assert!(!path.exists());
    assert_eq!(code(service.disk_get(cx, made.id).await), 7000);
    assert_eq!(code(service.disk_delete(cx, made.id).await), 7000);
    assert_eq!(world.protect_status(made.id).await, Some(ProtectStatus::Error));
    assert_eq!(world.backup(backup).await.backup.status, BackupStatus::Available);
    assert_eq!(code(service.backup_restore(cx, backup, to_disk(made.id)).await), 7000);
    service.vault_delete(cx, vault).await.unwrap();
    world.settle().await;
    assert_eq!(code(service.vault_get(cx, vault).await), 6105);
    // An adopted disk's file is its owner's.
    let image = qcow2(&world.root().join("mine.qcow2"), &noise(1, LENGTH));
    let mine = world.adopt(image.clone(), DiskImageFormat::Qcow2).await;
    assert_ne!(code(service.disk_delete(cx, mine).await), 0);
    assert!(image.exists());
    let records = world.scratch.db.audit_list(PROJECT, 100).await.unwrap();
    let of = |event, outcome| {
        records.iter().filter(|one| (one.event, one.outcome) == (event, outcome)).count()
    };
    assert_eq!(of(AuditEvent::CreateVolume, AuditOutcome::Done), 1);
    assert_eq!(of(AuditEvent::CreateVolume, AuditOutcome::Refused), 1);
    assert_eq!(of(AuditEvent::DeleteVolume, AuditOutcome::Done), 1);
    assert_eq!(of(AuditEvent::DeleteVolume, AuditOutcome::Refused), 3);
}

async fn disk_whose_making_broke_off_can_be_deleted(dialect: Dialect) {
    let world = World::with_files(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let folder = world.root().join("strongroom-disks");
    let files = || fs::read_dir(&folder).map_or(0, Iterator::count);
    let only = async || {
        let (disks, _) = service
            .disk_list(cx, &strongroom_model::filter::DiskFilter::default(), &Page::default())
            .await
            .unwrap();
        assert_eq!(disks.len(), 1);
        disks[0].clone()
    };
    // The process dies while the file is being made; it comes to be all the same.
    let gate = world.gate.close("create", 1);
    let mut requests = JoinSet::new();
    let (mine, caller) = (service.clone(), cx.clone());
    requests.spawn(async move { mine.disk_create(&caller, new_disk("a")).await.map(drop) });
    gate.wait_for_caller().await;
    requests.shutdown().await;
    let disk = only().await;
    assert_eq!(disk.status, DiskStatus::Creating);
    gate.open();
    world.wait_for("the file", || async { Path::new(&disk.path).exists() }).await;
    service.disk_delete(cx, disk.id).await.unwrap();
    assert_eq!((files(), code(service.disk_get(cx, disk.id).await)), (0, 7000));
    // It dies while the file is being removed.
    let disk = service.disk_create(cx, new_disk("b")).await.unwrap();
    let gate = world.gate.close("remove", 1);
    let (mine, caller, id) = (service.clone(), cx.clone(), disk.id);
    requests.spawn(async move { mine.disk_delete(&caller, id).await });
    gate.wait_for_caller().await;
    requests.shutdown().await;
    assert_eq!(only().await.status, DiskStatus::Deleting);
    gate.open();
    service.disk_delete(cx, disk.id).await.unwrap();
    assert_eq!(files(), 0);
    // It is deleted while it is being made.
    let gate = world.gate.close("create", 1);
    let (mine, caller) = (service.clone(), cx.clone());
    requests.spawn(async move { mine.disk_create(&caller, new_disk("c")).await.map(drop) });
    gate.wait_for_caller().await;
    service.disk_delete(cx, only().await.id).await.unwrap();
    gate.open();
    let made = requests.join_next().await.unwrap().unwrap();
    assert_eq!((code(made), files()), (7000, 0));
}

async fn only_disks_below_the_root_are_adopted(dialect: Dialect) {
    let world = World::with_files(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let (root, outside) = (world.root(), world.folder.path().canonicalize().unwrap());
    let disk = |path: PathBuf, format| AdoptedDisk { name: None, path, format };
    let adopt =
        async |path, format| service.resource_add(cx, Adoption::Disk(disk(path, format))).await;
    let refused = |result: Result<Adopted, Error>| match result {
        Err(Error::Unusable { why }) => why,
        other => panic!("{other:?}"),
    };
    let raw_format = Some(DiskImageFormat::Raw);
    refused(adopt(raw(&outside.join("a.img"), &[1; 512]), raw_format).await);
    refused(adopt(raw(&outside.join("store/a.img"), &[1; 512]), raw_format).await);
    refused(adopt(root.join("none.img"), raw_format).await);
    refused(adopt(root.join("../a.img"), raw_format).await);
    let image = raw(&root.join("a.img"), &[1; 512]);
    refused(adopt(image.clone(), None).await);
    let Adopted::Disk(found) = adopt(image.clone(), raw_format).await.unwrap() else {
        panic!("a disk was adopted");
    };
    assert_eq!((found.name.as_str(), found.size.0), ("a", 512));
    // DB-6
    assert_eq!(code(adopt(image.clone(), raw_format).await), 9900);
    let other = raw(&root.join("b.img"), &[1; 512]);
    let name = ResourceName::parse("server").unwrap();
    let server = |disks| Adoption::Server { name: name.clone(), disks };
    // All of a server's disks, or none.
    let both = vec![disk(other.clone(), raw_format), disk(image, raw_format)];
    assert_eq!(code(service.resource_add(cx, server(both)).await), 9900);
    assert_eq!(code(service.resource_add(cx, server(Vec::new())).await), 9900);
    let all = service.server_list(cx, &ServerFilter::default(), &Page::default()).await.unwrap();
    assert_eq!(all.1, 0);
    let one = vec![disk(other, raw_format)];
    let Adopted::Server(server, disks) = service.resource_add(cx, server(one)).await.unwrap()
    else {
        panic!("a server was adopted");
    };
    assert_eq!(service.resource_list(cx).await.unwrap().len(), 2);
    assert_eq!(code(service.resource_remove(cx, disks[0].id).await), 2011);
    service.resource_remove(cx, server.id).await.unwrap();
    assert_eq!(code(service.resource_show(cx, server.id).await), 6302);
    assert_eq!(code(service.disk_get(cx, disks[0].id).await), 7000);
    assert!(root.join("b.img").exists());
}
