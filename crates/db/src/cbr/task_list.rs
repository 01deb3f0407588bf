//! Lists of tasks (contract, 4.7), the newest first.

use sea_orm::{ColumnTrait as _, Condition, Order};
use strongroom_model::filter::TaskFilter;
use strongroom_model::page::Page;
use strongroom_model::{ProjectId, Task, TaskId};

use super::backup_list::made_in;
use super::task_row::tasks;
use crate::count::{Counted, counter};
use crate::entity::cbr_task::{Column, Entity};
use crate::page::Listing;
use crate::{Db, DbError};

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskList {
    /// The tasks of the page.
    pub tasks: Vec<Task>,
    /// How many match on all pages.
    pub count: u64,
}

impl Db {
    /// A project's tasks; none at all when the page begins after a task that is not there. Two
    /// statements.
    pub async fn task_list(
        &self,
        project: ProjectId,
        filter: &TaskFilter,
        page: &Page<TaskId>,
    ) -> Result<Option<TaskList>, DbError> {
        let is_all = *filter == TaskFilter::default();
        let listing = Listing::<Entity> {
            query: "task_list",
            visible: Column::ProjectId.eq(project.to_string()).into(),
            matching: condition(filter),
            order: vec![(Column::CreatedAt, Order::Desc), (Column::Id, Order::Desc)],
            counter: is_all.then(|| counter(project, Counted::Tasks)),
        };
        let Some(found) = listing.read(&self.read, page).await? else { return Ok(None) };
        Ok(Some(TaskList { tasks: tasks(found.rows)?, count: found.count }))
    }
}

fn condition(filter: &TaskFilter) -> Condition {
    Condition::all()
        .add_option(filter.kind.map(|kind| Column::Kind.eq(kind.as_str())))
        .add_option(filter.status.map(|status| Column::ShownStatus.eq(status.as_str())))
        .add_option(filter.object.map(|object| Column::ObjectType.eq(object.as_str())))
        .add_option(filter.resource_id.map(|id| Column::ResourceId.eq(id.to_string())))
        .add_option(filter.resource_name.as_deref().map(|name| Column::ResourceName.eq(name)))
        .add_option(filter.vault_id.map(|id| Column::VaultId.eq(id.to_string())))
        .add_option(filter.vault_name.as_deref().map(|name| Column::VaultName.eq(name)))
        .add(made_in(Column::CreatedAt, &filter.created))
}
