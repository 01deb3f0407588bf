//! A task as it is, without the coarser words of CBR.

use serde_json::{Value, json};
use strongroom_control::cbr::WatchedTask;
use strongroom_model::resource::ResourceType;
use strongroom_model::task::{TaskKind, TaskStatus};

use crate::schema::{
    Schema, id, named, nullable, number, number_of, object, one_of, text, zulu_time,
};
use crate::time::TimeForm;

/// As answers show it. Times end in `Z`; what is not known is null.
pub(super) fn view(watched: &WatchedTask) -> Value {
    let task = &watched.task;
    let details = &task.details;
    let time = |at| TimeForm::ZuluMicros.format(at);
    let resource = details.resource.as_ref().map(|resource| {
        json!({"id": resource.id, "type": resource.resource_type, "name": resource.name})
    });
    let failure = task
        .failure
        .as_ref()
        .map(|failure| json!({"code": failure.code, "message": failure.message}));
    json!({
        "id": task.id,
        "kind": task.kind,
        "status": task.status,
        "progress": task.progress.get(),
        "bytes_done": task.bytes_done,
        "bytes_total": task.bytes_total,
        "eta_seconds": watched.remaining.map(|remaining| remaining.as_secs()),
        "note": details.note,
        "failure": failure,
        "vault_id": task.vault_id,
        "vault_name": task.vault_name,
        "checkpoint_id": task.checkpoint_id,
        "resource": resource,
        "backup": details.backup.as_ref().map(|one| json!({"id": one.id, "name": one.name})),
        "request_id": task.request_id,
        "created_at": time(task.created_at),
        "updated_at": time(task.updated_at),
        "started_at": task.started_at.map(time),
        "ended_at": task.ended_at.map(time),
    })
}

/// [`view`], described.
pub(super) fn schema() -> Schema {
    let failure = object([("code", text()), ("message", text())]);
    let resource = object([("id", id()), ("type", one_of(ResourceType::ALL)), ("name", text())]);
    named(
        "Task",
        object([
            ("id", id()),
            ("kind", one_of(TaskKind::ALL)),
            ("status", one_of(TaskStatus::ALL)),
            ("progress", number_of(0, 100)),
            ("bytes_done", number()),
            ("bytes_total", number()),
            ("eta_seconds", nullable(number())),
            ("note", nullable(text())),
            ("failure", nullable(failure)),
            ("vault_id", id()),
            ("vault_name", text()),
            ("checkpoint_id", nullable(id())),
            ("resource", nullable(resource)),
            ("backup", nullable(object([("id", id()), ("name", text())]))),
            ("request_id", text()),
            ("created_at", zulu_time()),
            ("updated_at", zulu_time()),
            ("started_at", nullable(zulu_time())),
            ("ended_at", nullable(zulu_time())),
        ]),
    )
}
