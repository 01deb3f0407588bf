//! The forms of resources that were made known.
//!
//! ```text
//! {"resource": {"type": "disk", "name": "root", "path": "/srv/disks/root.img", "format": "raw"}}
//! {"resource": {"type": "server", "name": "web", "disks": [{"path": "..", "format": ".."}]}}
//! ```
//!
//! The answer has ids, sizes and states beside it. `format` may be left out where the file says what
//! it is; raw never does. The first disk of a server is the one that it boots from.

use serde_json::{Value, json};
use strongroom_control::host::{Adopted, AdoptedDisk, Adoption};
use strongroom_model::disk::{Disk, DiskImageFormat, DiskStatus};
use strongroom_model::resource::ResourceName;
use strongroom_model::server::{Server, ServerStatus};

use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::json::Object;
use crate::schema::{
    Schema, any_of, boolean, filled_list, id, list, named, nullable, number, object, one_of,
    pattern, request, text, text_of, with_keys, word, zulu_time,
};
use crate::time::TimeForm;

/// A resource as answers show it.
pub(super) fn resource(adopted: &Adopted) -> Value {
    match adopted {
        Adopted::Disk(disk) => of_disk(disk),
        Adopted::Server(server, disks) => of_server(server, disks),
    }
}

fn of_server(server: &Server, disks: &[Disk]) -> Value {
    json!({
        "type": "server",
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "disks": disks.iter().map(of_disk).collect::<Vec<_>>(),
        "created_at": TimeForm::ZuluMicros.format(server.created_at),
        "updated_at": TimeForm::ZuluMicros.format(server.updated_at),
    })
}

fn of_disk(disk: &Disk) -> Value {
    json!({
        "type": "disk",
        "id": disk.id,
        "name": disk.name,
        "status": disk.status,
        "size_bytes": disk.size.get(),
        "format": disk.format,
        "path": disk.path,
        "server_id": disk.attachment.map(|attachment| attachment.server),
        "is_system_disk": disk.attachment.is_some_and(|attachment| attachment.is_system),
        "is_managed": disk.is_managed,
        "created_at": TimeForm::ZuluMicros.format(disk.created_at),
        "updated_at": TimeForm::ZuluMicros.format(disk.updated_at),
    })
}

/// [`resource`], described.
pub(super) fn schema() -> Schema {
    let disk = || {
        let disk = object([
            ("type", word("disk")),
            ("id", id()),
            ("name", text()),
            ("status", one_of(DiskStatus::ALL)),
            ("size_bytes", number()),
            ("format", one_of(DiskImageFormat::ALL)),
            ("path", text()),
            ("server_id", nullable(id())),
            ("is_system_disk", boolean()),
            ("is_managed", boolean()),
            ("created_at", zulu_time()),
            ("updated_at", zulu_time()),
        ]);
        named("HostDisk", disk)
    };
    let server = object([
        ("type", word("server")),
        ("id", id()),
        ("name", text()),
        ("status", one_of(ServerStatus::ALL)),
        ("disks", list(disk())),
        ("created_at", zulu_time()),
        ("updated_at", zulu_time()),
    ]);
    any_of([disk(), named("HostServer", server)])
}

/// What [`read`] reads.
pub(super) fn new_schema() -> Schema {
    let disk = || {
        request(
            [("path", pattern(r"^/[^\u0000]*$"))],
            [("name", text_of(0, 255)), ("format", one_of(DiskImageFormat::ALL))],
        )
    };
    let server = request(
        [("type", word("server")), ("name", text_of(0, 255)), ("disks", filled_list(disk()))],
        [],
    );
    let alone = with_keys(disk(), [("type", word("disk"))]);
    request([("resource", named("NewHostResource", any_of([alone, server])))], [])
}

/// Reads the body of a request to make something known.
pub(super) fn read(body: &Value) -> Result<Adoption, Failure> {
    let resource = Object::inside(body, "resource")?;
    match resource.require("type", resource.text("type")?)? {
        "disk" => Ok(Adoption::Disk(read_disk(&resource)?)),
        "server" => {
            let disks = resource.require("disks", resource.list("disks")?)?;
            if disks.is_empty() {
                return Err(resource.invalid("disks", "a list of at least one disk").into());
            }
            let disks = disks.iter().map(|item| read_disk(&item.object()?));
            Ok(Adoption::Server {
                name: resource.parse_required("name", ResourceName::parse)?,
                disks: disks.collect::<Result<_, _>>()?,
            })
        }
        _ => Err(resource.invalid("type", "disk or server").into()),
    }
}

fn read_disk(disk: &Object<'_>) -> Result<AdoptedDisk, Invalid> {
    let path = disk.require("path", disk.text("path")?)?;
    if !path.starts_with('/') || path.contains('\0') {
        return Err(disk.invalid("path", "an absolute path"));
    }
    Ok(AdoptedDisk {
        name: disk.parse("name", ResourceName::parse)?,
        path: path.into(),
        format: disk.parse("format", DiskImageFormat::parse)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &Value) -> String {
        match read(body) {
            Err(Failure::Invalid(invalid)) => invalid.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn read_takes_disks_and_servers() {
        let disk = json!({"type": "disk", "path": "/a", "format": "raw"});
        let Adoption::Disk(found) = read(&json!({"resource": disk})).unwrap() else { panic!() };
        assert_eq!(found.format, Some(DiskImageFormat::Raw));
        let server =
            json!({"type": "server", "name": "s", "disks": [{"path": "/a"}, {"path": "/b"}]});
        let found = read(&json!({"resource": server})).unwrap();
        assert!(matches!(found, Adoption::Server { disks, .. } if disks.len() == 2));
    }

    #[test]
    fn read_names_what_is_wrong() {
        for (resource, expected) in [
            (json!({}), "resource.type must be present"),
            (json!({"type": "share"}), "resource.type must be disk or server"),
            (json!({"type": "disk"}), "resource.path must be present"),
            (json!({"type": "disk", "path": "a"}), "resource.path must be an absolute path"),
            (
                json!({"type": "disk", "path": "/a", "format": "vhd"}),
                "resource.format must be one of: raw qcow2 block",
            ),
            (json!({"type": "server", "disks": [{"path": "/a"}]}), "resource.name must be present"),
            (
                json!({"type": "server", "name": "s", "disks": []}),
                "resource.disks must be a list of at least one disk",
            ),
            (
                json!({"type": "server", "name": "s", "disks": [{}]}),
                "resource.disks[0].path must be present",
            ),
        ] {
            assert_eq!(message(&json!({"resource": resource})), expected);
        }
    }
}
