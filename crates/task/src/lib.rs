//! Durable tasks: workflows of steps that survive the death of any worker at any instruction.
//!
//! A *workflow* ([`Workflow`]) is an ordered list of named *steps* ([`Step`]), each with its undo. A
//! *task* is one run of it: a row and an append-only log in a [`TaskStore`]. Workers ([`Executor`])
//! claim tasks under a lease with a rising fence and go on where the log ends.
//!
//! # Why
//! Backups take hours, processes do not live that long, and users watch, cancel and ask what went
//! wrong. The runtime is our own because leases, fences, queues of one host and two databases come
//! together in no library (docs/adr).
//!
//! # Invariants
//! TASK-1 and following, docs/invariants.md.
//!
//! # Concurrency and crash
//! Every worker may stop anywhere. Its lease runs out, another worker reads the log and goes on;
//! what the first one writes later carries an old fence and is refused.
//!
//! # Not here
//! What tasks are about; databases; when a task is ordered (the service decides).

mod drive;
mod erased;
mod executor;
mod history;
mod lease;
mod measure;
mod record;
mod registry;
mod retry;
mod signal;
mod step;
mod store;
mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod workflow;

pub use erased::UnreadableError;
pub use executor::{Executor, Parts, Settings};
pub use measure::Measure;
pub use record::{Act, Failure, Record};
pub use registry::{Registry, RegistryError};
pub use retry::Retry;
pub use signal::StopReason;
pub use step::{Cause, Step, StepCx, StepError, UndoError};
pub use store::{
    CancelAnswer, Claim, Claimed, Completion, Ending, StoreError, StoreResult, Task, TaskStore,
};
pub use task::{End, Fence, Kind, NewTask, State, TaskRow, WorkerId};
pub use workflow::{DEFAULT_QUEUE, Outcome, Outputs, Plan, Workflow};
