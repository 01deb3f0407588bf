//! The row of a task: what was ordered, who works on it, how it ended.
//!
//! # Invariants
//! - A task that has begun stays `Running` until it ends, with or without a worker, and holds its
//!   keys as long: half-done work must not meet another task on the same thing.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;

use crate::measure::Measure;
use crate::record::Failure;

/// The number of a right to work on a task; every claim raises it by one.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl Fence {
    /// The fence of the next claim.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a worker process, for people who look for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

/// Which code a task runs: a workflow's name and version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Kind {
    /// The workflow's name.
    pub workflow: String,
    /// Its version.
    pub version: u32,
}

/// How a task ended. A task has one end and keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All steps have run.
    Succeeded,
    /// A step failed; what ran is undone.
    Failed,
    /// There was nothing to do; what ran is undone.
    Skipped,
    /// The user cancelled it; what ran is undone.
    Cancelled,
    /// It took longer than its workflow may; what ran is undone.
    TimedOut,
    /// It can go neither forward nor back; somebody has to look. Nothing tries again.
    Stuck,
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No worker has had it yet.
    Waiting,
    /// A worker has it, or had it and another one may take it over.
    Running,
    /// It is over.
    Ended(End),
}

/// A task as it is ordered: the part of the row that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its id.
    pub id: TaskId,
    /// The code that carries it out.
    pub kind: Kind,
    /// Which workers may take it, for instance those of one host.
    pub queue: String,
    /// The workflow's parameters.
    pub params: Value,
    /// Of the running tasks, only one may have each of these.
    pub keys: Vec<String>,
    /// The id of the request that ordered it.
    pub request: String,
    /// When it was ordered; older tasks are taken first.
    pub created_at: Timestamp,
}

/// The row of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// What was ordered.
    pub order: NewTask,
    /// Where it is in its life.
    pub state: State,
    /// The newest right to work on it; zero when nobody had it yet.
    pub fence: Fence,
    /// Who works on it.
    pub worker: Option<WorkerId>,
    /// Until when that right holds, by the store's time.
    pub lease_until: Option<Timestamp>,
    /// Whether somebody asked to cancel it.
    pub is_cancel_requested: bool,
    /// When a worker first took it, by the store's time.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the store's time.
    pub ended_at: Option<Timestamp>,
    /// How far it has come.
    pub progress: Measure,
    /// The last failure of an attempt; after the end, what the end says.
    pub failure: Option<Failure>,
}

impl TaskRow {
    /// The row of a task that nobody has touched yet.
    pub fn new(order: NewTask) -> Self {
        Self {
            order,
            state: State::Waiting,
            fence: Fence::default(),
            worker: None,
            lease_until: None,
            is_cancel_requested: false,
            started_at: None,
            ended_at: None,
            progress: Measure::default(),
            failure: None,
        }
    }

    /// Whether a worker may take it at `now`, the store's time, as far as this row alone tells.
    pub fn is_free(&self, now: Timestamp) -> bool {
        match self.state {
            State::Waiting => true,
            State::Running => self.lease_until.is_none_or(|until| until <= now),
            State::Ended(_) => false,
        }
    }
}
