//! One named part of a workflow: what it does, how that is undone, what it may ask of the runtime.
//!
//! # Why
//! A worker may die at any instruction and another one goes on. So a step is a pair of functions
//! that both may run again, with an input that the log has kept since before the first run.
//!
//! # Invariants
//! - `run` with the same input reaches the same state, however often and however far it ran before.
//! - `undo` leads back from any state that `run` can leave, and may run again as well.
//! - An effect that somebody else may see carries [`StepCx::fence`] and is refused where a higher
//!   one was seen: a worker that slept must not repeat what another has undone.
//!
//! # Not here
//! The proofs of these rules for every workflow: `testing::Proofs`.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_base::ids::TaskId;
use strongroom_base::{CancelToken, Clock, ErrorClass, Progress};
use tokio::sync::watch;

use crate::record::Failure;
use crate::signal::StopReason;
use crate::task::Fence;

/// One step of a workflow.
pub trait Step: Send + Sync + 'static {
    /// Its name in the log, unique in its workflow.
    const NAME: &'static str;
    /// Whether this step is the point of no return: from its beginning on, cancel and deadline are
    /// ignored, and once it is done the task only goes forward. Its permanent failure says that it
    /// did not happen and never will; the steps, itself included, are then undone.
    const FINAL: bool = false;
    /// What it works on; kept in the log.
    type In: Serialize + DeserializeOwned + Send;
    /// What it leaves for later steps; kept in the log.
    type Out: Serialize + DeserializeOwned + Send;

    /// Does the work. May run again after a crash with the same `input`, and must then reach the
    /// same state. Looks at [`StepCx::cancel`] at least every 8 MiB or every second, and blocks no
    /// longer than that: the lease is renewed beside it.
    fn run(
        &self,
        cx: &StepCx<'_>,
        input: Self::In,
    ) -> impl Future<Output = Result<Self::Out, StepError>> + Send;

    /// Undoes what `run` did or may have half done; `out` is there when `run` had finished.
    fn undo(
        &self,
        cx: &StepCx<'_>,
        input: Self::In,
        out: Option<Self::Out>,
    ) -> impl Future<Output = Result<(), UndoError>> + Send;
}

/// What the runtime gives to one attempt of a step.
pub struct StepCx<'a> {
    pub(crate) task: TaskId,
    pub(crate) fence: Fence,
    pub(crate) attempt: u32,
    pub(crate) request: &'a str,
    pub(crate) progress: &'a Progress,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) stop: watch::Receiver<Option<StopReason>>,
    pub(crate) clock: &'a dyn Clock,
}

impl StepCx<'_> {
    /// The task; together with the step's name a good key for repeatable effects.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// The number of this worker's right to the task; goes into every write that matters.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Which attempt this is, from 1. For messages, never for decisions.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The id of the request that made the task.
    pub fn request(&self) -> &str {
        self.request
    }

    /// The counters that the runtime shows to the user.
    pub fn progress(&self) -> &Progress {
        self.progress
    }

    /// Tells when the attempt should end; then return [`StepError::Stopped`].
    pub fn cancel(&self) -> &CancelToken {
        self.cancel
    }

    /// Why the attempt should end, if it should.
    pub fn stop_reason(&self) -> Option<StopReason> {
        *self.stop.borrow()
    }

    /// Completes when the attempt should end.
    pub async fn stopped(&self) -> StopReason {
        let mut stop = self.stop.clone();
        loop {
            if let Some(reason) = *stop.borrow_and_update() {
                return reason;
            }
            if stop.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The worker's clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock
    }

    /// Waits for `duration`, or until the attempt should end, which is then an error.
    pub async fn sleep(&self, duration: Duration) -> Result<(), StepError> {
        let stopped = std::pin::pin!(self.stopped());
        match futures_util::future::select(stopped, self.clock.sleep(duration)).await {
            futures_util::future::Either::Left(_) => Err(StepError::Stopped),
            futures_util::future::Either::Right(_) => Ok(()),
        }
    }
}

/// What is behind a failure; for the operator's log, never shown to users.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why an attempt of a step did not finish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The token asked the step to stop and it did.
    #[error("the step stopped as it was asked to")]
    Stopped,
    /// There is nothing to do: what ran is undone and the task ends as skipped.
    /// From the final step on this counts as a permanent failure.
    #[error("there is nothing to do: {0}")]
    Skip(Failure),
    /// It failed; the class decides what happens next.
    #[error("the step failed: {failure}")]
    Failed {
        /// What is kept and shown.
        failure: Failure,
        /// What is behind it.
        #[source]
        cause: Option<Cause>,
    },
}

impl StepError {
    /// A failure with a code and a text that users may read.
    pub fn failed(class: ErrorClass, code: &str, message: &str) -> Self {
        Self::Failed { failure: Failure::new(class, code, message), cause: None }
    }

    /// Ends the task as skipped, with a code and a text that users may read.
    pub fn skip(code: &str, message: &str) -> Self {
        Self::Skip(Failure::new(ErrorClass::Permanent, code, message))
    }

    /// The same with what is behind it, where it is a failure.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Cause>) -> Self {
        match self {
            Self::Failed { failure, .. } => Self::Failed { failure, cause: Some(source.into()) },
            other => other,
        }
    }
}

/// Why an undo did not finish. A retryable one is tried again, then the task is stuck.
#[derive(Debug, thiserror::Error)]
#[error("the undo failed: {failure}")]
pub struct UndoError {
    /// What is kept and shown.
    pub failure: Failure,
    /// What is behind it.
    #[source]
    pub cause: Option<Cause>,
}

impl UndoError {
    /// A failure with a code and a text that users may read.
    pub fn new(class: ErrorClass, code: &str, message: &str) -> Self {
        Self { failure: Failure::new(class, code, message), cause: None }
    }

    /// The same with what is behind it.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Cause>) -> Self {
        Self { cause: Some(source.into()), ..self }
    }
}
