//! Tasks as users see them: operation logs. What the runtime knows of a task is a row of another
//! table, written in the same transaction.
//!
//! # Invariants
//! - DB-4: the project's counter of tasks is what the table has.
//!
//! # Not here
//! What keeps status, progress, times and failure current: the task store, in its own transactions.

use std::collections::BTreeMap;

use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use strongroom_model::task::TaskDetails;
use strongroom_model::{ProjectId, ResourceId, Task, TaskId, VaultId};

use super::task_row::{details, new, tasks};
use crate::count::Counted;
use crate::entity::cbr_task::{Column, Entity};
use crate::prepared::Prepared;
use crate::row::{ROWS, keys};
use crate::{Db, DbError, Tx};

/// What tasks may be at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskSubject<'a> {
    /// A vault, whatever in it.
    Vault(VaultId),
    /// One of these resources, as the resource of the task's details.
    Resources(&'a [ResourceId]),
}

/// The tasks that have not ended, the oldest first.
async fn running(on: &impl ConnectionTrait, of: TaskSubject<'_>) -> Result<Vec<Task>, DbError> {
    let these = match of {
        TaskSubject::Vault(vault) => Column::VaultId.eq(vault.to_string()),
        TaskSubject::Resources(resources) => Column::ResourceId.is_in(keys(resources)),
    };
    let query = Entity::find()
        .filter(Column::EndedAt.is_null())
        .filter(these)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id);
    tasks(query.all(on).await.map_err(DbError::of("task_running_of"))?)
}

static IN_PROJECT: Prepared = Prepared::new(|| in_project("", ""));

/// A project's task.
fn in_project(id: &str, project: &str) -> SelectStatement {
    Entity::find_by_id(id).filter(Column::ProjectId.eq(project)).into_query()
}

impl Tx {
    /// Adds the rows that users see of tasks, in the transaction that inserts the tasks.
    pub async fn task_insert_shown(&self, tasks: &[Task]) -> Result<(), DbError> {
        let mut of_project = BTreeMap::<String, i64>::new();
        for part in tasks.chunks(ROWS) {
            let rows = part.iter().map(new);
            let inserted = Entity::insert_many(rows).exec_without_returning(&self.0).await;
            inserted.map_err(DbError::of("task_insert_shown"))?;
            for task in part {
                *of_project.entry(task.project_id.to_string()).or_default() += 1;
            }
        }
        for (project, count) in of_project {
            self.count_add(&project, Counted::Tasks, count).await?;
        }
        Ok(())
    }

    /// Notes what a task works on, or what became of it.
    pub async fn task_set_details(&self, id: TaskId, to: &TaskDetails) -> Result<(), DbError> {
        let query = "task_set_details";
        let this = Column::Id.eq(id.to_string());
        let update = Entity::update_many().set(details(to)).filter(this);
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// A task, which nobody else changes until the end of this transaction.
    pub async fn task_lock_shown(&self, id: TaskId) -> Result<Option<Task>, DbError> {
        let found = Entity::find_by_id(id.to_string()).lock_exclusive().one(&self.0).await;
        found.map_err(DbError::of("task_lock_shown"))?.map(Task::try_from).transpose()
    }

    /// The tasks that have not ended, the oldest first.
    pub async fn task_running_of(&self, of: TaskSubject<'_>) -> Result<Vec<Task>, DbError> {
        running(&self.0, of).await
    }
}

impl Db {
    /// A project's task.
    pub async fn task_get(&self, project: ProjectId, id: TaskId) -> Result<Option<Task>, DbError> {
        let values = vec![id.to_string().into(), project.to_string().into()];
        let statement = IN_PROJECT.with(self.read.get_database_backend(), values);
        let found = Entity::find().from_raw_sql(statement).one(&self.read).await;
        found.map_err(DbError::of("task_get"))?.map(Task::try_from).transpose()
    }

    /// A task in whichever project.
    pub async fn task_find(&self, id: TaskId) -> Result<Option<Task>, DbError> {
        let found = Entity::find_by_id(id.to_string()).one(&self.read).await;
        found.map_err(DbError::of("task_find"))?.map(Task::try_from).transpose()
    }

    /// The tasks that have not ended, the oldest first.
    pub async fn task_running_of(&self, of: TaskSubject<'_>) -> Result<Vec<Task>, DbError> {
        running(&self.read, of).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::check;

    #[test]
    fn task_of_a_project_is_prepared_as_it_is_built() {
        check(&IN_PROJECT, &["a".into(), "b".into()], &in_project("a", "b"));
    }
}
