//! When a collection has to stop: its caller cancelled it, or its time is over.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::{CancelToken, Clock, Progress};

use super::CollectError;

/// Looked at between any two steps of which nothing is lost.
#[derive(Clone)]
pub(crate) struct Watch {
    clock: Arc<dyn Clock>,
    /// By the clock's monotonic time.
    end: Option<Duration>,
    cancel: CancelToken,
    progress: Progress,
}

impl Watch {
    /// A watch over work that begins now.
    pub(crate) fn new(
        clock: &Arc<dyn Clock>,
        budget: Option<Duration>,
        cancel: &CancelToken,
        progress: &Progress,
    ) -> Self {
        Self {
            clock: Arc::clone(clock),
            end: budget.map(|budget| clock.monotonic().saturating_add(budget)),
            cancel: cancel.clone(),
            progress: progress.clone(),
        }
    }

    /// A watch that lets work go on to its end.
    pub(crate) fn patient(clock: &Arc<dyn Clock>) -> Self {
        Self::new(clock, None, &CancelToken::new(), &Progress::new())
    }

    /// An error when the work has to stop.
    pub(crate) fn check(&self) -> Result<(), CollectError> {
        if self.cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        if self.end.is_some_and(|end| self.clock.monotonic() >= end) {
            return Err(CollectError::OutOfTime);
        }
        Ok(())
    }

    /// Begins a part of the work that deals with `bytes`.
    pub(crate) fn begin(&self, phase: &'static str, bytes: u64) {
        self.progress.begin(phase, bytes);
    }

    /// Counts bytes as dealt with.
    pub(crate) fn add_done(&self, bytes: u64) {
        self.progress.add_done(bytes);
    }

    /// Where bytes that are written are counted.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }
}
