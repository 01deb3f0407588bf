//! Backups whose time is over.

use strongroom_model::BackupId;
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_model::task::{Deletions, TaskBackup, TaskDetails, TaskKind, TaskResource};
use strongroom_model::vault::VaultStatus;

use crate::cbr::Order;
use crate::error::Error;
use crate::service::Service;
use crate::workflow::Deletion;

/// The request that a deletion by time comes from.
const REQUEST: &str = "expiry";
/// Backups looked at in one round.
const BATCH: u64 = 100;

impl Service {
    /// Orders the deletion of backups whose time is over; those in use stay until the next round.
    /// The answer has what was ordered.
    pub async fn expire_backups(&self) -> Result<Vec<BackupId>, Error> {
        let mut ordered = Vec::new();
        for backup in self.0.db.backup_expired(self.0.clock.now(), BATCH).await? {
            if self.expire(&backup).await? {
                ordered.push(backup.id);
            }
        }
        Ok(ordered)
    }

    async fn expire(&self, found: &Backup) -> Result<bool, Error> {
        let tx = self.0.db.begin().await?;
        let Some(stored) = tx.vault_lock_by_id(found.vault_id).await? else { return Ok(false) };
        let Some(backup) = tx.backup_lock(None, found.id).await? else { return Ok(false) };
        let is_over = backup.expires_at.is_some_and(|at| at <= self.0.clock.now());
        let is_free = matches!(backup.status, BackupStatus::Available | BackupStatus::Error);
        if !is_over || !is_free || stored.vault.status == VaultStatus::Deleting {
            return Ok(false);
        }
        let source = &backup.source;
        let details = TaskDetails {
            resource: Some(TaskResource {
                id: source.id,
                resource_type: source.resource_type,
                name: source.name.clone(),
            }),
            backup: Some(TaskBackup { id: backup.id, name: backup.name.clone() }),
            deletions: Some(Deletions { total: 1, failed: 0 }),
            ..TaskDetails::default()
        };
        let order = Order {
            checkpoint: Some(backup.checkpoint_id),
            ..Order::new(REQUEST, TaskKind::Delete, &stored.vault, details)
        };
        let deletion = Deletion::Backup { backup: backup.id };
        self.begin_burial(&tx, order, deletion, std::slice::from_ref(&backup)).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(true)
    }
}
