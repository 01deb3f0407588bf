//! Ordering to read back what is stored.

use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::task::{TaskBackup, TaskDetails, TaskKind};
use strongroom_model::vault::VaultStatus;
use strongroom_model::{BackupId, Refusal, TaskId, VaultId};

use super::backups::locked_backup;
use super::tasks::Order;
use super::vaults::locked;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;
use crate::workflow::{VerifyParams, VerifyWorkflow};

impl Service {
    /// Begins to verify everything in a vault; the answer is the task, which fails if it finds
    /// damage.
    pub async fn vault_verify(&self, cx: &OpContext, id: VaultId) -> Result<TaskId, Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::BackupVerify, subject, || self.verify(cx, id, None)).await
    }

    /// Begins to verify a backup, for a child the whole of it. All that its vault has is read, but
    /// only damage to this backup fails the task.
    pub async fn backup_verify(&self, cx: &OpContext, id: BackupId) -> Result<TaskId, Error> {
        let subject = Some(id.to_string());
        let begin = || async {
            let found = self.0.db.backup_get(cx.project, id).await?;
            let backup = found.ok_or(Error::NotFound(Noun::Backup))?.backup;
            let whole = backup.parent_id.unwrap_or(id);
            self.verify(cx, backup.vault_id, Some(whole)).await
        };
        self.perform(cx, Action::BackupVerify, subject, begin).await
    }

    async fn verify(
        &self,
        cx: &OpContext,
        vault: VaultId,
        backup: Option<BackupId>,
    ) -> Result<TaskId, Error> {
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, vault).await?;
        let status = stored.vault.status;
        if status == VaultStatus::Deleting {
            return Err(Refusal::VaultStatusForbids { status }.into());
        }
        let mut details = TaskDetails::default();
        let mut subject = (vault.to_string(), stored.vault.name.to_string());
        if let Some(id) = backup {
            let backup = locked_backup(&tx, cx, id).await?;
            if backup.manifest_id.is_none() || backup.status.is_being_deleted() {
                return Err(Refusal::BackupNotAvailable.into());
            }
            subject = (id.to_string(), backup.name.to_string());
            details.backup = Some(TaskBackup { id, name: backup.name });
        }
        let order = Order::new(&cx.request_id, TaskKind::Verify, &stored.vault, details);
        let params = VerifyParams { vault, backup };
        // One after the other: two at once would read the same bytes.
        let keys = vec![format!("verify:{vault}")];
        let task = self.begin_task::<VerifyWorkflow>(&tx, order, &params, keys).await?;
        let record = self.audit(cx, AuditEvent::VerifyBackup, Some(subject.0), Some(subject.1));
        tx.audit_insert(&record).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(task)
    }
}
