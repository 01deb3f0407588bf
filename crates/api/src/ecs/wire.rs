//! One server, two renderings (related-services, 3.4).
//!
//! # Why
//! A server here is a name over disks: it has no flavour, image, network or key. Clients want the
//! keys all the same, some as objects that they look into, so they are there and empty.

use serde_json::{Value, json};
use strongroom_base::Timestamp;
use strongroom_model::disk::Disk;
use strongroom_model::server::{Server, ServerStatus};

use crate::evs::device;
use crate::json::extended;
use crate::schema::{
    Schema, boolean, empty_list, id, list, naive_time, named, null, nullable, number, number_of,
    object, one_of, plain_id, text, with_keys, word, zulu_time,
};
use crate::time::TimeForm;

/// The native rendering: numbers of the flavour are texts.
pub(super) fn native_server(server: &Server, disks: &[Disk], zone: &str) -> Value {
    let volumes = disks.iter().map(|disk| {
        let position = disk.attachment.map_or(0, |attachment| attachment.position);
        let is_system = disk.attachment.is_some_and(|attachment| attachment.is_system);
        json!({
            "id": disk.id,
            "delete_on_termination": "false",
            "bootIndex": is_system.then_some("0"),
            "device": device(position),
        })
    });
    let flavor = json!({"id": "", "name": "", "disk": "0", "vcpus": "0", "ram": "0"});
    extended(
        common(server, zone),
        [
            ("os-extended-volumes:volumes_attached", volumes.collect()),
            ("flavor", flavor),
            ("image", json!({"id": ""})),
            ("host_status", json!("UP")),
            ("sys_tags", json!([])),
            ("enterprise_project_id", json!("0")),
        ],
    )
}

/// [`native_server`], described.
pub(super) fn native_schema() -> Schema {
    let volume = object([
        ("id", id()),
        ("delete_on_termination", word("false")),
        ("bootIndex", nullable(word("0"))),
        ("device", text()),
    ]);
    let flavor = ["id", "name", "disk", "vcpus", "ram"].map(|key| (key, text()));
    let keys = [
        ("os-extended-volumes:volumes_attached", list(volume)),
        ("flavor", object(flavor)),
        ("image", object([("id", word(""))])),
        ("host_status", word("UP")),
        ("sys_tags", empty_list()),
        ("enterprise_project_id", word("0")),
    ];
    named("NativeServer", with_keys(common_keys(), keys))
}

/// [`nova_server`], described.
pub(super) fn nova_schema() -> Schema {
    named("NovaServer", nova_server_keys())
}

/// What [`nova_server`] has, for who adds to it.
pub(crate) fn nova_server_keys() -> Schema {
    let flavor = object([
        ("id", text()),
        ("original_name", text()),
        ("vcpus", number()),
        ("ram", number()),
        ("disk", number()),
        ("links", empty_list()),
    ]);
    let keys = [
        ("os-extended-volumes:volumes_attached", list(object([("id", id())]))),
        ("flavor", flavor),
        ("image", object([("id", word("")), ("links", empty_list())])),
    ];
    with_keys(common_keys(), keys)
}

/// Nova's rendering by name alone.
pub(super) fn short_schema() -> Schema {
    named("ServerName", object([("id", id()), ("name", text()), ("links", empty_list())]))
}

fn common_keys() -> Schema {
    let empty = || word("");
    object([
        ("id", id()),
        ("name", text()),
        ("status", one_of(ServerStatus::ALL)),
        ("tenant_id", plain_id()),
        ("user_id", empty()),
        ("hostId", empty()),
        ("key_name", empty()),
        ("created", zulu_time()),
        ("updated", zulu_time()),
        ("progress", number_of(0, 100)),
        ("accessIPv4", empty()),
        ("accessIPv6", empty()),
        ("config_drive", empty()),
        ("description", empty()),
        ("locked", boolean()),
        ("tags", empty_list()),
        ("links", empty_list()),
        ("metadata", object([])),
        ("addresses", object([])),
        ("security_groups", empty_list()),
        ("OS-EXT-STS:vm_state", text()),
        ("OS-EXT-STS:task_state", null()),
        ("OS-EXT-STS:power_state", number_of(0, 4)),
        ("OS-EXT-AZ:availability_zone", text()),
        ("OS-DCF:diskConfig", word("MANUAL")),
        ("OS-SRV-USG:launched_at", naive_time()),
        ("OS-SRV-USG:terminated_at", null()),
    ])
}

/// Nova's rendering: numbers of the flavour are numbers.
pub(crate) fn nova_server(server: &Server, disks: &[Disk], zone: &str) -> Value {
    let volumes = disks.iter().map(|disk| json!({"id": disk.id}));
    let flavor =
        json!({"id": "", "original_name": "", "vcpus": 0, "ram": 0, "disk": 0, "links": []});
    extended(
        common(server, zone),
        [
            ("os-extended-volumes:volumes_attached", volumes.collect()),
            ("flavor", flavor),
            ("image", json!({"id": "", "links": []})),
        ],
    )
}

fn common(server: &Server, zone: &str) -> Value {
    let seconds = |time: Timestamp| TimeForm::ZuluSeconds.format(time);
    let (vm_state, power_state) = states(server.status);
    json!({
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": "",
        "hostId": "",
        "key_name": "",
        "created": seconds(server.created_at),
        "updated": seconds(server.updated_at),
        "progress": 0,
        "accessIPv4": "",
        "accessIPv6": "",
        "config_drive": "",
        "description": "",
        "locked": false,
        "tags": [],
        "links": [],
        "metadata": {},
        "addresses": {},
        "security_groups": [],
        "OS-EXT-STS:vm_state": vm_state,
        "OS-EXT-STS:task_state": null,
        "OS-EXT-STS:power_state": power_state,
        "OS-EXT-AZ:availability_zone": zone,
        "OS-DCF:diskConfig": "MANUAL",
        "OS-SRV-USG:launched_at": TimeForm::NaiveMicros.format(server.created_at),
        "OS-SRV-USG:terminated_at": null,
    })
}

/// The state of the machine, and of its power: 0 none, 1 running, 4 shut down.
fn states(status: ServerStatus) -> (&'static str, u8) {
    match status {
        ServerStatus::Build => ("building", 0),
        ServerStatus::Active
        | ServerStatus::Reboot
        | ServerStatus::HardReboot
        | ServerStatus::Resize
        | ServerStatus::RevertResize => ("active", 1),
        ServerStatus::VerifyResize => ("resized", 1),
        ServerStatus::Shutoff => ("stopped", 4),
        ServerStatus::Error => ("error", 0),
        ServerStatus::Deleted => ("deleted", 0),
        ServerStatus::Unknown => ("unknown", 0),
    }
}
