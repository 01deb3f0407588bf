//! Queries about single backups, and about those of one vault, resource or run.
//!
//! # Invariants
//! - DB-4: the project's counter of whole backups is what the table has.
//! - Children go with their parent: the database sees to it.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, SelectStatement, UnionType, Value};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};
use strongroom_base::Timestamp;
use strongroom_model::backup::{Backup, BackupStatus, BackupView};
use strongroom_model::{BackupId, CheckpointId, ProjectId, ResourceId, VaultId};

use super::backup_row::{backups, changed, new};
use crate::count::Counted;
use crate::entity::cbr_backup::{Column, Entity, Model};
use crate::prepared::Prepared;
use crate::row::{NAMED, ROWS, keys, micros};
use crate::{Db, DbError, Tx};

/// Backups that are not part of another one, in the order in which they were made.
fn whole() -> Select<Entity> {
    Entity::find().filter(Column::ParentId.is_null())
}

/// The backups of `these` in the order in which their run has them.
async fn of_checkpoint(
    on: &impl ConnectionTrait,
    checkpoint: CheckpointId,
) -> Result<Vec<Backup>, DbError> {
    let these = whole().filter(Column::CheckpointId.eq(checkpoint.to_string()));
    let query = these.order_by_asc(Column::Position).order_by_asc(Column::Id);
    backups(query.all(on).await.map_err(DbError::of("backup_list_of_checkpoint"))?)
}

/// The parts of backups, each one's in the order of its disks.
pub(super) async fn children(
    on: &impl ConnectionTrait,
    parents: &[String],
) -> Result<Vec<Backup>, DbError> {
    let mut found = Vec::new();
    for part in parents.chunks(NAMED) {
        let query = Entity::find()
            .filter(Column::ParentId.is_in(part))
            .order_by_asc(Column::ParentId)
            .order_by_asc(Column::Position)
            .order_by_asc(Column::Id);
        found.extend(query.all(on).await.map_err(DbError::of("backup_children"))?);
    }
    backups(found)
}

/// A backup and its children, as the condition allows. One statement, because clients ask again and
/// again how far a backup is; two parts, because each finds its row by one index.
fn with_children(id: &str, allowed: &Condition) -> SelectStatement {
    let part = |this: Expr| Entity::find().filter(this).filter(allowed.clone()).into_query();
    let mut this = part(Column::Id.eq(id));
    this.union(UnionType::All, part(Column::ParentId.eq(id))).to_owned()
}

static IN_PROJECT: Prepared = Prepared::new(|| in_project("", ""));

/// The same of a project.
fn in_project(id: &str, project: &str) -> SelectStatement {
    with_children(id, &Column::ProjectId.eq(project).into())
}

/// What [`with_children`] finds, children in the order of their disks; none without the backup
/// itself.
fn view(mut rows: Vec<Model>, id: BackupId) -> Result<Option<BackupView>, DbError> {
    rows.sort_by(|one, other| (one.position, &one.id).cmp(&(other.position, &other.id)));
    let mut found = backups(rows)?;
    let Some(place) = found.iter().position(|backup| backup.id == id) else { return Ok(None) };
    Ok(Some(BackupView { backup: found.remove(place), children: found }))
}

impl Tx {
    /// Adds backups of one run, parents before their children, children in the order of the disks.
    pub async fn backup_insert(&self, new_ones: &[Backup]) -> Result<(), DbError> {
        let mut whole = BTreeMap::<String, i64>::new();
        for backup in new_ones.iter().filter(|backup| backup.parent_id.is_none()) {
            *whole.entry(backup.project_id.to_string()).or_default() += 1;
        }
        let mut rows = (0..).zip(new_ones).map(|(position, backup)| new(backup, position));
        loop {
            let part: Vec<_> = rows.by_ref().take(ROWS).collect();
            if part.is_empty() {
                break;
            }
            let inserted = Entity::insert_many(part).exec_without_returning(&self.0).await;
            inserted.map_err(DbError::of("backup_insert"))?;
        }
        for (project, count) in whole {
            self.count_add(&project, Counted::Backups, count).await?;
        }
        Ok(())
    }

    /// A backup, of this project if one is given, which nobody else changes until the end of this
    /// transaction.
    pub async fn backup_lock(
        &self,
        project: Option<ProjectId>,
        id: BackupId,
    ) -> Result<Option<Backup>, DbError> {
        let mut query = Entity::find_by_id(id.to_string()).lock_exclusive();
        if let Some(project) = project {
            query = query.filter(Column::ProjectId.eq(project.to_string()));
        }
        let found = query.one(&self.0).await.map_err(DbError::of("backup_lock"))?;
        found.map(Backup::try_from).transpose()
    }

    /// The backups of the disks of servers', each server's in the order of its disks.
    pub async fn backup_children(&self, of: &[BackupId]) -> Result<Vec<Backup>, DbError> {
        children(&self.0, &keys(of)).await
    }

    /// Writes what changed of a backup: all but where it belongs, what it was made from and when.
    pub async fn backup_update(&self, backup: &Backup) -> Result<(), DbError> {
        let query = "backup_update";
        let this = Column::Id.eq(backup.id.to_string());
        let update = Entity::update_many().set(changed(backup)).filter(this);
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Sets the state of backups; all of them must be there, each is named once.
    pub async fn backup_set_status(
        &self,
        ids: &[BackupId],
        status: BackupStatus,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let query = "backup_set_status";
        for part in ids.chunks(NAMED) {
            let update = Entity::update_many()
                .col_expr(Column::Status, Expr::value(status.as_str()))
                .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
                .filter(Column::Id.is_in(keys(part)));
            let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
            DbError::check_affected(query, part.len() as u64, done.rows_affected)?;
        }
        Ok(())
    }

    /// Removes a backup with its children; whether there was one.
    pub async fn backup_delete(&self, id: BackupId) -> Result<bool, DbError> {
        let deleted = Entity::delete_by_id(id.to_string()).exec_with_returning(&self.0).await;
        let Some(row) = deleted.map_err(DbError::of("backup_delete"))? else { return Ok(false) };
        if row.parent_id.is_none() {
            self.count_add(&row.project_id, Counted::Backups, -1).await?;
        }
        Ok(true)
    }

    /// The whole backups in a vault, the oldest first.
    pub async fn backup_list_of_vault(&self, vault: VaultId) -> Result<Vec<Backup>, DbError> {
        let these = whole().filter(Column::VaultId.eq(vault.to_string()));
        let query = these.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        backups(query.all(&self.0).await.map_err(DbError::of("backup_list_of_vault"))?)
    }

    /// The whole backups of resources, the oldest first.
    pub async fn backup_list_of_resources(
        &self,
        resources: &[ResourceId],
    ) -> Result<Vec<Backup>, DbError> {
        let these = whole().filter(Column::ResourceId.is_in(keys(resources)));
        let query = these.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        backups(query.all(&self.0).await.map_err(DbError::of("backup_list_of_resources"))?)
    }

    /// The whole backups of a run, in its order.
    pub async fn backup_list_of_checkpoint(
        &self,
        checkpoint: CheckpointId,
    ) -> Result<Vec<Backup>, DbError> {
        of_checkpoint(&self.0, checkpoint).await
    }
}

impl Db {
    /// A project's backup with its children.
    pub async fn backup_get(
        &self,
        project: ProjectId,
        id: BackupId,
    ) -> Result<Option<BackupView>, DbError> {
        let backend = self.read.get_database_backend();
        let id_text = id.to_string();
        let project = Value::from(project.to_string());
        let values = vec![id_text.clone().into(), project.clone(), id_text.into(), project];
        let rows = Entity::find().from_raw_sql(IN_PROJECT.with(backend, values));
        let rows = rows.all(&self.read).await.map_err(DbError::of("backup_get"))?;
        view(rows, id)
    }

    /// A backup in whichever project, with its children: a task knows no project.
    pub async fn backup_find(&self, id: BackupId) -> Result<Option<BackupView>, DbError> {
        let statement = with_children(&id.to_string(), &Condition::all());
        let statement = self.read.get_database_backend().build(&statement);
        let rows = Entity::find().from_raw_sql(statement).all(&self.read).await;
        view(rows.map_err(DbError::of("backup_find"))?, id)
    }

    /// The newest whole backup of a resource in a vault that is available.
    pub async fn backup_newest(
        &self,
        vault: VaultId,
        resource: ResourceId,
    ) -> Result<Option<Backup>, DbError> {
        let found = whole()
            .filter(Column::ResourceId.eq(resource.to_string()))
            .filter(Column::VaultId.eq(vault.to_string()))
            .filter(Column::Status.eq(BackupStatus::Available.as_str()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .one(&self.read)
            .await;
        found.map_err(DbError::of("backup_newest"))?.map(Backup::try_from).transpose()
    }

    /// The whole backups of a run, in its order.
    pub async fn backup_list_of_checkpoint(
        &self,
        checkpoint: CheckpointId,
    ) -> Result<Vec<Backup>, DbError> {
        of_checkpoint(&self.read, checkpoint).await
    }

    /// Up to `limit` whole backups of all projects, by their ids, those after `after`.
    pub async fn backup_page_all(
        &self,
        after: Option<BackupId>,
        limit: u64,
    ) -> Result<Vec<Backup>, DbError> {
        let mut rows = whole().order_by_asc(Column::Id).limit(limit);
        if let Some(after) = after {
            rows = rows.filter(Column::Id.gt(after.to_string()));
        }
        backups(rows.all(&self.read).await.map_err(DbError::of("backup_page_all"))?)
    }

    /// Up to `limit` whole backups of all projects whose time was over at `now` and which nobody has
    /// begun to delete, those first that are over longest.
    pub async fn backup_expired(&self, now: Timestamp, limit: u64) -> Result<Vec<Backup>, DbError> {
        let going = BackupStatus::ALL.iter().filter(|status| status.is_being_deleted());
        let rows = whole()
            .filter(Column::ExpiresAt.lte(micros(now)))
            .filter(Column::Status.is_not_in(going.map(|status| status.as_str())))
            .order_by_asc(Column::ExpiresAt)
            .order_by_asc(Column::Id)
            .limit(limit);
        backups(rows.all(&self.read).await.map_err(DbError::of("backup_expired"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::check;

    #[test]
    fn backup_of_a_project_is_prepared_as_it_is_built() {
        let values = ["a", "b", "a", "b"].map(Value::from);
        check(&IN_PROJECT, &values, &in_project("a", "b"));
    }
}
