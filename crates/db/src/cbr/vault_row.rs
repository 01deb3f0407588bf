//! Between rows of vaults and vaults.

use sea_orm::ActiveValue::Set;
use strongroom_base::ByteCount;
use strongroom_base::ids::RepoId;
use strongroom_model::description::Description;
use strongroom_model::vault::{Threshold, Vault, VaultKind, VaultSize};

use crate::DbError;
use crate::entity::cbr_vault::{ActiveModel, Model};
use crate::row::{Row, json, micros};

/// A vault, and where its backups are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVault {
    /// The vault.
    pub vault: Vault,
    /// The repository that it writes to; made by its first backup.
    pub repository: Option<RepoId>,
    /// What its backups need in the store.
    pub used: ByteCount,
}

impl TryFrom<Model> for StoredVault {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let id = row.id.clone();
        let at = Row { table: "cbr_vault", id: &id };
        let kind = VaultKind::new(
            at.text("object_type", row.object_type)?,
            at.text("protect_type", row.protect_type)?,
            at.text("consistent_level", row.consistent_level)?,
        );
        let zone = row.availability_zone;
        let repository = row.repository_id;
        let used = at.read("used_bytes", u64::try_from(row.used_bytes))?;
        let vault = Vault {
            id: at.id("id", &row.id)?,
            project_id: at.id("project_id", &row.project_id)?,
            user_id: at.id("user_id", &row.user_id)?,
            created_at: at.time("created_at", row.created_at)?,
            name: at.text("name", row.name)?,
            description: at.read("description", Description::parse(&row.description))?,
            kind: at.read("object_type", kind)?,
            cloud_type: at.text("cloud_type", row.cloud_type)?,
            size: at.read("size_gb", VaultSize::new(row.size_gb))?,
            status: at.text("status", row.status)?,
            threshold: at.read("threshold", Threshold::new(row.threshold.into()))?,
            has_notices: row.sends_notices,
            is_auto_bind: row.is_auto_bind,
            bind_rules: at.json("bind_rules", &row.bind_rules)?,
            is_auto_expand: row.is_auto_expand,
            is_locked: row.is_locked,
            tags: at.json("tags", &row.tags)?,
            backup_name_prefix: at.text("backup_name_prefix", row.backup_name_prefix)?,
            enterprise_project_id: at.text("enterprise_project_id", row.enterprise_project_id)?,
            availability_zone: zone.map(|zone| at.text("availability_zone", zone)).transpose()?,
        };
        let repository = repository.map(|id| at.id("repository_id", &id)).transpose()?;
        Ok(Self { vault, repository, used: ByteCount(used) })
    }
}

/// The row of a new vault.
pub(super) fn new(vault: &Vault) -> ActiveModel {
    ActiveModel {
        repository_id: Set(None),
        used_bytes: Set(0),
        id: Set(vault.id.to_string()),
        project_id: Set(vault.project_id.to_string()),
        user_id: Set(vault.user_id.to_string()),
        created_at: Set(micros(vault.created_at)),
        object_type: Set(vault.kind.object().to_string()),
        protect_type: Set(vault.kind.protect().to_string()),
        cloud_type: Set(vault.cloud_type.to_string()),
        ..changed(vault)
    }
}

/// What of a vault's row may change.
pub(super) fn changed(vault: &Vault) -> ActiveModel {
    let zone = vault.availability_zone.as_ref();
    ActiveModel {
        name: Set(vault.name.to_string()),
        description: Set(vault.description.to_string()),
        consistent_level: Set(vault.kind.consistency().to_string()),
        size_gb: Set(vault.size.gigabytes().into()),
        status: Set(vault.status.to_string()),
        threshold: Set(vault.threshold.percent().into()),
        sends_notices: Set(vault.has_notices),
        is_auto_bind: Set(vault.is_auto_bind),
        bind_rules: Set(json(&vault.bind_rules)),
        is_auto_expand: Set(vault.is_auto_expand),
        is_locked: Set(vault.is_locked),
        tags: Set(json(&vault.tags)),
        backup_name_prefix: Set(vault.backup_name_prefix.to_string()),
        enterprise_project_id: Set(vault.enterprise_project_id.to_string()),
        availability_zone: Set(zone.map(ToString::to_string)),
        ..ActiveModel::default()
    }
}
