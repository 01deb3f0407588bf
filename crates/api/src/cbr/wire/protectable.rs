//! What can be protected (contract, 3.11).

use serde_json::{Value, json};
use strongroom_control::cbr::{Protectable, ProtectableSource, Protection, code_of};
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::resource::ResourceType;
use strongroom_model::server::{Server, ServerStatus};

use super::vault::{self, WireVault};
use crate::json::extended;
use crate::schema::{
    Schema, any_of, boolean, empty_list, id, list, named, nullable, number, object, one_of, text,
    with_keys, word,
};
use crate::{ecs, evs};

/// As answers show it. `zone` is where everything here runs.
pub(crate) fn of(protectable: &Protectable, zone: &str) -> Value {
    let instance = match &protectable.source {
        ProtectableSource::Disk(disk) => of_disk(disk, zone),
        ProtectableSource::Server(server, disks) => of_server(server, disks, zone),
    };
    extended(instance, [("protectable", of_protection(&protectable.protection))])
}

fn of_disk(disk: &Disk, zone: &str) -> Value {
    json!({
        "id": disk.id,
        "name": disk.name,
        "type": ResourceType::Disk,
        "size": disk.size_gigabytes(),
        "status": disk.status,
        "children": [],
        "detail": evs::volume(disk, zone),
    })
}

fn of_server(server: &Server, disks: &[Disk], zone: &str) -> Value {
    let size: u64 = disks.iter().map(Disk::size_gigabytes).sum();
    let detail = ecs::nova_server(server, disks, zone);
    let detail = extended(detail, [("size", json!(size)), ("availability_zone", json!(zone))]);
    json!({
        "id": server.id,
        "name": server.name,
        "type": ResourceType::Server,
        "size": size,
        "status": server.status,
        "children": disks.iter().map(|disk| of_disk(disk, zone)).collect::<Vec<_>>(),
        "detail": detail,
    })
}

fn of_protection(protection: &Protection) -> Value {
    let code = protection.refusal.as_ref().map(|refusal| code_of(refusal).to_string());
    let reason = protection.refusal.as_ref().map(ToString::to_string).unwrap_or_default();
    json!({
        "result": protection.refusal.is_none(),
        "code": code.unwrap_or_default(),
        "reason": reason,
        "message": reason,
        "vault": protection.vault.as_ref().map(WireVault::of),
    })
}

/// What can be protected, described.
pub(crate) fn schema() -> Schema {
    let protection = named(
        "Protection",
        object([
            ("result", boolean()),
            ("code", text()),
            ("reason", text()),
            ("message", text()),
            ("vault", nullable(vault::schema())),
        ]),
    );
    let with_protection = |name: &str, instance| {
        named(name, with_keys(instance, [("protectable", protection.clone())]))
    };
    any_of([
        with_protection("ProtectableDisk", disk_schema()),
        with_protection("ProtectableServer", server_schema()),
    ])
}

fn disk_schema() -> Schema {
    object([
        ("id", id()),
        ("name", text()),
        ("type", word(ResourceType::Disk.as_str())),
        ("size", number()),
        ("status", one_of(DiskStatus::ALL)),
        ("children", empty_list()),
        ("detail", evs::volume_schema()),
    ])
}

fn server_schema() -> Schema {
    let more = [("size", number()), ("availability_zone", text())];
    object([
        ("id", id()),
        ("name", text()),
        ("type", word(ResourceType::Server.as_str())),
        ("size", number()),
        ("status", one_of(ServerStatus::ALL)),
        ("children", list(named("ProtectableChild", disk_schema()))),
        ("detail", with_keys(ecs::nova_server_keys(), more)),
    ])
}
