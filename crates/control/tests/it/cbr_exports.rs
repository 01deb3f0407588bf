//! Exports: bytes, ranges, limits, and what they keep from happening.

use std::process::Command;

use futures_util::StreamExt as _;
use strongroom_base::ByteRange;
use strongroom_control::Error;
use strongroom_control::export::{Export, MOST_EXPORTS};
use strongroom_db::dialect::Dialect;
use strongroom_model::backup::ExportFormat;
use strongroom_model::disk::DiskImageFormat;
use strongroom_model::{BackupId, Role};

use crate::cbr_world::{OTHER, World, code, context, noise};
use crate::on_both;

on_both!(
    export_gives_the_disk_from_any_byte_on,
    export_as_an_image_is_what_qemu_understands,
    server_is_exported_by_its_children,
    export_is_only_for_those_who_may,
    running_export_keeps_its_backup_and_others_wait,
);

/// 9 MB with a hole in the middle, not a multiple of anything.
fn sparse() -> Vec<u8> {
    let mut bytes = noise(1, 9_000_001);
    bytes[1 << 20..7 << 20].fill(0);
    bytes
}

async fn open(world: &World, id: BackupId, format: ExportFormat) -> Export {
    world.service.backup_export(&world.cx, id, format).await.unwrap()
}

async fn read(export: Export, range: ByteRange) -> Vec<u8> {
    let mut body = export.start(range).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    bytes
}

async fn export_gives_the_disk_from_any_byte_on(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let bytes = sparse();
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let id = world.backed_up(vault).await[0].backup.id;
    let export = open(&world, id, ExportFormat::Raw).await;
    assert_eq!(export.length(), bytes.len() as u64);
    assert_eq!(export.file_name(), format!("{disk}.raw"));
    let tag = export.tag().to_owned();
    assert!(read(export, ByteRange { start: 0, end: bytes.len() as u64 }).await == bytes);
    for (start, end) in [(5, 6), (1 << 20, 7 << 20), (8_999_999, 9_000_001), (900_000, 8_000_000)] {
        let export = open(&world, id, ExportFormat::Raw).await;
        assert_eq!(export.tag(), tag);
        let range = ByteRange { start: start as u64, end: end as u64 };
        assert!(read(export, range).await == bytes[start..end], "{start} to {end}");
    }
    // Another backup of the same disk has another tag.
    let again = world.backed_up(vault).await[0].backup.id;
    assert_ne!(open(&world, again, ExportFormat::Raw).await.tag(), tag);
}

// proves: CTL-22
async fn export_as_an_image_is_what_qemu_understands(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let bytes = sparse();
    let disk = world.disk("a", bytes.clone()).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let id = world.backed_up(vault).await[0].backup.id;
    let export = open(&world, id, ExportFormat::Qcow2).await;
    let length = export.length();
    assert!(length < 4 << 20, "the hole has no place: {length}");
    let image = read(export, ByteRange { start: 0, end: length }).await;
    assert_eq!(image.len() as u64, length);
    for start in [1, 65_536, 400_000, length - 70_000] {
        let rest =
            read(open(&world, id, ExportFormat::Qcow2).await, ByteRange { start, end: length });
        assert!(image.ends_with(&rest.await), "from {start} on");
    }
    let (raw, made) = (world.folder.path().join("a.raw"), world.folder.path().join("a.qcow2"));
    #[expect(clippy::disallowed_methods, reason = "files of a test need not be durable")]
    for (path, content) in [(&raw, &bytes), (&made, &image)] {
        std::fs::write(path, content).unwrap();
    }
    for arguments in
        [vec!["check", "-q", "-f", "qcow2"], vec!["compare", "-f", "raw", "-F", "qcow2"]]
    {
        #[expect(clippy::disallowed_methods, reason = "tests run the real tools")]
        let mut command = Command::new("qemu-img");
        command.args(&arguments);
        if arguments[0] == "compare" {
            command.arg(&raw);
        }
        let output = command.arg(&made).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

async fn server_is_exported_by_its_children(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disks = [noise(1, 200_000), noise(2, 300_000)];
    let format = DiskImageFormat::Raw;
    let place =
        |name: &str, bytes: &Vec<u8>| (world.fake.put(name, format, bytes.clone()).path, format);
    let places = vec![place("a", &disks[0]), place("b", &disks[1])];
    let (server, _) = world.server("web", places).await;
    let vault = world.server_vault(&[server]).await;
    world.work();
    let view = world.backed_up(vault).await.remove(0);
    let raw = ExportFormat::Raw;
    assert_eq!(code(world.service.backup_export(&world.cx, view.backup.id, raw).await), 9900);
    for (child, bytes) in view.children.iter().zip(&disks) {
        let export = open(&world, child.id, raw).await;
        let range = ByteRange { start: 0, end: export.length() };
        assert!(read(export, range).await == *bytes);
    }
}

async fn export_is_only_for_those_who_may(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 100_000)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let id = world.backed_up(vault).await[0].backup.id;
    let raw = ExportFormat::Raw;
    let elsewhere = context(OTHER, &[Role::Admin]);
    assert_eq!(code(world.service.backup_export(&elsewhere, id, raw).await), 6200);
    let reader = context(world.cx.project, &[Role::Reader]);
    let refused = world.service.backup_export(&reader, id, raw).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}

async fn running_export_keeps_its_backup_and_others_wait(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let disk = world.disk("a", noise(1, 30 << 20)).await;
    let vault = world.vault(&[disk]).await;
    world.work();
    let id = world.backed_up(vault).await[0].backup.id;
    let raw = ExportFormat::Raw;
    let mut running = Vec::new();
    for _ in 0..MOST_EXPORTS {
        let export = open(&world, id, raw).await;
        let range = ByteRange { start: 0, end: export.length() };
        running.push(export.start(range).await.unwrap());
    }
    // Slow clients: the first piece, and no more.
    for body in &mut running {
        assert!(!body.next().await.unwrap().unwrap().is_empty());
    }
    let busy = world.service.backup_export(&world.cx, id, raw).await;
    assert!(matches!(busy, Err(Error::Busy)));
    assert_eq!(code(world.service.backup_delete(&world.cx, id).await), 6216);
    drop(running);
    let is_free = || async { code(world.service.backup_delete(&world.cx, id).await) == 0 };
    world.wait_for("the exports to end", is_free).await;
}
