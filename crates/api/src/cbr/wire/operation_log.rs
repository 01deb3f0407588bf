//! Tasks as CBR shows them (contract, 3.10).

use serde::Serialize;
use serde_json::Value;
use strongroom_model::resource::ResourceType;
use strongroom_model::task::{ShownStatus, TaskDetails, TaskKind, TaskResource, TaskStatus};
use strongroom_model::{BackupId, CheckpointId, ProjectId, ResourceId, Task, TaskId, VaultId};

use super::vault::provider_schema;
use crate::schema::{
    Schema, id, list, naive_time, named, null, nullable, number, number_of, object, object_with,
    one_of, plain_id, text,
};
use crate::time::TimeForm;

/// The code of a task that a user stopped (contract, 11b).
const CANCELLED: &str = "Strongroom.Cancelled";

/// As answers show it.
#[derive(Debug, Serialize)]
pub(crate) struct OperationLog<'a> {
    id: TaskId,
    project_id: ProjectId,
    created_at: String,
    updated_at: String,
    started_at: String,
    ended_at: Option<String>,
    operation_type: TaskKind,
    status: ShownStatus,
    provider_id: &'static str,
    checkpoint_id: Option<CheckpointId>,
    policy_id: Value,
    vault_id: VaultId,
    vault_name: &'a str,
    error_info: ErrorInfo<'a>,
    extra_info: ExtraInfo<'a>,
}

/// Empty texts while nothing is wrong.
#[derive(Debug, Serialize)]
struct ErrorInfo<'a> {
    code: &'a str,
    message: &'a str,
}

/// One part for each kind of task, and two for all.
#[derive(Debug, Serialize)]
struct ExtraInfo<'a> {
    common: Common<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Resource<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<NamedBackup<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete: Option<NamedBackup<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<Restore<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_delete: Option<VaultDelete>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_resources: Option<RemoveResources<'a>>,
}

#[derive(Debug, Serialize)]
struct Common<'a> {
    progress: u8,
    request_id: &'a str,
    task_id: TaskId,
    /// Ours: something that users should know of a task that did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the model's")]
struct Resource<'a> {
    id: ResourceId,
    #[serde(rename = "type")]
    resource_type: ResourceType,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct NamedBackup<'a> {
    backup_id: BackupId,
    backup_name: &'a str,
}

#[derive(Debug, Serialize)]
struct Restore<'a> {
    #[serde(flatten)]
    backup: NamedBackup<'a>,
    target_resource_id: Option<ResourceId>,
    target_resource_name: Option<&'a str>,
}

/// Both spellings: one client reads those that the documents do not have.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the wire's")]
struct VaultDelete {
    fail_count: u64,
    total_count: u64,
    fail_delete_count: u64,
    total_delete_count: u64,
}

#[derive(Debug, Serialize)]
struct RemoveResources<'a> {
    fail_count: u64,
    total_count: u64,
    resources: Vec<Resource<'a>>,
}

impl<'a> OperationLog<'a> {
    pub(crate) fn of(task: &'a Task) -> Self {
        let time = |time| TimeForm::NaiveMicros.format(time);
        Self {
            id: task.id,
            project_id: task.project_id,
            created_at: time(task.created_at),
            updated_at: time(task.updated_at),
            // Always there, so what waits says when it began to wait.
            started_at: time(task.started_at.unwrap_or(task.created_at)),
            ended_at: task.ended_at.map(time),
            operation_type: task.kind,
            status: task.status.shown(),
            provider_id: task.object.provider_id(),
            checkpoint_id: task.checkpoint_id,
            policy_id: Value::Null,
            vault_id: task.vault_id,
            vault_name: task.vault_name.as_str(),
            error_info: ErrorInfo::of(task),
            extra_info: ExtraInfo::of(task),
        }
    }
}

/// [`OperationLog`], described.
pub(crate) fn schema() -> Schema {
    named(
        "OperationLog",
        object([
            ("id", id()),
            ("project_id", plain_id()),
            ("created_at", naive_time()),
            ("updated_at", naive_time()),
            ("started_at", naive_time()),
            ("ended_at", nullable(naive_time())),
            ("operation_type", one_of(TaskKind::ALL)),
            ("status", one_of(ShownStatus::ALL)),
            ("provider_id", provider_schema()),
            ("checkpoint_id", nullable(id())),
            ("policy_id", null()),
            ("vault_id", id()),
            ("vault_name", text()),
            ("error_info", object([("code", text()), ("message", text())])),
            ("extra_info", extra_info_schema()),
        ]),
    )
}

fn extra_info_schema() -> Schema {
    let common = object_with(
        [("progress", number_of(0, 100)), ("request_id", text()), ("task_id", id())],
        [("note", text())],
    );
    let resource = || object([("id", id()), ("type", one_of(ResourceType::ALL)), ("name", text())]);
    let backup = || object([("backup_id", id()), ("backup_name", text())]);
    let restore = object([
        ("backup_id", id()),
        ("backup_name", text()),
        ("target_resource_id", nullable(id())),
        ("target_resource_name", nullable(text())),
    ]);
    let vault_delete = object([
        ("fail_count", number()),
        ("total_count", number()),
        ("fail_delete_count", number()),
        ("total_delete_count", number()),
    ]);
    let remove_resources = object([
        ("fail_count", number()),
        ("total_count", number()),
        ("resources", list(resource())),
    ]);
    object_with(
        [("common", common)],
        [
            ("resource", resource()),
            ("backup", backup()),
            ("delete", backup()),
            ("restore", restore),
            ("vault_delete", vault_delete),
            ("remove_resources", remove_resources),
        ],
    )
}

impl<'a> ErrorInfo<'a> {
    fn of(task: &'a Task) -> Self {
        if task.status == TaskStatus::Cancelled {
            return Self { code: CANCELLED, message: "The task was cancelled." };
        }
        match &task.failure {
            Some(failure) => Self { code: &failure.code, message: &failure.message },
            None => Self { code: "", message: "" },
        }
    }
}

impl<'a> ExtraInfo<'a> {
    fn of(task: &'a Task) -> Self {
        let TaskDetails { resource, backup, removed, deletions, note } = &task.details;
        let kind = task.kind;
        let only = |of: TaskKind| backup.as_ref().filter(|_| kind == of);
        let named = |of: TaskKind| {
            only(of).map(|one| NamedBackup { backup_id: one.id, backup_name: one.name.as_str() })
        };
        let counts = deletions.unwrap_or_default();
        Self {
            common: Common {
                progress: task.progress.get(),
                request_id: &task.request_id,
                task_id: task.id,
                note: note.as_deref(),
            },
            resource: resource.as_ref().map(Resource::of),
            backup: named(TaskKind::Backup),
            delete: named(TaskKind::Delete),
            restore: named(TaskKind::Restore).map(|backup| Restore {
                backup,
                target_resource_id: resource.as_ref().map(|one| one.id),
                target_resource_name: resource.as_ref().map(|one| one.name.as_str()),
            }),
            vault_delete: (kind == TaskKind::VaultDelete).then_some(VaultDelete {
                fail_count: counts.failed,
                total_count: counts.total,
                fail_delete_count: counts.failed,
                total_delete_count: counts.total,
            }),
            remove_resources: (kind == TaskKind::RemoveResource).then(|| RemoveResources {
                fail_count: counts.failed,
                total_count: counts.total,
                resources: removed.iter().map(Resource::of).collect(),
            }),
        }
    }
}

impl<'a> Resource<'a> {
    fn of(resource: &'a TaskResource) -> Self {
        Self {
            id: resource.id,
            resource_type: resource.resource_type,
            name: resource.name.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
