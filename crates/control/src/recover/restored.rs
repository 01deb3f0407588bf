//! Rows of backups from what their manifests say.

use std::time::Duration;

use strongroom_base::{ByteCount, Timestamp};
use strongroom_model::backup::{Backup, BackupSource, BackupStatus, ImageType};
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::{BackupId, ProjectId, VaultId};
use strongroom_repo::BackupEntry;

use crate::workflow::{BackupNote, NotedBackup};

/// A backup as its manifest tells of it.
pub(super) struct Restored<'a> {
    pub(super) entry: &'a BackupEntry,
    pub(super) note: BackupNote,
}

impl<'a> Restored<'a> {
    /// None for a manifest that no workflow of ours wrote.
    pub(super) fn of(entry: &'a BackupEntry) -> Option<Self> {
        let note = BackupNote::parse(&entry.manifest.description)?;
        Some(Self { entry, note })
    }

    pub(super) fn id(&self) -> BackupId {
        self.note.backup.id
    }

    pub(super) fn stored(&self) -> ByteCount {
        ByteCount(self.entry.manifest.cost.stored)
    }

    /// When it was committed, by its writer's clock.
    fn committed(&self) -> Timestamp {
        let manifest = &self.entry.manifest;
        manifest.created.plus(Duration::from_millis(manifest.cost.duration_ms))
    }

    /// What a row that the journal has unfinished says once it is finished.
    pub(super) fn finished(&self, row: &Backup, now: Timestamp) -> Backup {
        let is_whole = row.parent_id.is_none();
        Backup {
            status: BackupStatus::Available,
            is_incremental: !self.entry.manifest.parents.is_empty(),
            protected_at: Some(self.committed()),
            updated_at: now,
            manifest_id: is_whole.then_some(self.entry.id),
            stored: if is_whole { self.stored() } else { ByteCount(0) },
            ..row.clone()
        }
    }

    pub(super) fn checkpoint(&self, project: ProjectId, vault: VaultId) -> Checkpoint {
        let of = &self.note.checkpoint;
        Checkpoint {
            id: of.id,
            project_id: project,
            vault_id: vault,
            name: of.name.clone(),
            description: of.description.clone(),
            is_automatic: self.note.is_automatic,
            retention_days: of.retention_days,
            skipped: Vec::new(),
            created_at: self.note.created_at,
        }
    }

    /// Its row and those of its disks.
    pub(super) fn rows(&self, project: ProjectId, vault: VaultId, now: Timestamp) -> Vec<Backup> {
        let whole = self.row(&self.note.backup, None, project, vault);
        let parent = Some(whole.id);
        let children = self.note.children.iter();
        let rows = std::iter::once(whole)
            .chain(children.map(|child| self.row(child, parent, project, vault)));
        rows.map(|row| self.finished(&row, now)).collect()
    }

    fn row(
        &self,
        noted: &NotedBackup,
        parent_id: Option<BackupId>,
        project_id: ProjectId,
        vault_id: VaultId,
    ) -> Backup {
        let note = &self.note;
        Backup {
            id: noted.id,
            checkpoint_id: note.checkpoint.id,
            project_id,
            vault_id,
            parent_id,
            name: noted.name.clone(),
            description: note.checkpoint.description.clone(),
            status: BackupStatus::Protecting,
            image_type: ImageType::Backup,
            source: BackupSource {
                id: noted.resource,
                resource_type: noted.resource_type,
                name: noted.resource_name.clone(),
                size_gigabytes: noted.size_gigabytes,
                zone: noted.zone.clone(),
            },
            is_automatic: note.is_automatic,
            is_incremental: false,
            is_encrypted: false,
            is_system_disk: noted.is_system_disk,
            created_at: note.created_at,
            updated_at: note.created_at,
            protected_at: None,
            expires_at: note.expires_at,
            manifest_id: None,
            stored: ByteCount(0),
        }
    }
}
