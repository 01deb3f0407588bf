//! Between rows of tasks, as users see them, and tasks.

use sea_orm::ActiveValue::Set;
use strongroom_model::Task;
use strongroom_model::task::{Percent, TaskDetails, TaskFailure};

use crate::DbError;
use crate::entity::cbr_task::{ActiveModel, Model};
use crate::row::{Row, json, micros, number};

impl TryFrom<Model> for Task {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "cbr_task", id: &row.id };
        let failure = match (row.failure_code, row.failure_message) {
            (Some(code), Some(message)) => Some(TaskFailure { code, message }),
            (None, None) => None,
            _ => return Err(at.wrong("failure_code")),
        };
        Ok(Self {
            id: at.id("id", &row.id)?,
            project_id: at.id("project_id", &row.project_id)?,
            kind: at.text("kind", row.kind)?,
            status: at.text("status", row.status)?,
            progress: at.read("progress", Percent::new(row.progress.into()))?,
            bytes_done: at.number("bytes_done", row.bytes_done)?,
            bytes_total: at.number("bytes_total", row.bytes_total)?,
            failure,
            request_id: row.request_id,
            object: at.text("object_type", row.object_type)?,
            vault_id: at.id("vault_id", &row.vault_id)?,
            vault_name: at.text("vault_name", row.vault_name)?,
            checkpoint_id: at.id_option("checkpoint_id", row.checkpoint_id.as_deref())?,
            details: at.json("details", &row.details)?,
            created_at: at.time("created_at", row.created_at)?,
            updated_at: at.time("updated_at", row.updated_at)?,
            started_at: at.time_option("started_at", row.started_at)?,
            ended_at: at.time_option("ended_at", row.ended_at)?,
        })
    }
}

/// Reads rows.
pub(super) fn tasks(rows: Vec<Model>) -> Result<Vec<Task>, DbError> {
    rows.into_iter().map(Task::try_from).collect()
}

/// The row of a new task.
pub(super) fn new(task: &Task) -> ActiveModel {
    let failure = task.failure.as_ref();
    ActiveModel {
        id: Set(task.id.to_string()),
        project_id: Set(task.project_id.to_string()),
        kind: Set(task.kind.to_string()),
        status: Set(task.status.to_string()),
        shown_status: Set(task.status.shown().to_string()),
        progress: Set(task.progress.get().into()),
        bytes_done: Set(number(task.bytes_done)),
        bytes_total: Set(number(task.bytes_total)),
        failure_code: Set(failure.map(|failure| failure.code.clone())),
        failure_message: Set(failure.map(|failure| failure.message.clone())),
        request_id: Set(task.request_id.clone()),
        object_type: Set(task.object.to_string()),
        vault_id: Set(task.vault_id.to_string()),
        vault_name: Set(task.vault_name.to_string()),
        checkpoint_id: Set(task.checkpoint_id.map(|id| id.to_string())),
        created_at: Set(micros(task.created_at)),
        updated_at: Set(micros(task.updated_at)),
        started_at: Set(task.started_at.map(micros)),
        ended_at: Set(task.ended_at.map(micros)),
        ..details(&task.details)
    }
}

/// The columns of what a task works on.
pub(super) fn details(details: &TaskDetails) -> ActiveModel {
    let resource = details.resource.as_ref();
    ActiveModel {
        resource_id: Set(resource.map(|resource| resource.id.to_string())),
        resource_name: Set(resource.map(|resource| resource.name.to_string())),
        details: Set(json(details)),
        ..ActiveModel::default()
    }
}
