//! Resources of a vault (contract, 3.3 and 3.4).

use serde::Serialize;
use strongroom_control::cbr::NewResource;
use strongroom_model::ResourceId;
use strongroom_model::resource::{
    IncludedVolume, ProtectStatus, ResourceName, ResourceType, ResourceUse, VolumeSelection,
};

use super::billing::megabytes;
use crate::invalid::Invalid;
use crate::json::{Item, Object};
use crate::schema::{
    Schema, id, list, list_of, named, number, object, object_with, one_of, request, text, text_of,
};

/// As the vault shows it.
#[derive(Debug, Serialize)]
pub(crate) struct WireResource<'a> {
    id: ResourceId,
    #[serde(rename = "type")]
    resource_type: ResourceType,
    name: &'a str,
    /// Gigabytes.
    size: u64,
    /// Megabytes.
    backup_size: u64,
    backup_count: u64,
    protect_status: ProtectStatus,
    extra_info: ExtraInfo<'a>,
}

/// Which disks of a server; `{}` for all.
#[derive(Debug, Serialize)]
struct ExtraInfo<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    exclude_volumes: &'a [ResourceId],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include_volumes: &'a [IncludedVolume],
}

impl<'a> WireResource<'a> {
    pub(crate) fn of(view: &'a ResourceUse) -> Self {
        let resource = &view.resource;
        Self {
            id: resource.id,
            resource_type: resource.resource_type,
            name: resource.name.as_str(),
            size: resource.size_gigabytes,
            backup_size: megabytes(view.backup_bytes),
            backup_count: view.backup_count,
            protect_status: resource.status,
            extra_info: ExtraInfo {
                exclude_volumes: &resource.volumes.exclude,
                include_volumes: &resource.volumes.include,
            },
        }
    }
}

/// [`WireResource`], described.
pub(super) fn schema() -> Schema {
    let volume = object_with([("id", id())], [("os_version", text())]);
    let extra =
        object_with([], [("exclude_volumes", list(id())), ("include_volumes", list(volume))]);
    named(
        "Resource",
        object([
            ("id", id()),
            ("type", one_of(ResourceType::ALL)),
            ("name", text()),
            ("size", number()),
            ("backup_size", number()),
            ("backup_count", number()),
            ("protect_status", one_of(ProtectStatus::ALL)),
            ("extra_info", extra),
        ]),
    )
}

/// What is read of a resource to put somewhere.
pub(super) fn new_schema() -> Schema {
    let volume = request([("id", id())], [("os_version", text())]);
    let extra = request([], [("exclude_volumes", list(id())), ("include_volumes", list(volume))]);
    let resource = request(
        [("id", id()), ("type", one_of(ResourceType::ALL))],
        [("name", text_of(0, 255)), ("extra_info", extra)],
    );
    named("NewResource", resource)
}

/// The body that names resources to put into a vault.
pub(crate) fn add_schema() -> Schema {
    request([("resources", list_of(new_schema(), 1, 256))], [])
}

/// The body that names resources to take out of a vault.
pub(crate) fn remove_schema() -> Schema {
    request([("resource_ids", list_of(id(), 1, 256))], [])
}

/// Reads a list of resources to put somewhere.
pub(crate) fn read_resources(items: &[Item<'_>]) -> Result<Vec<NewResource>, Invalid> {
    items.iter().map(|item| read_resource(&item.object()?)).collect()
}

fn read_resource(resource: &Object<'_>) -> Result<NewResource, Invalid> {
    Ok(NewResource {
        id: resource.id_required("id")?,
        resource_type: read_type(resource)?,
        name: resource.parse("name", ResourceName::parse)?,
        volumes: read_volumes(resource)?,
    })
}

/// A type that is unknown here fits no vault, and so has the code of those (6102).
fn read_type(resource: &Object<'_>) -> Result<ResourceType, Invalid> {
    let text = resource.require("type", resource.text("type")?)?;
    ResourceType::parse(text).map_err(|error| resource.invalid("type", error.allowed).coded(6102))
}

fn read_volumes(resource: &Object<'_>) -> Result<VolumeSelection, Invalid> {
    let Some(extra) = resource.object("extra_info")? else {
        return Ok(VolumeSelection::default());
    };
    let include = extra.list("include_volumes")?.unwrap_or_default();
    let include = include.iter().map(|item| {
        let volume = item.object()?;
        let os_version = volume.text("os_version")?.map(str::to_owned);
        Ok(IncludedVolume { id: volume.id_required("id")?, os_version })
    });
    Ok(VolumeSelection {
        exclude: extra.ids("exclude_volumes")?,
        include: include.collect::<Result<_, Invalid>>()?,
    })
}
