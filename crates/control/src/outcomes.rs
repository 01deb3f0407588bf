//! Writes the end of tasks into the rows that clients read, in the transaction of the end.

use std::sync::Arc;

use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteCount, Clock, Timestamp};
use strongroom_db::{Completions, DbError, Tx};
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::{Deletions, TaskDetails};
use strongroom_model::vault::VaultStatus;
use strongroom_model::{ResourceId, Vault, VaultId};
use strongroom_task::{Completion, End, Fence, TaskRow};

use crate::cbr::remove_vault;
use crate::workflow::{
    BackupParams, Bury, Deletion, Ended, Kept, RestoreParams, VerifyParams, Written,
};

/// Writes ends.
pub(crate) struct Outcomes {
    pub(crate) clock: Arc<dyn Clock>,
}

impl Completions for Outcomes {
    fn complete<'a>(
        &'a self,
        tx: &'a Tx,
        task: &'a TaskRow,
        completion: &'a Completion,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            let Ok(ended) = serde_json::from_value::<Ended>(completion.0.clone()) else {
                // Written by a newer version; the reconcilers find what is left open.
                tracing::error!(task.id = %task.order.id, "the end of a task cannot be read");
                return Ok(());
            };
            let writer = Writer { tx, task, now: self.clock.now() };
            match ended {
                Ended::Backup { params, written, end } => {
                    writer.backup(&params, written.as_ref(), end).await
                }
                Ended::Restore { params, has_begun, end } => {
                    writer.restore(&params, has_begun, end).await
                }
                Ended::Bury { params, kept, end } => writer.burial(&params, &kept, end).await,
                Ended::Verify { params, was_read, note } => {
                    writer.verification(&params, was_read, note).await
                }
            }
        })
    }
}

struct Writer<'a> {
    tx: &'a Tx,
    task: &'a TaskRow,
    now: Timestamp,
}

impl Writer<'_> {
    /// Vaults are taken before their backups, as requests do.
    async fn backup(
        &self,
        params: &BackupParams,
        written: Option<&Written>,
        end: End,
    ) -> Result<(), DbError> {
        let vault = self.tx.vault_lock_by_id(params.vault).await?;
        let Some(backup) = self.tx.backup_lock(None, params.backup).await? else { return Ok(()) };
        let status = match written {
            Some(written) => {
                self.backup_made(&backup, written).await?;
                if let Some(stored) = vault {
                    let used = ByteCount(stored.used.0.saturating_add(written.stored));
                    self.use_more(&stored.vault, used).await?;
                }
                if self.task.fence > Fence(1) {
                    // What an earlier worker had stored of it is counted by nobody: the repository
                    // is asked soon.
                    self.tx.repository_make_due(params.vault).await?;
                }
                ProtectStatus::Available
            }
            None if end == End::Cancelled => {
                self.remove_backup(&backup).await?;
                ProtectStatus::Available
            }
            None => {
                self.set_status(&backup, BackupStatus::Error).await?;
                ProtectStatus::Error
            }
        };
        self.tx.bound_set_status(&[params.resource], status).await?;
        self.tell(AuditEvent::CreateBackup, &backup, written.is_some()).await
    }

    async fn backup_made(&self, backup: &Backup, written: &Written) -> Result<(), DbError> {
        let made = |backup: &Backup, stored| Backup {
            status: BackupStatus::Available,
            is_incremental: written.is_incremental,
            protected_at: Some(self.now),
            updated_at: self.now,
            stored,
            ..backup.clone()
        };
        for child in self.tx.backup_children(&[backup.id]).await? {
            self.tx.backup_update(&made(&child, ByteCount(0))).await?;
        }
        let stored = ByteCount(written.stored);
        let manifest_id = Some(written.manifest);
        self.tx.backup_update(&Backup { manifest_id, ..made(backup, stored) }).await?;
        let bytes = i64::try_from(written.stored).unwrap_or(i64::MAX);
        self.tx.bound_count_backup(backup.source.id, 1, bytes).await?;
        Ok(())
    }

    /// A vault that is full grows if it may (R17).
    async fn use_more(&self, vault: &Vault, used: ByteCount) -> Result<(), DbError> {
        self.tx.vault_set_used(vault.id, used).await?;
        if vault.is_auto_expand && vault.size.is_full(used) {
            let size = vault.size.expanded(used);
            self.tx.vault_update(&Vault { size, ..vault.clone() }).await?;
        }
        Ok(())
    }

    async fn set_status(&self, backup: &Backup, status: BackupStatus) -> Result<(), DbError> {
        let children = self.tx.backup_children(&[backup.id]).await?;
        let ids = std::iter::once(backup.id).chain(children.iter().map(|child| child.id));
        let ids: Vec<_> = ids.collect();
        self.tx.backup_set_status(&ids, status, self.now).await
    }

    async fn remove_backup(&self, backup: &Backup) -> Result<(), DbError> {
        self.tx.backup_delete(backup.id).await?;
        if backup.manifest_id.is_some() {
            let bytes = i64::try_from(backup.stored.0).unwrap_or(i64::MAX);
            self.tx.bound_count_backup(backup.source.id, -1, -bytes).await?;
        }
        self.tx.checkpoint_delete_if_empty(backup.checkpoint_id).await?;
        Ok(())
    }

    async fn restore(
        &self,
        params: &RestoreParams,
        has_begun: bool,
        end: End,
    ) -> Result<(), DbError> {
        self.tx.vault_lock_by_id(params.vault).await?;
        if let Some(backup) = self.tx.backup_lock(None, params.backup).await? {
            self.set_status(&backup, BackupStatus::Available).await?;
            self.restored(params, has_begun, end).await?;
            self.tx.bound_set_status(&[backup.source.id], ProtectStatus::Available).await?;
        }
        Ok(())
    }

    async fn restored(
        &self,
        params: &RestoreParams,
        has_begun: bool,
        end: End,
    ) -> Result<(), DbError> {
        let ids: Vec<_> = params.writes.iter().map(|write| write.disk).collect();
        for disk in self.tx.disk_lock_all(&ids).await? {
            let mut writes = params.writes.iter().filter(|write| write.disk == disk.id);
            // One that never began leaves the disk as an earlier one had left it.
            let is_spoilt = has_begun || writes.any(|write| write.was_spoilt);
            let status = after_restore(&disk, is_spoilt && end != End::Succeeded);
            self.tx.disk_update(&Disk { status, updated_at: self.now, ..disk }).await?;
        }
        Ok(())
    }

    async fn burial(&self, params: &Bury, kept: &Kept, end: End) -> Result<(), DbError> {
        let stored = self.tx.vault_lock_by_id(params.vault).await?;
        for doomed in &params.backups {
            let id = doomed.backup;
            let Some(backup) = self.tx.backup_lock(None, id).await? else { continue };
            if kept.whole.contains(&id) {
                self.set_status(&backup, doomed.was).await?;
            } else if kept.doubtful.contains(&id) {
                self.set_status(&backup, BackupStatus::Error).await?;
            } else {
                self.remove_backup(&backup).await?;
            }
        }
        let total = params.backups.len() as u64;
        self.note_deletions(total, kept.len() as u64).await?;
        let Some(stored) = stored else { return Ok(()) };
        // What others share with the deleted ones is still used, and what the next one shares with
        // them is not stored again: only the repository can tell, and is asked soon.
        self.tx.repository_make_due(stored.vault.id).await?;
        match &params.deletion {
            Deletion::Backup { .. } => Ok(()),
            Deletion::Resources { resources, .. } => {
                self.resources_left(params, resources, kept, end).await
            }
            Deletion::Vault { .. } if kept.len() == 0 => {
                remove_vault(self.tx, &stored, self.now).await?;
                self.tell_of_vault(stored.vault.id).await
            }
            Deletion::Vault { was, .. } => {
                // One that nobody began to delete is as it was.
                let status = if end == End::Cancelled { *was } else { VaultStatus::Error };
                let vault = Vault { status, ..stored.vault };
                self.tx.vault_update(&vault).await
            }
        }
    }

    async fn resources_left(
        &self,
        params: &Bury,
        resources: &[ResourceId],
        kept: &Kept,
        end: End,
    ) -> Result<(), DbError> {
        let mut holding = Vec::new();
        for id in params.backups.iter().map(|doomed| doomed.backup) {
            if kept.contains(id) {
                holding.extend(self.tx.backup_lock(None, id).await?.map(|backup| backup.source.id));
            }
        }
        let (stay, go): (Vec<_>, Vec<_>) = resources.iter().partition(|id| holding.contains(id));
        let status = match end {
            End::Cancelled => ProtectStatus::Available,
            _ => ProtectStatus::Error,
        };
        self.tx.bound_set_status(&stay, status).await?;
        self.tx.bound_delete(&go).await?;
        Ok(())
    }

    async fn verification(
        &self,
        params: &VerifyParams,
        was_read: bool,
        note: Option<String>,
    ) -> Result<(), DbError> {
        if was_read {
            self.tx.repository_set_verified(params.vault, self.now).await?;
        }
        let id = self.task.order.id;
        match self.tx.task_lock_shown(id).await?.filter(|_| note.is_some()) {
            Some(task) => self.tx.task_set_details(id, &TaskDetails { note, ..task.details }).await,
            None => Ok(()),
        }
    }

    async fn note_deletions(&self, total: u64, failed: u64) -> Result<(), DbError> {
        let Some(task) = self.tx.task_lock_shown(self.task.order.id).await? else { return Ok(()) };
        let deletions = Some(Deletions { total, failed });
        let details = TaskDetails { deletions, ..task.details };
        self.tx.task_set_details(self.task.order.id, &details).await
    }

    async fn tell(&self, event: AuditEvent, backup: &Backup, is_done: bool) -> Result<(), DbError> {
        let outcome = if is_done { AuditOutcome::Done } else { AuditOutcome::Failed };
        let failure = self.task.failure.as_ref();
        self.tx
            .audit_insert(&AuditRecord {
                at: self.now,
                event,
                subject_id: Some(backup.id.to_string()),
                subject_name: Some(backup.name.to_string()),
                outcome,
                code: failure.map(|failure| failure.code.clone()),
                actor: Actor::Service,
                project_id: backup.project_id,
                request_id: Some(self.task.order.request.clone()),
            })
            .await
    }

    async fn tell_of_vault(&self, vault: VaultId) -> Result<(), DbError> {
        let Some(task) = self.tx.task_lock_shown(self.task.order.id).await? else { return Ok(()) };
        self.tx
            .audit_insert(&AuditRecord {
                at: self.now,
                event: AuditEvent::DeleteVaultBackup,
                subject_id: Some(vault.to_string()),
                subject_name: Some(task.vault_name.to_string()),
                outcome: AuditOutcome::Done,
                code: None,
                actor: Actor::Service,
                project_id: task.project_id,
                request_id: Some(self.task.order.request.clone()),
            })
            .await
    }
}

/// The state of a disk after a restore.
fn after_restore(disk: &Disk, is_spoilt: bool) -> DiskStatus {
    match (is_spoilt, disk.attachment) {
        (true, _) => DiskStatus::ErrorRestoring,
        (false, Some(_)) => DiskStatus::InUse,
        (false, None) => DiskStatus::Available,
    }
}
