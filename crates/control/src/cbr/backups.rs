//! Backups: looking at them, renaming, deleting.

use strongroom_db::{StoredVault, Tx};
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::backup::{Backup, BackupName, BackupStatus, BackupView, DeletionFacts};
use strongroom_model::filter::BackupFilter;
use strongroom_model::page::Page;
use strongroom_model::sort::Sort;
use strongroom_model::task::{Deletions, TaskBackup, TaskDetails, TaskKind, TaskResource};
use strongroom_model::{BackupId, VaultId};

use super::tasks::Order;
use super::vaults::UNKNOWN_MARKER;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;
use crate::workflow::Deletion;

/// A page of backups.
#[derive(Debug, Clone)]
pub struct BackupPage {
    /// The backups.
    pub backups: Vec<BackupView>,
    /// How many match on all pages.
    pub count: u64,
}

impl Service {
    /// The project's backups.
    pub async fn backup_list(
        &self,
        cx: &OpContext,
        filter: &BackupFilter,
        sort: &Sort,
        page: &Page<BackupId>,
    ) -> Result<BackupPage, Error> {
        self.authorize(cx, Action::BackupList).await?;
        let list = self.0.db.backup_list(cx.project, filter, sort, page).await?;
        let list = list.ok_or(UNKNOWN_MARKER)?;
        Ok(BackupPage { backups: list.backups, count: list.count })
    }

    /// One backup, a child too (R80).
    pub async fn backup_get(&self, cx: &OpContext, id: BackupId) -> Result<BackupView, Error> {
        self.authorize(cx, Action::BackupGet).await?;
        self.find_backup(cx, id).await
    }

    async fn find_backup(&self, cx: &OpContext, id: BackupId) -> Result<BackupView, Error> {
        let found = self.0.db.backup_get(cx.project, id).await?;
        found.ok_or(Error::NotFound(Noun::Backup))
    }

    /// Gives a backup another name (R81).
    pub async fn backup_rename(
        &self,
        cx: &OpContext,
        id: BackupId,
        name: BackupName,
    ) -> Result<BackupView, Error> {
        let subject = Some(id.to_string());
        let rename = || self.rename_backup(cx, id, &name);
        self.perform(cx, Action::BackupUpdate, subject, rename).await?;
        self.find_backup(cx, id).await
    }

    async fn rename_backup(
        &self,
        cx: &OpContext,
        id: BackupId,
        name: &BackupName,
    ) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let backup = locked_backup(&tx, cx, id).await?;
        let (name, updated_at) = (name.clone(), self.0.clock.now());
        let backup = Backup { name, updated_at, ..backup };
        tx.backup_update(&backup).await?;
        let subject = (Some(id.to_string()), Some(backup.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::UpdateBackup, subject.0, subject.1)).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a backup (R74). What never got any bytes is gone at once.
    pub async fn backup_delete(&self, cx: &OpContext, id: BackupId) -> Result<(), Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::BackupDelete, subject, || self.delete_backup(cx, id)).await
    }

    async fn delete_backup(&self, cx: &OpContext, id: BackupId) -> Result<(), Error> {
        // The vault's row is taken before the backup's, as everywhere.
        let vault_id = self.find_backup(cx, id).await?.backup.vault_id;
        let tx = self.0.db.begin().await?;
        let stored = vault_of_backup(&tx, cx, vault_id).await?;
        let backup = locked_backup(&tx, cx, id).await?;
        let facts = deletion_facts(&tx, &backup).await?;
        let facts = DeletionFacts { is_in_use: self.0.exports.has(id), ..facts };
        backup.may_delete(&stored.vault, facts, self.0.clock.now())?;
        let details = TaskDetails {
            resource: Some(TaskResource {
                id: backup.source.id,
                resource_type: backup.source.resource_type,
                name: backup.source.name.clone(),
            }),
            backup: Some(TaskBackup { id, name: backup.name.clone() }),
            deletions: Some(Deletions { total: 1, failed: 0 }),
            ..TaskDetails::default()
        };
        let order = Order {
            checkpoint: Some(backup.checkpoint_id),
            ..Order::new(&cx.request_id, TaskKind::Delete, &stored.vault, details)
        };
        let deletion = Deletion::Backup { backup: id };
        self.begin_burial(&tx, order, deletion, std::slice::from_ref(&backup)).await?;
        let subject = (Some(id.to_string()), Some(backup.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::DeleteBackup, subject.0, subject.1)).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(())
    }
}

/// The vault that a backup was just seen in: if it went meanwhile, so did the backup.
pub(super) async fn vault_of_backup(
    tx: &Tx,
    cx: &OpContext,
    id: VaultId,
) -> Result<StoredVault, Error> {
    tx.vault_lock(cx.project, id).await?.ok_or(Error::NotFound(Noun::Backup))
}

/// A backup of the project, which nobody else changes until the end of `tx`.
pub(super) async fn locked_backup(tx: &Tx, cx: &OpContext, id: BackupId) -> Result<Backup, Error> {
    tx.backup_lock(Some(cx.project), id).await?.ok_or(Error::NotFound(Noun::Backup))
}

async fn deletion_facts(tx: &Tx, backup: &Backup) -> Result<DeletionFacts, Error> {
    let of_resource = tx.backup_list_of_resources(&[backup.source.id]).await?;
    let is_available = |other: &&Backup| other.status == BackupStatus::Available;
    // The one that a backup which is being made is compared with.
    let base = of_resource.iter().rev().find(is_available).map(|base| base.id);
    let is_running = of_resource.iter().any(|other| other.status.is_being_made());
    Ok(DeletionFacts {
        is_base_of_running: base == Some(backup.id) && is_running,
        is_in_use: false,
    })
}
