//! Backups (contract, 3.7 and 4.5).

use serde::Serialize;
use serde_json::Value;
use strongroom_model::backup::{Backup, BackupName, BackupStatus, BackupView, ImageType};
use strongroom_model::resource::ResourceType;
use strongroom_model::vault::ObjectType;
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{BackupId, CheckpointId, Name, ProjectId, ResourceId, VaultId};

use super::vault::{name_schema, provider_schema};
use crate::failure::Failure;
use crate::json::Object;
use crate::schema::{
    Schema, boolean, empty_list, id, list, naive_time, named, nullable, number, number_of, object,
    one_of, plain_id, reference, request, text, word,
};
use crate::time::TimeForm;

/// As answers show it.
#[derive(Debug, Serialize)]
pub(crate) struct WireBackup<'a> {
    id: BackupId,
    checkpoint_id: CheckpointId,
    project_id: ProjectId,
    vault_id: VaultId,
    name: &'a str,
    description: &'a str,
    status: BackupStatus,
    image_type: ImageType,
    resource_id: ResourceId,
    resource_name: &'a str,
    resource_type: ResourceType,
    /// Gigabytes.
    resource_size: u64,
    resource_az: Option<&'a str>,
    provider_id: &'static str,
    parent_id: Option<BackupId>,
    created_at: String,
    updated_at: String,
    protected_at: Option<String>,
    expired_at: Option<String>,
    children: Vec<WireBackup<'a>>,
    extend_info: ExtendInfo,
    enterprise_project_id: &'static str,
    incremental: bool,
    version: u8,
    replication_records: [(); 0],
}

/// What the cloud knows beside it.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are the wire's")]
struct ExtendInfo {
    auto_trigger: bool,
    bootable: bool,
    system_disk: bool,
    contain_system_disk: bool,
    incremental: bool,
    encrypted: bool,
    /// Requests for new servers name a disk's backup by this id (related-services, ECS-9).
    snapshot_id: BackupId,
    support_lld: bool,
    supported_restore_mode: &'static str,
    os_images_data: [(); 0],
    architecture: &'static str,
    progress: u8,
    app_consistency: AppConsistency,
}

/// No agent is asked, so nothing can fail.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the wire's")]
struct AppConsistency {
    app_consistency: &'static str,
    app_consistency_status: &'static str,
    app_consistency_error_code: &'static str,
    app_consistency_error_message: &'static str,
}

const NO_APPLICATION: AppConsistency = AppConsistency {
    app_consistency: "0",
    app_consistency_status: "0",
    app_consistency_error_code: "",
    app_consistency_error_message: "",
};

impl<'a> WireBackup<'a> {
    pub(crate) fn of(view: &'a BackupView) -> Self {
        let mut wire = Self::of_one(&view.backup);
        wire.children = view.children.iter().map(Self::of_one).collect();
        wire.extend_info.contain_system_disk = view.children.iter().any(|of| of.is_system_disk);
        wire
    }

    fn of_one(backup: &'a Backup) -> Self {
        let time = |time| TimeForm::NaiveMicros.format(time);
        let source = &backup.source;
        Self {
            id: backup.id,
            checkpoint_id: backup.checkpoint_id,
            project_id: backup.project_id,
            vault_id: backup.vault_id,
            name: backup.name.as_str(),
            description: backup.description.as_str(),
            status: backup.status,
            image_type: backup.image_type,
            resource_id: source.id,
            resource_name: source.name.as_str(),
            resource_type: source.resource_type,
            resource_size: source.size_gigabytes,
            resource_az: source.zone.as_ref().map(AvailabilityZone::as_str),
            provider_id: provider_of(backup),
            parent_id: backup.parent_id,
            created_at: time(backup.created_at),
            updated_at: time(backup.updated_at),
            protected_at: backup.protected_at.map(time),
            expired_at: backup.expires_at.map(time),
            children: Vec::new(),
            extend_info: ExtendInfo::of(backup),
            enterprise_project_id: "0",
            incremental: backup.is_incremental,
            version: 3,
            replication_records: [],
        }
    }
}

/// Who protects it: the server's provider for a server's disks too, as they stand in its vault.
fn provider_of(backup: &Backup) -> &'static str {
    let is_of_server = backup.parent_id.is_some();
    let object = match backup.source.resource_type {
        ResourceType::Server => ObjectType::Server,
        ResourceType::Disk if is_of_server => ObjectType::Server,
        ResourceType::Disk => ObjectType::Disk,
        ResourceType::Share => ObjectType::Turbo,
    };
    object.provider_id()
}

impl ExtendInfo {
    fn of(backup: &Backup) -> Self {
        let is_available = backup.status == BackupStatus::Available;
        Self {
            auto_trigger: backup.is_automatic,
            bootable: backup.is_system_disk,
            system_disk: backup.is_system_disk,
            contain_system_disk: false,
            incremental: backup.is_incremental,
            encrypted: backup.is_encrypted,
            snapshot_id: backup.id,
            support_lld: false,
            supported_restore_mode: if is_available { "backup" } else { "na" },
            os_images_data: [],
            architecture: "",
            progress: if backup.status.is_being_made() { 0 } else { 100 },
            app_consistency: NO_APPLICATION,
        }
    }
}

/// [`WireBackup`], described.
pub(crate) fn schema() -> Schema {
    named(
        "Backup",
        object([
            ("id", id()),
            ("checkpoint_id", id()),
            ("project_id", plain_id()),
            ("vault_id", id()),
            ("name", text()),
            ("description", text()),
            ("status", one_of(BackupStatus::ALL)),
            ("image_type", one_of(ImageType::ALL)),
            ("resource_id", id()),
            ("resource_name", text()),
            ("resource_type", one_of(ResourceType::ALL)),
            ("resource_size", number()),
            ("resource_az", nullable(text())),
            ("provider_id", provider_schema()),
            ("parent_id", nullable(id())),
            ("created_at", naive_time()),
            ("updated_at", naive_time()),
            ("protected_at", nullable(naive_time())),
            ("expired_at", nullable(naive_time())),
            ("children", list(reference("Backup"))),
            ("extend_info", extend_info_schema()),
            ("enterprise_project_id", word("0")),
            ("incremental", boolean()),
            ("version", number()),
            ("replication_records", empty_list()),
        ]),
    )
}

fn extend_info_schema() -> Schema {
    let app_consistency = object([
        ("app_consistency", text()),
        ("app_consistency_status", text()),
        ("app_consistency_error_code", text()),
        ("app_consistency_error_message", text()),
    ]);
    object([
        ("auto_trigger", boolean()),
        ("bootable", boolean()),
        ("system_disk", boolean()),
        ("contain_system_disk", boolean()),
        ("incremental", boolean()),
        ("encrypted", boolean()),
        ("snapshot_id", id()),
        ("support_lld", boolean()),
        ("supported_restore_mode", one_of(["backup", "na"])),
        ("os_images_data", empty_list()),
        ("architecture", text()),
        ("progress", number_of(0, 100)),
        ("app_consistency", app_consistency),
    ])
}

/// What [`read_rename`] reads.
pub(crate) fn rename_schema() -> Schema {
    request([("backup", request([("name", name_schema())], []))], [])
}

/// Reads the body of a request for another name.
pub(crate) fn read_rename(body: &Value) -> Result<BackupName, Failure> {
    let backup = Object::inside(body, "backup")?;
    Ok(backup.parse_required("name", Name::parse)?.into())
}

#[cfg(test)]
mod tests;
