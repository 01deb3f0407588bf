//! Queries about checkpoints.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait as _, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _};
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::{CheckpointId, Name, ProjectId};

use crate::entity::cbr_checkpoint::{ActiveModel, Column, Entity, Model};
use crate::entity::{cbr_backup, cbr_vault};
use crate::row::{Row, json, micros};
use crate::{Db, DbError, Tx};

impl TryFrom<Model> for Checkpoint {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "cbr_checkpoint", id: &row.id };
        let retention_days = row.retention_days.map(u32::try_from).transpose();
        Ok(Self {
            id: at.id("id", &row.id)?,
            project_id: at.id("project_id", &row.project_id)?,
            vault_id: at.id("vault_id", &row.vault_id)?,
            name: at.text("name", row.name)?,
            description: at.text("description", row.description)?,
            is_automatic: row.is_automatic,
            retention_days: at.read("retention_days", retention_days)?,
            skipped: at.json("skipped", &row.skipped)?,
            created_at: at.time("created_at", row.created_at)?,
        })
    }
}

impl Tx {
    /// Adds a checkpoint.
    pub async fn checkpoint_insert(&self, checkpoint: &Checkpoint) -> Result<(), DbError> {
        let row = ActiveModel {
            id: Set(checkpoint.id.to_string()),
            project_id: Set(checkpoint.project_id.to_string()),
            vault_id: Set(checkpoint.vault_id.to_string()),
            name: Set(checkpoint.name.to_string()),
            description: Set(checkpoint.description.to_string()),
            is_automatic: Set(checkpoint.is_automatic),
            retention_days: Set(checkpoint.retention_days.map(i64::from)),
            skipped: Set(json(&checkpoint.skipped)),
            created_at: Set(micros(checkpoint.created_at)),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("checkpoint_insert"))
    }

    /// Removes a checkpoint that has no backups left; whether it is gone by this.
    ///
    /// It is locked first: of two transactions that each remove one of its last two backups, the
    /// second sees what the first did.
    pub async fn checkpoint_delete_if_empty(&self, id: CheckpointId) -> Result<bool, DbError> {
        let query = "checkpoint_delete_if_empty";
        let key = id.to_string();
        let locked = Entity::find_by_id(key.clone()).lock_exclusive().one(&self.0).await;
        if locked.map_err(DbError::of(query))?.is_none() {
            return Ok(false);
        }
        let its_backups = Query::select()
            .column(cbr_backup::Column::CheckpointId)
            .from(cbr_backup::Entity)
            .and_where(cbr_backup::Column::CheckpointId.eq(key.clone()))
            .to_owned();
        let deleted = Entity::delete_many()
            .filter(Column::Id.eq(key))
            .filter(Column::Id.not_in_subquery(its_backups))
            .exec(&self.0)
            .await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of(query))
    }
}

impl Db {
    /// A project's checkpoint, and the name of its vault.
    pub async fn checkpoint_get_named(
        &self,
        project: ProjectId,
        id: CheckpointId,
    ) -> Result<Option<(Checkpoint, Name)>, DbError> {
        let query = "checkpoint_get_named";
        let vault = Entity::belongs_to(cbr_vault::Entity)
            .from(Column::VaultId)
            .to(cbr_vault::Column::Id)
            .into();
        let found = Entity::find_by_id(id.to_string())
            .filter(Column::ProjectId.eq(project.to_string()))
            .join(JoinType::InnerJoin, vault)
            .select_also(cbr_vault::Entity)
            .one(&self.read)
            .await;
        let Some((row, Some(vault))) = found.map_err(DbError::of(query))? else {
            return Ok(None);
        };
        let name = Row { table: "cbr_vault", id: &vault.id }.text("name", vault.name)?;
        Ok(Some((Checkpoint::try_from(row)?, name)))
    }

    /// A project's checkpoint.
    pub async fn checkpoint_get(
        &self,
        project: ProjectId,
        id: CheckpointId,
    ) -> Result<Option<Checkpoint>, DbError> {
        let of_project = Column::ProjectId.eq(project.to_string());
        let found = Entity::find_by_id(id.to_string()).filter(of_project).one(&self.read).await;
        found.map_err(DbError::of("checkpoint_get"))?.map(Checkpoint::try_from).transpose()
    }
}
