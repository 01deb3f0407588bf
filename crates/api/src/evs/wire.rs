//! The forms of disks (related-services, 5.2 and 5.3).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom_control::evs::NewDisk;
use strongroom_model::description::Description;
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::resource::ResourceName;
use strongroom_model::zone::AvailabilityZone;

use super::volume_types;
use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::json::Object;
use crate::schema::{
    Schema, boolean, empty_list, id, list, map, naive_time, named, null, nullable, number,
    number_of, object, one_of, pattern, plain_id, request, text, text_of, word,
};
use crate::time::TimeForm;

/// The largest disk, in gigabytes (EVS-9). The least is 1 here: a disk of ours is a file, and the
/// cloud's 10 has no reason for those.
const MOST_GIGABYTES: u64 = 32_768;

/// A disk as answers show it. Times have no zone: a `Z` breaks one client (related-services, 1.8).
pub(crate) fn volume(disk: &Disk, zone: &str) -> Value {
    let time = |time| TimeForm::NaiveMicros.format(time);
    let is_system = disk.attachment.is_some_and(|attachment| attachment.is_system);
    json!({
        "id": disk.id,
        "name": disk.name,
        "description": disk.description,
        "status": disk.status,
        "size": disk.size_gigabytes(),
        "availability_zone": disk.zone.as_ref().map_or(zone, AvailabilityZone::as_str),
        "volume_type": disk.volume_type,
        "snapshot_id": null,
        "source_volid": null,
        "backup_id": null,
        "consistencygroup_id": null,
        "dedicated_storage_id": null,
        "replication_status": "disabled",
        "os-vol-tenant-attr:tenant_id": disk.project_id,
        "os-vol-host-attr:host": null,
        "bootable": if is_system { "true" } else { "false" },
        "multiattach": disk.is_multiattach,
        "shareable": disk.is_multiattach,
        "encrypted": false,
        "created_at": time(disk.created_at),
        "updated_at": time(disk.updated_at),
        "attachments": attachments(disk),
        "metadata": disk.metadata,
        "tags": {},
        "links": [],
        "user_id": disk.user_id,
        "service_type": "EVS",
        "wwn": null,
        "enterprise_project_id": "0",
    })
}

/// [`volume`], described.
pub(crate) fn volume_schema() -> Schema {
    let attachment = object([
        ("id", id()),
        ("attachment_id", id()),
        ("volume_id", id()),
        ("server_id", id()),
        ("host_name", null()),
        ("device", text()),
        ("attached_at", naive_time()),
    ]);
    named(
        "Volume",
        object([
            ("id", id()),
            ("name", text()),
            ("description", text()),
            ("status", one_of(DiskStatus::ALL)),
            ("size", number()),
            ("availability_zone", text()),
            ("volume_type", text()),
            ("snapshot_id", null()),
            ("source_volid", null()),
            ("backup_id", null()),
            ("consistencygroup_id", null()),
            ("dedicated_storage_id", null()),
            ("replication_status", text()),
            ("os-vol-tenant-attr:tenant_id", plain_id()),
            ("os-vol-host-attr:host", null()),
            ("bootable", one_of(["true", "false"])),
            ("multiattach", boolean()),
            ("shareable", boolean()),
            ("encrypted", boolean()),
            ("created_at", naive_time()),
            ("updated_at", naive_time()),
            ("attachments", list(attachment)),
            ("metadata", map(text())),
            ("tags", object([])),
            ("links", empty_list()),
            ("user_id", plain_id()),
            ("service_type", word("EVS")),
            ("wwn", null()),
            ("enterprise_project_id", word("0")),
        ]),
    )
}

/// One client feeds the attachment's id back as the disk's (related-services, 5.3).
fn attachments(disk: &Disk) -> Vec<Value> {
    let attached = disk.attachment.map(|attachment| {
        json!({
            "id": disk.id,
            "attachment_id": disk.id,
            "volume_id": disk.id,
            "server_id": attachment.server,
            "host_name": null,
            "device": device(attachment.position),
            "attached_at": TimeForm::NaiveMicros.format(disk.updated_at),
        })
    });
    attached.into_iter().collect()
}

/// The name under which a server sees its disk: vda, vdb and so on (ECS-13); after vdz vdaa.
pub(crate) fn device(position: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = position + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("/dev/vd{letters}")
}

/// Reads the body of a request for a new disk.
pub(super) fn read_new(body: &Value) -> Result<NewDisk, Failure> {
    let volume = Object::inside(body, "volume")?;
    check_empty(&volume)?;
    let size = volume.require("size", volume.integer("size")?)?;
    let size = u64::try_from(size).ok().filter(|size| (1..=MOST_GIGABYTES).contains(size));
    Ok(NewDisk {
        name: volume.parse("name", ResourceName::parse)?.unwrap_or_default(),
        description: volume.parse("description", Description::parse)?.unwrap_or_default(),
        size_gigabytes: size.ok_or_else(|| volume.invalid("size", "1 to 32768"))?,
        volume_type: volume
            .parse("volume_type", volume_types::parse)?
            .unwrap_or(volume_types::DEFAULT)
            .to_owned(),
        zone: volume.parse("availability_zone", AvailabilityZone::parse)?,
        metadata: read_metadata(&volume)?,
        is_multiattach: volume.boolean("multiattach")?.unwrap_or(false),
    })
}

/// What [`read_new`] reads.
pub(super) fn new_schema() -> Schema {
    let size = number_of(1, MOST_GIGABYTES.cast_signed());
    let volume = request(
        [("size", size)],
        [
            ("name", text_of(0, 255)),
            ("description", text_of(0, 255)),
            ("volume_type", pattern(volume_types::ANY_CASE)),
            ("availability_zone", text_of(1, 32)),
            ("metadata", map(nullable(text()))),
            ("multiattach", boolean()),
            ("count", number_of(1, 1)),
            ("backup_id", word("")),
            ("snapshot_id", word("")),
            ("imageRef", word("")),
            ("source_volid", word("")),
        ],
    );
    request([("volume", named("NewVolume", volume))], [])
}

/// Refuses what would make a disk that is not empty, or several.
fn check_empty(volume: &Object<'_>) -> Result<(), Invalid> {
    for source in ["backup_id", "snapshot_id", "imageRef", "source_volid"] {
        if volume.text(source)?.is_some_and(|text| !text.is_empty()) {
            return Err(volume.invalid(source, "absent: disks are made empty"));
        }
    }
    match volume.integer("count")? {
        None | Some(1) => Ok(()),
        Some(_) => Err(volume.invalid("count", "1")),
    }
}

fn read_metadata(volume: &Object<'_>) -> Result<BTreeMap<String, String>, Invalid> {
    let Some(fields) = volume.value("metadata") else { return Ok(BTreeMap::new()) };
    let wrong = || volume.invalid("metadata", "an object of strings");
    let fields = fields.as_object().ok_or_else(wrong)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| Ok((key.clone(), text(value).ok_or_else(wrong)?)))
        .collect()
}

#[cfg(test)]
mod tests;
