//! A worker's right to one task, kept up beside the work.
//!
//! # Why
//! Steps take hours and must not have to think of leases. The keeper renews, watches the deadline
//! and writes progress; the work beside it only sees signals.
//!
//! # Invariants
//! - TASK-2: a right is given up no later than it runs out, counted on the worker's monotonic clock
//!   from before the call that gave it; after that the worker writes nothing. Wall clocks may jump.
//!
//! # Concurrency and crash
//! Keeper and work are two futures of one slot. A worker that dies or stops stops renewing; another
//! one claims the task when the lease has run out. What the first one writes later is stale.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join3;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::{Chain, Clock, Progress};

use crate::measure::Meter;
use crate::signal::{Signals, StopReason};
use crate::store::{StoreError, StoreResult, TaskStore};
use crate::task::Fence;

/// How often progress is written at most: what a person can follow, and no burden for the store.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Of the lease, the part after which it is renewed: two renewals may fail before it runs out.
const RENEW_AFTER: u32 = 3;

/// Of the lease, the part after which a call to a store that did not answer is made again.
const AGAIN_AFTER: u32 = 20;

/// The right to the task is gone, and with it every reason to go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// A worker's right to one task.
pub(crate) struct Lease {
    pub(crate) store: Arc<dyn TaskStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) task: TaskId,
    pub(crate) fence: Fence,
    pub(crate) length: Duration,
    pub(crate) signals: Arc<Signals>,
    /// When it runs out, by the monotonic clock.
    until: Mutex<Duration>,
}

impl Lease {
    /// The right that a claim gave which was sent at `began` (monotonic).
    pub(crate) fn new(
        store: Arc<dyn TaskStore>,
        clock: Arc<dyn Clock>,
        (task, fence): (TaskId, Fence),
        (began, length): (Duration, Duration),
    ) -> Self {
        let until = Mutex::new(began.saturating_add(length));
        Self { store, clock, task, fence, length, signals: Arc::default(), until }
    }

    /// Keeps the right up, for ever; whoever works beside it drops this when the work is done.
    pub(crate) async fn keep(&self, progress: &Progress, deadline: Option<Duration>) {
        join3(self.renew(), self.watch(deadline), self.write_progress(progress)).await;
    }

    async fn renew(&self) {
        let mut wait = self.length / RENEW_AFTER;
        while !self.is_over() {
            self.clock.sleep(wait).await;
            if self.is_over() {
                return;
            }
            let began = self.clock.monotonic();
            wait = match self.store.renew(self.task, self.fence, self.length).await {
                Ok(is_cancel_requested) => {
                    *self.until.lock().unwrap_or_else(PoisonError::into_inner) =
                        began.saturating_add(self.length);
                    if is_cancel_requested {
                        self.signals.say(StopReason::Cancelled);
                    }
                    self.length / RENEW_AFTER
                }
                Err(StoreError::Unavailable { .. }) => self.length / AGAIN_AFTER,
                Err(error) => return self.lose(&error),
            };
        }
    }

    async fn watch(&self, deadline: Option<Duration>) {
        if let Some(deadline) = deadline {
            self.clock.sleep(deadline).await;
            self.signals.say(StopReason::DeadlinePassed);
        }
    }

    async fn write_progress(&self, progress: &Progress) {
        let mut meter = Meter::default();
        loop {
            self.clock.sleep(PROGRESS_EVERY).await;
            // Nobody looks at the figures of work that is being cleared up.
            if self.is_over() || self.signals.is_heeded() {
                return;
            }
            let Some(measure) = meter.read(progress, self.clock.monotonic()) else {
                continue;
            };
            match self.store.measure(self.task, self.fence, &measure).await {
                // Figures that are not written now are written a second later.
                Ok(()) | Err(StoreError::Unavailable { .. }) => {}
                Err(error) => return self.lose(&error),
            }
        }
    }

    /// Makes a write until the store answers or the right is gone. The write must be repeatable.
    pub(crate) async fn write<'a>(
        &self,
        mut call: impl FnMut() -> BoxFuture<'a, StoreResult<()>>,
    ) -> Result<(), Lost> {
        loop {
            if self.is_over() {
                return Err(Lost);
            }
            match call().await {
                Ok(()) => return Ok(()),
                Err(StoreError::Unavailable { .. }) => {
                    self.clock.sleep(self.length / AGAIN_AFTER).await;
                }
                Err(error) => {
                    self.lose(&error);
                    return Err(Lost);
                }
            }
        }
    }

    /// Whether the right is gone; says so to everybody when it just ran out.
    fn is_over(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.signals.is_lost() && self.clock.monotonic() >= until {
            tracing::warn!(task.id = %self.task, fence = self.fence.0, "the lease has run out");
            self.signals.say(StopReason::LeaseLost);
        }
        self.signals.is_lost()
    }

    fn lose(&self, error: &StoreError) {
        if !self.signals.is_lost() {
            let error = Chain(error).to_string();
            tracing::warn!(task.id = %self.task, fence = self.fence.0, error, "gave a task up");
            self.signals.say(StopReason::LeaseLost);
        }
    }
}
