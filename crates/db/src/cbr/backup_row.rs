//! Between rows of backups and backups.

use sea_orm::ActiveValue::Set;
use strongroom_base::ByteCount;
use strongroom_model::backup::{Backup, BackupSource};

use crate::DbError;
use crate::entity::cbr_backup::{ActiveModel, Model};
use crate::row::{Row, micros, number};

/// The time of a backup that was never available.
const NEVER: i64 = -1;

impl TryFrom<Model> for Backup {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "cbr_backup", id: &row.id };
        let protected_at = Some(row.protected_at).filter(|at| *at != NEVER);
        let source = BackupSource {
            id: at.id("resource_id", &row.resource_id)?,
            resource_type: at.text("resource_type", row.resource_type)?,
            name: at.text("resource_name", row.resource_name)?,
            size_gigabytes: at.number("resource_size_gb", row.resource_size_gb)?,
            zone: at.text_option("resource_zone", row.resource_zone)?,
        };
        Ok(Self {
            id: at.id("id", &row.id)?,
            checkpoint_id: at.id("checkpoint_id", &row.checkpoint_id)?,
            project_id: at.id("project_id", &row.project_id)?,
            vault_id: at.id("vault_id", &row.vault_id)?,
            parent_id: at.id_option("parent_id", row.parent_id.as_deref())?,
            name: at.text("name", row.name)?,
            description: at.text("description", row.description)?,
            status: at.text("status", row.status)?,
            image_type: at.text("image_type", row.image_type)?,
            source,
            is_automatic: row.is_automatic,
            is_incremental: row.is_incremental,
            is_encrypted: row.is_encrypted,
            is_system_disk: row.is_system_disk,
            created_at: at.time("created_at", row.created_at)?,
            updated_at: at.time("updated_at", row.updated_at)?,
            protected_at: at.time_option("protected_at", protected_at)?,
            expires_at: at.time_option("expires_at", row.expires_at)?,
            manifest_id: at.id_option("manifest_id", row.manifest_id.as_deref())?,
            stored: ByteCount(at.number("stored_bytes", row.stored_bytes)?),
        })
    }
}

/// Reads rows.
pub(super) fn backups(rows: Vec<Model>) -> Result<Vec<Backup>, DbError> {
    rows.into_iter().map(Backup::try_from).collect()
}

/// The row of a new backup.
pub(super) fn new(backup: &Backup, position: i64) -> ActiveModel {
    ActiveModel {
        id: Set(backup.id.to_string()),
        checkpoint_id: Set(backup.checkpoint_id.to_string()),
        project_id: Set(backup.project_id.to_string()),
        vault_id: Set(backup.vault_id.to_string()),
        parent_id: Set(backup.parent_id.map(|id| id.to_string())),
        position: Set(position),
        image_type: Set(backup.image_type.to_string()),
        resource_id: Set(backup.source.id.to_string()),
        resource_type: Set(backup.source.resource_type.to_string()),
        is_automatic: Set(backup.is_automatic),
        created_at: Set(micros(backup.created_at)),
        ..changed(backup)
    }
}

/// What of a backup's row may change.
pub(super) fn changed(backup: &Backup) -> ActiveModel {
    let zone = backup.source.zone.as_ref();
    ActiveModel {
        name: Set(backup.name.to_string()),
        description: Set(backup.description.to_string()),
        status: Set(backup.status.to_string()),
        resource_name: Set(backup.source.name.to_string()),
        resource_size_gb: Set(number(backup.source.size_gigabytes)),
        resource_zone: Set(zone.map(ToString::to_string)),
        is_incremental: Set(backup.is_incremental),
        is_encrypted: Set(backup.is_encrypted),
        is_system_disk: Set(backup.is_system_disk),
        updated_at: Set(micros(backup.updated_at)),
        protected_at: Set(backup.protected_at.map_or(NEVER, micros)),
        expires_at: Set(backup.expires_at.map(micros)),
        manifest_id: Set(backup.manifest_id.map(|id| id.to_string())),
        stored_bytes: Set(number(backup.stored.0)),
        ..ActiveModel::default()
    }
}
