//! Ends for what only a running task could have ended.

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use strongroom_base::Timestamp;
use strongroom_model::backup::BackupStatus;
use strongroom_model::disk::DiskStatus;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::{Percent, TaskFailure, TaskStatus};
use strongroom_model::vault::VaultStatus;
use strongroom_model::{CheckpointId, TaskId, VaultId};

use super::ROWS;
use crate::entity::{
    cbr_backup, cbr_checkpoint, cbr_repository, cbr_task, cbr_vault, cbr_vault_resource, host_disk,
};
use crate::row::{Row, keys, micros};
use crate::{DbError, Tx};

/// A change of tasks that have not ended, to this end at `now`.
fn end_of_tasks(status: TaskStatus, now: Timestamp) -> sea_orm::UpdateMany<cbr_task::Entity> {
    use cbr_task::Column;
    cbr_task::Entity::update_many()
        .col_expr(Column::Status, Expr::value(status.as_str()))
        .col_expr(Column::ShownStatus, Expr::value(status.shown().as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
        .col_expr(Column::EndedAt, Expr::value(micros(now)))
        .filter(Column::EndedAt.is_null())
}

impl Tx {
    /// Whether there is this run.
    pub async fn checkpoint_is_there(&self, id: CheckpointId) -> Result<bool, DbError> {
        let found = cbr_checkpoint::Entity::find_by_id(id.to_string()).count(&self.0).await;
        found.map(|count| count > 0).map_err(DbError::of("checkpoint_is_there"))
    }

    /// Forgets repositories whose vaults are neither there nor deleted, and says whose they are: who
    /// cleans up must not take their backups for leftovers.
    pub async fn lost_repositories_forget(&self) -> Result<Vec<VaultId>, DbError> {
        let query = "lost_repositories_forget";
        let vaults =
            Query::select().column(cbr_vault::Column::Id).from(cbr_vault::Entity).to_owned();
        let gone = cbr_repository::Entity::delete_many()
            .filter(cbr_repository::Column::RetiredAt.is_null())
            .filter(cbr_repository::Column::VaultId.not_in_subquery(vaults))
            .exec_with_returning(&self.0)
            .await
            .map_err(DbError::of(query))?;
        let id = |row: &cbr_repository::Model| {
            Row { table: "cbr_repository", id: &row.vault_id }.id("vault_id", &row.vault_id)
        };
        gone.iter().map(id).collect()
    }

    /// Ends those of these tasks that have not ended, as successful.
    pub async fn lost_tasks_succeed(&self, ids: &[TaskId], now: Timestamp) -> Result<(), DbError> {
        for part in ids.chunks(ROWS) {
            let whole = i32::from(Percent::WHOLE.get());
            let update = end_of_tasks(TaskStatus::Success, now)
                .col_expr(cbr_task::Column::Progress, Expr::value(whole))
                .filter(cbr_task::Column::Id.is_in(keys(part)));
            update.exec(&self.0).await.map_err(DbError::of("lost_tasks_succeed"))?;
        }
        Ok(())
    }

    /// Ends all tasks that have not ended, as failed; how many.
    pub async fn lost_tasks_fail(
        &self,
        failure: &TaskFailure,
        now: Timestamp,
    ) -> Result<u64, DbError> {
        use cbr_task::Column;
        let update = end_of_tasks(TaskStatus::Failed, now)
            .col_expr(Column::FailureCode, Expr::value(failure.code.as_str()))
            .col_expr(Column::FailureMessage, Expr::value(failure.message.as_str()));
        let done = update.exec(&self.0).await.map_err(DbError::of("lost_tasks_fail"))?;
        Ok(done.rows_affected)
    }

    /// Sets all backups in one of these states to another.
    pub async fn lost_backups_set(
        &self,
        from: &[BackupStatus],
        to: BackupStatus,
        now: Timestamp,
    ) -> Result<(), DbError> {
        use cbr_backup::Column;
        let update = cbr_backup::Entity::update_many()
            .col_expr(Column::Status, Expr::value(to.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
            .filter(Column::Status.is_in(from.iter().map(|status| status.as_str())));
        update.exec(&self.0).await.map(drop).map_err(DbError::of("lost_backups_set"))
    }

    /// Sets all resources of vaults in one of these states to another.
    pub async fn lost_resources_set(
        &self,
        from: &[ProtectStatus],
        to: ProtectStatus,
    ) -> Result<(), DbError> {
        use cbr_vault_resource::Column;
        let update = cbr_vault_resource::Entity::update_many()
            .col_expr(Column::ProtectStatus, Expr::value(to.as_str()))
            .filter(Column::ProtectStatus.is_in(from.iter().map(|status| status.as_str())));
        update.exec(&self.0).await.map(drop).map_err(DbError::of("lost_resources_set"))
    }

    /// Sets all vaults in a state to another.
    pub async fn lost_vaults_set(&self, from: VaultStatus, to: VaultStatus) -> Result<(), DbError> {
        let update = cbr_vault::Entity::update_many()
            .col_expr(cbr_vault::Column::Status, Expr::value(to.as_str()))
            .filter(cbr_vault::Column::Status.eq(from.as_str()));
        update.exec(&self.0).await.map(drop).map_err(DbError::of("lost_vaults_set"))
    }

    /// Sets all disks in a state to another.
    pub async fn lost_disks_set(
        &self,
        from: DiskStatus,
        to: DiskStatus,
        now: Timestamp,
    ) -> Result<(), DbError> {
        use host_disk::Column;
        let update = host_disk::Entity::update_many()
            .col_expr(Column::Status, Expr::value(to.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
            .filter(Column::Status.eq(from.as_str()));
        update.exec(&self.0).await.map(drop).map_err(DbError::of("lost_disks_set"))
    }
}
