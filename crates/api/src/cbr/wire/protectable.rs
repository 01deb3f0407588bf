//! What can be protected (contract, 3.11).

use serde_json::{Value, json};
use strongroom_control::cbr::{Protectable, ProtectableSource, Protection, code_of};
use strongroom_model::disk::Disk;
use strongroom_model::resource::ResourceType;
use strongroom_model::server::Server;

use super::vault::WireVault;
use crate::json::extended;
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
