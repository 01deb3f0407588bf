//! Deleting vaults, and taking resources out of them: both delete backups.
//!
//! # Invariants
//! - CTL-11: a vault, or a resource in it, goes when the last of its backups has a grave, and not
//!   before; what has no backups goes in the request (R20, R38).

use strongroom_base::Timestamp;
use strongroom_db::{DbError, StoredVault, TaskSubject, Tx};
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_model::resource::{ProtectStatus, ResourceUse, check_removal};
use strongroom_model::task::{Deletions, TaskDetails, TaskKind, TaskResource};
use strongroom_model::vault::VaultStatus;
use strongroom_model::{Refusal, ResourceId, VaultId};

use super::tasks::Order;
use super::vaults::locked;
use crate::caller::OpContext;
use crate::error::Error;
use crate::service::Service;
use crate::workflow::{Bury, Deletion, Doomed};

impl Service {
    /// Deletes a vault with all its backups; without backups it is gone at once (R20).
    pub async fn vault_delete(&self, cx: &OpContext, id: VaultId) -> Result<(), Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::VaultDelete, subject, || self.delete_vault(cx, id)).await
    }

    async fn delete_vault(&self, cx: &OpContext, id: VaultId) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, id).await?;
        let backups = tx.backup_list_of_vault(id).await?;
        let is_busy = !tx.task_running_of(TaskSubject::Vault(id)).await?.is_empty();
        let now = self.0.clock.now();
        let has_unexpired = backups.iter().any(|backup| backup.is_kept_by_lock(now));
        stored.vault.may_delete(is_busy, has_unexpired)?;
        let details = TaskDetails {
            deletions: Some(Deletions { total: count(&backups), failed: 0 }),
            ..TaskDetails::default()
        };
        let order = Order::new(&cx.request_id, TaskKind::VaultDelete, &stored.vault, details);
        if backups.is_empty() {
            remove_vault(&tx, &stored, now).await?;
            self.note_done(&tx, order).await?;
        } else {
            self.begin_burial(
                &tx,
                order,
                Deletion::Vault { vault: id, was: stored.vault.status },
                &backups,
            )
            .await?;
            let vault =
                strongroom_model::Vault { status: VaultStatus::Deleting, ..stored.vault.clone() };
            tx.vault_update(&vault).await?;
        }
        let subject = (Some(id.to_string()), Some(stored.vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::DeleteVault, subject.0, subject.1)).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(())
    }

    /// Takes resources out of a vault and deletes their backups (R38); those without backups are
    /// out at once. The answer has the ids in the same order.
    pub async fn vault_remove_resources(
        &self,
        cx: &OpContext,
        vault: VaultId,
        resources: Vec<ResourceId>,
    ) -> Result<Vec<ResourceId>, Error> {
        let subject = Some(vault.to_string());
        let remove = || self.remove_resources(cx, vault, &resources);
        self.perform(cx, Action::VaultRemoveResources, subject, remove).await?;
        Ok(resources)
    }

    async fn remove_resources(
        &self,
        cx: &OpContext,
        id: VaultId,
        asked: &[ResourceId],
    ) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, id).await?;
        let bound = tx.bound_list(id).await?;
        let known: Vec<_> = bound.iter().map(|one| one.resource.clone()).collect();
        check_removal(&stored.vault, &known, asked)?;
        let removed: Vec<_> =
            bound.iter().filter(|one| asked.contains(&one.resource.id)).cloned().collect();
        let ids: Vec<_> = removed.iter().map(|one| one.resource.id).collect();
        let backups = tx.backup_list_of_resources(&ids).await?;
        if let Some(backup) = backups.iter().find(|backup| is_busy(backup)) {
            return Err(Refusal::ResourceBusy { resource: backup.source.id }.into());
        }
        self.begin_removal(&tx, cx, &stored, &removed, &backups).await?;
        let subject = (Some(id.to_string()), Some(stored.vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::RemoveResources, subject.0, subject.1)).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(())
    }

    async fn begin_removal(
        &self,
        tx: &Tx,
        cx: &OpContext,
        stored: &StoredVault,
        removed: &[ResourceUse],
        backups: &[Backup],
    ) -> Result<(), Error> {
        let has_backups = |id: ResourceId| backups.iter().any(|backup| backup.source.id == id);
        let ids: Vec<_> = removed.iter().map(|one| one.resource.id).collect();
        let (later, now): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| has_backups(*id));
        tx.bound_delete(&now).await?;
        let details = TaskDetails {
            removed: removed.iter().map(named).collect(),
            deletions: Some(Deletions { total: count(backups), failed: 0 }),
            ..TaskDetails::default()
        };
        let order = Order::new(&cx.request_id, TaskKind::RemoveResource, &stored.vault, details);
        if later.is_empty() {
            return self.note_done(tx, order).await;
        }
        tx.bound_set_status(&later, ProtectStatus::Removing).await?;
        let deletion = Deletion::Resources { vault: stored.vault.id, resources: later };
        self.begin_burial(tx, order, deletion, backups).await
    }

    /// Orders the deletion of `backups`; nobody restores them from now on.
    pub(crate) async fn begin_burial(
        &self,
        tx: &Tx,
        order: Order<'_>,
        deletion: Deletion,
        backups: &[Backup],
    ) -> Result<(), Error> {
        let mut ids: Vec<_> = backups.iter().map(|backup| backup.id).collect();
        let children = tx.backup_children(&ids).await?;
        ids.extend(children.iter().map(|child| child.id));
        tx.backup_set_status(&ids, BackupStatus::Deleting, self.0.clock.now()).await?;
        let params = Bury {
            deletion,
            vault: order.vault.id,
            backups: backups.iter().map(Doomed::of).collect(),
        };
        self.begin_task::<crate::workflow::BuryWorkflow>(tx, order, &params, Vec::new()).await?;
        Ok(())
    }
}

/// Removes a vault that has no backups, with its resources; its repository is left to be removed.
pub(crate) async fn remove_vault(
    tx: &Tx,
    stored: &StoredVault,
    now: Timestamp,
) -> Result<(), DbError> {
    let id = stored.vault.id;
    let bound: Vec<_> = tx.bound_list(id).await?.iter().map(|one| one.resource.id).collect();
    tx.bound_delete(&bound).await?;
    tx.repository_retire(id, now).await?;
    tx.vault_delete(id).await?;
    Ok(())
}

fn is_busy(backup: &Backup) -> bool {
    !matches!(backup.status, BackupStatus::Available | BackupStatus::Error)
}

fn named(one: &ResourceUse) -> TaskResource {
    let resource = &one.resource;
    TaskResource {
        id: resource.id,
        resource_type: resource.resource_type,
        name: resource.name.clone(),
    }
}

fn count(backups: &[Backup]) -> u64 {
    backups.len() as u64
}
