//! What a list is narrowed down to. What is absent does not narrow it; names are compared whole and
//! letter for letter (contract, section 1).

use strongroom_base::Timestamp;

use crate::backup::{BackupStatus, ImageType};
use crate::disk::DiskStatus;
use crate::field::FieldError;
use crate::id::{BackupId, CheckpointId, ResourceId, VaultId};
use crate::project::EnterpriseProjectId;
use crate::resource::ResourceType;
use crate::server::ServerStatus;
use crate::task::{ShownStatus, TaskKind};
use crate::vault::{CloudType, ObjectType, ProtectType, VaultStatus};
use crate::word::words;

/// Which vaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultFilter {
    /// One of these; any if empty.
    pub ids: Vec<VaultId>,
    /// With this name.
    pub name: Option<String>,
    /// For this type of resource.
    pub object: Option<ObjectType>,
    /// That keep this.
    pub protect: Option<ProtectType>,
    /// With this word.
    pub cloud_type: Option<CloudType>,
    /// In this state.
    pub status: Option<VaultStatus>,
    /// That have one of these resources; any if empty.
    pub resource_ids: Vec<ResourceId>,
    /// In this enterprise project.
    pub enterprise_project_id: Option<EnterpriseProjectId>,
    /// In this zone.
    pub availability_zone: Option<String>,
}

words! {
    /// Whose backups.
    Ownership in "own_type" {
        /// The project's own.
        Private = "private",
        /// Those that other projects share with it.
        Shared = "shared",
        /// Both.
        AllGranted = "all_granted",
    }
}

/// Which backups. Without a parent only whole ones are listed (contract, 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFilter {
    /// Of this run.
    pub checkpoint_id: Option<CheckpointId>,
    /// In this vault.
    pub vault_id: Option<VaultId>,
    /// Of this resource.
    pub resource_id: Option<ResourceId>,
    /// The disks of this one.
    pub parent_id: Option<BackupId>,
    /// With this name.
    pub name: Option<String>,
    /// Of a resource with this name.
    pub resource_name: Option<String>,
    /// Of a resource in this zone.
    pub resource_zone: Option<String>,
    /// Of a resource of this type.
    pub resource_type: Option<ResourceType>,
    /// That came to be so.
    pub image_type: Option<ImageType>,
    /// In one of these states; any if empty.
    pub statuses: Vec<BackupStatus>,
    /// Made in this time.
    pub created: TimeWindow,
    /// Whose.
    pub ownership: Ownership,
    /// In a vault that is used to at least this share.
    pub vault_usage: Option<VaultUsage>,
    /// With or without a parent in the engine.
    pub is_incremental: Option<bool>,
}

impl Default for BackupFilter {
    fn default() -> Self {
        Self {
            checkpoint_id: None,
            vault_id: None,
            resource_id: None,
            parent_id: None,
            name: None,
            resource_name: None,
            resource_zone: None,
            resource_type: None,
            image_type: None,
            statuses: Vec::new(),
            created: TimeWindow::default(),
            ownership: Ownership::Private,
            vault_usage: None,
            is_incremental: None,
        }
    }
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// That do this.
    pub kind: Option<TaskKind>,
    /// That are shown in this state.
    pub status: Option<ShownStatus>,
    /// For this type of resource; clients name it by its provider.
    pub object: Option<ObjectType>,
    /// On this resource.
    pub resource_id: Option<ResourceId>,
    /// On a resource with this name.
    pub resource_name: Option<String>,
    /// Of this vault.
    pub vault_id: Option<VaultId>,
    /// Of a vault with this name.
    pub vault_name: Option<String>,
    /// Made in this time.
    pub created: TimeWindow,
}

/// A stretch of time, open where an end is absent; both ends belong to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeWindow {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
}

/// A share of a vault's size: 1 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultUsage(u8);

impl VaultUsage {
    /// Checks a percentage, as the field `used_percent`.
    pub fn new(percent: i64) -> Result<Self, FieldError> {
        let fits = u8::try_from(percent).ok().filter(|percent| (1..=100).contains(percent));
        fits.map(Self).ok_or(FieldError::new("used_percent", "1 to 100"))
    }

    /// In percent.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// Which disks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskFilter {
    /// One of these; any if empty.
    pub ids: Vec<ResourceId>,
    /// With this name.
    pub name: Option<String>,
    /// In this state.
    pub status: Option<DiskStatus>,
    /// Of this server.
    pub server: Option<ResourceId>,
}

/// Which servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFilter {
    /// One of these; any if empty.
    pub ids: Vec<ResourceId>,
    /// With this name.
    pub name: Option<String>,
    /// In this state.
    pub status: Option<ServerStatus>,
}

/// Which vaults, by their tags (contract, 4.9). A vault has to fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagQuery {
    /// By its name.
    pub name: Option<Match>,
    /// With this word.
    pub cloud_type: Option<CloudType>,
    /// For this type of resource.
    pub object: Option<ObjectType>,
    /// Without any tag; the terms below then count for nothing.
    pub is_untagged: bool,
    /// Has all of these.
    pub tags: Vec<TagTerm>,
    /// Has one of these.
    pub tags_any: Vec<TagTerm>,
    /// Has not all of these.
    pub not_tags: Vec<TagTerm>,
    /// Has none of these.
    pub not_tags_any: Vec<TagTerm>,
}

/// A key, and one of some values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTerm {
    /// The key.
    pub key: String,
    /// Its values; any if empty.
    pub values: Vec<Match>,
}

/// How a text is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It is this.
    Is(String),
    /// This is somewhere in it.
    Contains(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_a_percentage_above_zero() {
        let check = |percent, expected| {
            assert_eq!(VaultUsage::new(percent).ok().map(VaultUsage::percent), expected);
        };
        check(1, Some(1));
        check(100, Some(100));
        check(0, None);
        check(101, None);
        check(257, None);
    }
}
