//! Between rows and what the runtime says.

use sea_orm::ActiveValue::Set;
use serde::de::DeserializeOwned;
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;
use strongroom_task::{
    End, Ending, Fence, Kind, NewTask, Record, State, StoreError, StoreResult, TaskRow, WorkerId,
};

use crate::entity::{task, task_key, task_log};
pub(super) use crate::row::json;
use crate::row::micros;

pub(super) const WAITING: &str = "waiting";
pub(super) const RUNNING: &str = "running";
pub(super) const ENDED: &str = "ended";

/// A task's id as its row has it: as clients know it.
pub(super) fn key(id: TaskId) -> String {
    strongroom_model::TaskId(id.0).to_string()
}

/// The id that a row has.
pub(super) fn id(key: &str) -> StoreResult<TaskId> {
    let parsed = key.parse::<strongroom_model::TaskId>().map(|id| TaskId(id.0));
    parsed.map_err(|_| wrong(TaskId([0; 16]), "id"))
}

pub(super) fn wrong(task: TaskId, column: &str) -> StoreError {
    StoreError::Inconsistent { task, what: format!("column {column}") }
}

fn read<T: DeserializeOwned>(task: TaskId, column: &str, text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|_| wrong(task, column))
}

fn time(task: TaskId, column: &str, at: Option<i64>) -> StoreResult<Option<Timestamp>> {
    let time = |at| u64::try_from(at).map(Timestamp).map_err(|_| wrong(task, column));
    at.map(time).transpose()
}

/// A fence as a column holds it.
pub(super) fn number(fence: Fence) -> i64 {
    i64::try_from(fence.0).unwrap_or(i64::MAX)
}

/// The word for an end, as JSON has it without the quotes.
pub(super) fn word(end: End) -> String {
    json(&end).trim_matches('"').to_owned()
}

/// What is kept of an end to know it again.
pub(super) fn ending(ending: &Ending) -> String {
    json(&(ending.end, &ending.failure, &ending.completion))
}

/// The row of a new task.
pub(super) fn new(order: &NewTask) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(key(order.id)),
        workflow: Set(order.kind.workflow.clone()),
        version: Set(order.kind.version.into()),
        queue: Set(order.queue.clone()),
        params: Set(json(&order.params)),
        keys: Set(json(&order.keys)),
        request: Set(order.request.clone()),
        created_at: Set(micros(order.created_at)),
        state: Set(WAITING.to_owned()),
        ended_as: Set(None),
        fence: Set(0),
        worker: Set(None),
        lease_until: Set(None),
        is_cancel_requested: Set(false),
        started_at: Set(None),
        ended_at: Set(None),
        progress: Set(json(&strongroom_task::Measure::default())),
        failure: Set(None),
        ending: Set(None),
    }
}

/// The rows of a new task's keys, each once.
pub(super) fn new_keys(order: &NewTask) -> Vec<task_key::ActiveModel> {
    let mut keys = order.keys.clone();
    keys.sort_unstable();
    keys.dedup();
    let row = |name| task_key::ActiveModel { task_id: Set(key(order.id)), key: Set(name) };
    keys.into_iter().map(row).collect()
}

/// Reads a row.
pub(super) fn task(id: TaskId, row: task::Model) -> StoreResult<TaskRow> {
    let version = u32::try_from(row.version).map_err(|_| wrong(id, "version"))?;
    let created_at = time(id, "created_at", Some(row.created_at))?.unwrap_or_default();
    let fence = u64::try_from(row.fence).map_err(|_| wrong(id, "fence"))?;
    let failure = row.failure.as_deref().map(|text| read(id, "failure", text)).transpose()?;
    Ok(TaskRow {
        state: state(id, &row)?,
        order: NewTask {
            id,
            kind: Kind { workflow: row.workflow, version },
            queue: row.queue,
            params: read(id, "params", &row.params)?,
            keys: read(id, "keys", &row.keys)?,
            request: row.request,
            created_at,
        },
        fence: Fence(fence),
        worker: row.worker.map(WorkerId),
        lease_until: time(id, "lease_until", row.lease_until)?,
        is_cancel_requested: row.is_cancel_requested,
        started_at: time(id, "started_at", row.started_at)?,
        ended_at: time(id, "ended_at", row.ended_at)?,
        progress: read(id, "progress", &row.progress)?,
        failure,
    })
}

fn state(id: TaskId, row: &task::Model) -> StoreResult<State> {
    match (row.state.as_str(), row.ended_as.as_deref()) {
        (WAITING, None) => Ok(State::Waiting),
        (RUNNING, None) => Ok(State::Running),
        (ENDED, Some(end)) => read(id, "ended_as", &format!("\"{end}\"")).map(State::Ended),
        _ => Err(wrong(id, "state")),
    }
}

/// Reads the lines of a log, which must be there without a gap.
pub(super) fn log(id: TaskId, lines: &[task_log::Model]) -> StoreResult<Vec<Record>> {
    let line = |(n, line): (usize, &task_log::Model)| {
        if usize::try_from(line.number) != Ok(n) {
            return Err(wrong(id, "number of the log"));
        }
        read(id, "record", &line.record)
    };
    lines.iter().enumerate().map(line).collect()
}
