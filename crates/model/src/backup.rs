//! Backups: one resource at one time.
//!
//! # Why
//! The backup of a server is one backup with a child for each of its disks; the backup of a disk is
//! one without children (R70). Both stand in one table and have the same states.
//!
//! # Invariants
//! - MODEL-2: a backup that failed, or whose deletion began, never becomes available again by its
//!   state machine.
//! - Children live and die with their parent.
//!
//! # Not here
//! The bytes: a manifest of the engine. Which backups belong together: [`crate::checkpoint`].

mod deletion;
mod export;
mod name;
mod restore;
mod status;

use strongroom_base::ids::ManifestId;
use strongroom_base::{ByteCount, Timestamp};

pub use deletion::DeletionFacts;
pub use export::ExportFormat;
pub use name::{BackupName, backup_names, run_name};
pub use restore::{Activity, Mapping, TargetDisk, TargetServer};
pub use status::BackupStatus;

use crate::description::Description;
use crate::id::{BackupId, CheckpointId, ProjectId, ResourceId, VaultId};
use crate::resource::{ResourceName, ResourceType};
use crate::word::words;
use crate::zone::AvailabilityZone;

words! {
    /// How a backup came to be.
    ImageType in "image_type" {
        /// It was made from its resource.
        Backup = "backup",
        /// It was copied from another vault.
        Replication = "replication",
    }
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts that clients are shown")]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// The run that made it.
    pub checkpoint_id: CheckpointId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// The vault it is in.
    pub vault_id: VaultId,
    /// The server's backup that this disk's is a part of.
    pub parent_id: Option<BackupId>,
    /// Its name.
    pub name: BackupName,
    /// What its maker says about it.
    pub description: Description,
    /// Its state.
    pub status: BackupStatus,
    /// How it came to be.
    pub image_type: ImageType,
    /// What was backed up, as it was then.
    pub source: BackupSource,
    /// Made by a policy.
    pub is_automatic: bool,
    /// Has a parent in the engine that it was compared with.
    pub is_incremental: bool,
    /// The source was encrypted (R79).
    pub is_encrypted: bool,
    /// Of a server's system disk.
    pub is_system_disk: bool,
    /// When its row was made.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// When it became available.
    pub protected_at: Option<Timestamp>,
    /// When it is deleted by itself; never without.
    pub expires_at: Option<Timestamp>,
    /// Where its bytes are, once they are somewhere. A child's are in its parent's manifest.
    pub manifest_id: Option<ManifestId>,
    /// What it added to the store.
    pub stored: ByteCount,
}

/// A backup with its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupView {
    /// The backup.
    pub backup: Backup,
    /// Those of a server's disks, in the order of the disks.
    pub children: Vec<Backup>,
}

/// What a backup was made from, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSource {
    /// The resource.
    pub id: ResourceId,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: ResourceName,
    /// Its size, in gigabytes; a server's is that of its disks.
    pub size_gigabytes: u64,
    /// Where it ran.
    pub zone: Option<AvailabilityZone>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An available manual backup of disk 1.
    pub(crate) fn backup() -> Backup {
        Backup {
            id: BackupId([1; 16]),
            checkpoint_id: CheckpointId([1; 16]),
            project_id: ProjectId([2; 16]),
            vault_id: VaultId([1; 16]),
            parent_id: None,
            name: BackupName::parse("b").unwrap(),
            description: Description::default(),
            status: BackupStatus::Available,
            image_type: ImageType::Backup,
            source: BackupSource {
                id: ResourceId([1; 16]),
                resource_type: ResourceType::Disk,
                name: ResourceName::default(),
                size_gigabytes: 10,
                zone: None,
            },
            is_automatic: false,
            is_incremental: true,
            is_encrypted: false,
            is_system_disk: false,
            created_at: Timestamp(1),
            updated_at: Timestamp(1),
            protected_at: Some(Timestamp(1)),
            expires_at: None,
            manifest_id: None,
            stored: ByteCount(0),
        }
    }
}
