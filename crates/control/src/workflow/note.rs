//! What a manifest carries about its backup, so that the catalogue can be made anew from the store.

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;
use strongroom_model::backup::{Backup, BackupName};
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::description::Description;
use strongroom_model::resource::{ResourceName, ResourceType};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{BackupId, CheckpointId, ProjectId, ResourceId, VaultId};

/// The note of a backup. Fields are added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupNote {
    /// The task that made it.
    pub(crate) task: TaskId,
    pub(crate) project: ProjectId,
    pub(crate) vault: VaultId,
    pub(crate) checkpoint: CheckpointNote,
    pub(crate) backup: NotedBackup,
    /// Those of a server's disks, in the order of the manifest's.
    pub(crate) children: Vec<NotedBackup>,
    pub(crate) is_automatic: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The run that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckpointNote {
    pub(crate) id: CheckpointId,
    pub(crate) name: BackupName,
    pub(crate) description: Description,
    pub(crate) retention_days: Option<u32>,
}

/// A backup, whole or of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotedBackup {
    pub(crate) id: BackupId,
    pub(crate) name: BackupName,
    pub(crate) resource: ResourceId,
    pub(crate) resource_type: ResourceType,
    pub(crate) resource_name: ResourceName,
    pub(crate) size_gigabytes: u64,
    pub(crate) zone: Option<AvailabilityZone>,
    pub(crate) is_system_disk: bool,
}

impl BackupNote {
    pub(crate) fn of(
        task: TaskId,
        checkpoint: &Checkpoint,
        backup: &Backup,
        children: &[Backup],
    ) -> Self {
        Self {
            task,
            project: backup.project_id,
            vault: backup.vault_id,
            checkpoint: CheckpointNote {
                id: checkpoint.id,
                name: checkpoint.name.clone(),
                description: checkpoint.description.clone(),
                retention_days: checkpoint.retention_days,
            },
            backup: NotedBackup::of(backup),
            children: children.iter().map(NotedBackup::of).collect(),
            is_automatic: backup.is_automatic,
            created_at: backup.created_at,
            expires_at: backup.expires_at,
        }
    }

    /// The text that a manifest carries.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a note has text keys and no failing parts")
    }

    /// The note in a manifest's text; none if somebody else made the manifest.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl NotedBackup {
    fn of(backup: &Backup) -> Self {
        let source = &backup.source;
        Self {
            id: backup.id,
            name: backup.name.clone(),
            resource: source.id,
            resource_type: source.resource_type,
            resource_name: source.name.clone(),
            size_gigabytes: source.size_gigabytes,
            zone: source.zone.clone(),
            is_system_disk: backup.is_system_disk,
        }
    }
}
