//! The contract of the place where tasks and their logs are kept.
//!
//! # Why
//! The runtime must not know databases; the database must not decide. Everything here is one short
//! transaction; none stays open while a step runs.
//!
//! # Invariants
//! - TASK-1: a write with a fence that is not the newest, or to a task that ended, is refused with
//!   [`StoreError::Stale`] and changes nothing.
//! - Each write may be repeated after its answer was lost: the repetition succeeds and changes
//!   nothing more.
//! - Leases are measured by the store's own time, which all workers share.
//!
//! # Concurrency and crash
//! Any number of workers call any of this at once. A call that hangs holds up its task, so the
//! implementation ends each one after some seconds with [`StoreError::Unavailable`].
//!
//! # Not here
//! Inserting a task together with other rows: the service does that in its own transaction, with
//! the row that [`TaskRow::new`] makes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::{ErrorClass, Timestamp};

use crate::measure::Measure;
use crate::record::{Failure, Record};
use crate::task::{End, Fence, Kind, NewTask, TaskRow, WorkerId};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another worker has the task, or it has ended: nothing was written.
    #[error("the right to task {task} is gone")]
    Stale {
        /// The task.
        task: TaskId,
    },
    /// The store does not answer; the write may or may not have happened.
    #[error("the task store does not answer")]
    Unavailable {
        /// What is behind it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A row or a line of the log is not what was ever written.
    #[error("task {task} cannot be read: {what}")]
    Inconsistent {
        /// The task.
        task: TaskId,
        /// What is wrong, and where.
        what: String,
    },
}

impl StoreError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Stale { .. } => ErrorClass::Permanent,
            Self::Unavailable { .. } => ErrorClass::Retryable,
            Self::Inconsistent { .. } => ErrorClass::Corruption,
        }
    }
}

/// What a call to the store returns.
pub type StoreResult<T> = Result<T, StoreError>;

/// What a worker asks for when it wants work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who asks.
    pub worker: WorkerId,
    /// The code that it has.
    pub kinds: Vec<Kind>,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// How long its right shall hold unless it is renewed.
    pub lease: Duration,
}

/// All that is kept of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its row.
    pub row: TaskRow,
    /// Its log.
    pub log: Vec<Record>,
}

/// A task, and the right to work on it: the fence in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The row after the claim.
    pub row: TaskRow,
    /// Its log so far.
    pub log: Vec<Record>,
    /// The store's time of the claim.
    pub now: Timestamp,
}

/// What the service writes about the end of a task, in the same transaction as the end itself.
/// Opaque to the runtime; the workflow makes it and the store's owner reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Completion(pub Value);

/// The end of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How it ends.
    pub end: End,
    /// What went wrong, unless it succeeded.
    pub failure: Option<Failure>,
    /// What the service writes with it; `None` when there is nothing to write, or
    /// when a stuck task's data could not be read.
    pub completion: Option<Completion>,
}

/// What became of the wish to cancel a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It is noted. The task may still succeed if it is past its point of no return.
    Noted,
    /// The task has ended.
    TooLate,
    /// There is no such task.
    Unknown,
}

/// Where tasks and their logs are kept.
pub trait TaskStore: Send + Sync {
    /// Adds a task. The same one again is no error and changes nothing.
    fn insert<'a>(&'a self, task: &'a NewTask) -> BoxFuture<'a, StoreResult<()>>;

    /// Gives the oldest task that is free (see [`TaskRow::is_free`]), of one of the kinds, in one
    /// of the queues, and none of whose keys a running task has; of equally old ones that with the
    /// lowest id. Sets state, worker, lease and start, and raises the fence by one.
    ///
    /// A task that shall be cancelled and never ran is given whatever its keys: it will run no step.
    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, StoreResult<Option<Claimed>>>;

    /// Lets the right hold for `lease` from now on. Tells whether the task shall be cancelled.
    fn renew(
        &self,
        task: TaskId,
        fence: Fence,
        lease: Duration,
    ) -> BoxFuture<'_, StoreResult<bool>>;

    /// Adds `records` to the log, all or none, as the lines from number `from` on. Keeps the last
    /// failure among them in the row. When lines with these numbers are there: succeeds if the same
    /// fence wrote the same, else the caller is [`StoreError::Stale`].
    fn append<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        from: u64,
        records: &'a [Record],
    ) -> BoxFuture<'a, StoreResult<()>>;

    /// Keeps how far the task has come.
    fn measure<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        measure: &'a Measure,
    ) -> BoxFuture<'a, StoreResult<()>>;

    /// Ends the task and does in the same transaction what the completion says. The same end by
    /// the same fence again is no error and changes nothing.
    fn end<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        ending: &'a Ending,
    ) -> BoxFuture<'a, StoreResult<()>>;

    /// Gives the right back: anybody may claim the task at once. It stays running and keeps its
    /// keys.
    fn release(&self, task: TaskId, fence: Fence) -> BoxFuture<'_, StoreResult<()>>;

    /// Notes that the task shall be cancelled; needs no right.
    fn request_cancel(&self, task: TaskId) -> BoxFuture<'_, StoreResult<CancelAnswer>>;

    /// The row and the log of a task.
    fn load(&self, task: TaskId) -> BoxFuture<'_, StoreResult<Option<Task>>>;

    /// The ids of up to `limit` tasks that wait for a worker, oldest first, whatever their keys.
    fn list_due(&self, limit: usize) -> BoxFuture<'_, StoreResult<Vec<TaskId>>>;

    /// Completes when there may be something new to claim since this was called. It only shortens
    /// the wait between two polls, and may as well never complete.
    fn changed(&self) -> BoxFuture<'static, ()>;
}
