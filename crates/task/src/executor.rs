//! Claims tasks and works on them, in a fixed number of slots.
//!
//! # Why
//! A slot is a loop: claim, carry, again. All that must survive is in the store, so a process that
//! dies and one that shuts down leave the same kind of thing behind.
//!
//! # Invariants
//! - TASK-7: shutting down fails no task: what still runs after the grace is handed back, and
//!   another worker goes on with it.
//!
//! # Concurrency and crash
//! [`Executor::run`] owns its slots and returns when all have ended. Any number of executors, in
//! any number of processes, share a store.
//!
//! # Not here
//! Which attempt comes next: `history.rs`. Keeping the right to a task: `lease.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{select, select_all};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::{Chain, Clock, Progress, Rng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::drive::{Drive, Left};
use crate::lease::Lease;
use crate::registry::Registry;
use crate::retry::jitter;
use crate::signal::{Signals, StopReason};
use crate::store::{CancelAnswer, Claim, Claimed, StoreResult, TaskStore};
use crate::task::WorkerId;

/// How an executor works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the rows of its tasks.
    pub worker: WorkerId,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// How many tasks it works on at once.
    pub slots: usize,
    /// How long a right to a task holds without renewal: how long a dead worker's tasks wait. Long
    /// against a pause of the process or of the store.
    pub lease: Duration,
    /// How long an idle slot waits before it asks again, whatever notifications say.
    pub poll: Duration,
}

/// Where the executor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Claims nothing; what runs may end.
    Draining,
    /// Hands back what runs.
    Stopping,
}

/// What an executor is made of.
pub struct Parts {
    /// What it can carry out.
    pub registry: Arc<Registry>,
    /// Where the tasks are.
    pub store: Arc<dyn TaskStore>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its chance, for waits.
    pub rng: Arc<dyn Rng>,
}

/// Claims tasks and works on them.
pub struct Executor {
    parts: Parts,
    claim: Claim,
    settings: Settings,
    phase: watch::Sender<Phase>,
    running: Mutex<BTreeMap<TaskId, Arc<Signals>>>,
    /// How many tasks run, for those who wait for none.
    busy: watch::Sender<usize>,
}

impl Executor {
    /// An executor that does nothing until it is run.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let claim = Claim {
            worker: settings.worker.clone(),
            kinds: parts.registry.kinds(),
            queues: settings.queues.clone(),
            lease: settings.lease,
        };
        let (phase, busy) = (watch::Sender::new(Phase::Open), watch::Sender::new(0));
        Self { parts, claim, settings, phase, running: Mutex::default(), busy }
    }

    /// Works until [`Executor::shutdown`]; on the threads of the tokio runtime that polls it.
    /// Dropping this stops everything at once, as a crash would.
    pub async fn run(self: Arc<Self>) {
        let mut slots = JoinSet::new();
        for _ in 0..self.settings.slots {
            slots.spawn(Arc::clone(&self).slot());
        }
        while let Some(ended) = slots.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %Chain(&error), "a slot of the executor broke");
                slots.spawn(Arc::clone(&self).slot());
            }
        }
    }

    /// One slot: works on one task after another until the executor shuts down.
    pub async fn slot(self: Arc<Self>) {
        let clock = &self.parts.clock;
        while *self.phase.borrow() == Phase::Open {
            let changed = self.parts.store.changed();
            let began = clock.monotonic();
            match self.parts.store.claim(&self.claim).await {
                Ok(Some(claimed)) => self.carry(claimed, began).await,
                Ok(None) => self.idle(changed).await,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "no task could be claimed");
                    self.idle(Box::pin(std::future::pending())).await;
                }
            }
        }
    }

    /// Asks that a task be cancelled; at once when it runs here, else when its worker renews.
    pub async fn cancel(&self, task: TaskId) -> StoreResult<CancelAnswer> {
        let answer = self.parts.store.request_cancel(task).await?;
        if answer == CancelAnswer::Noted
            && let Some(signals) = self.running().get(&task)
        {
            signals.say(StopReason::Cancelled);
        }
        Ok(answer)
    }

    /// Claims nothing more, lets what runs go on for up to `grace`, then hands the rest back. The
    /// slots end by themselves; a step that does not heed its token holds its slot up.
    pub async fn shutdown(&self, grace: Duration) {
        self.phase.send_replace(Phase::Draining);
        let mut busy = self.busy.subscribe();
        let idle = std::pin::pin!(busy.wait_for(|busy| *busy == 0));
        drop(select(idle, self.parts.clock.sleep(grace)).await);
        self.phase.send_replace(Phase::Stopping);
        for signals in self.running().values() {
            signals.say(StopReason::Shutdown);
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<TaskId, Arc<Signals>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn idle(&self, changed: BoxFuture<'static, ()>) {
        let mut phase = self.phase.subscribe();
        // Slots and workers that poll at different moments find work sooner.
        let poll = self.settings.poll * 3 / 4 + jitter(self.settings.poll / 4, &*self.parts.rng);
        let closed = Box::pin(async move {
            // An error means that the executor is gone, and this with it.
            drop(phase.wait_for(|phase| *phase != Phase::Open).await);
        });
        select_all([changed, self.parts.clock.sleep(poll), closed]).await;
    }

    /// Works on a task that was claimed by a call made at `began` (monotonic).
    async fn carry(&self, claimed: Claimed, began: Duration) {
        let order = &claimed.row.order;
        let Some(flow) = self.parts.registry.flow(&order.kind) else {
            tracing::error!(task.id = %order.id, "the store gave a task of an unknown kind");
            return;
        };
        let (store, clock) = (Arc::clone(&self.parts.store), Arc::clone(&self.parts.clock));
        let right = (order.id, claimed.row.fence);
        let lease = Lease::new(store, clock, right, (began, self.settings.lease));
        let _listed = Listed::new(self, order.id, Arc::clone(&lease.signals));
        if *self.phase.borrow() == Phase::Stopping {
            lease.signals.say(StopReason::Shutdown);
        }
        if claimed.row.is_cancel_requested {
            lease.signals.say(StopReason::Cancelled);
        }
        let taken =
            claimed.row.started_at.map(|start| claimed.now.since(start)).unwrap_or_default();
        let deadline = flow.limit.map(|limit| limit.saturating_sub(taken));
        if deadline == Some(Duration::ZERO) {
            lease.signals.say(StopReason::DeadlinePassed);
        }
        let progress = Progress::new();
        let drive = Drive::new(flow, &claimed, &lease, &progress, &*self.parts.rng);
        let keep = std::pin::pin!(async {
            lease.keep(&progress, deadline).await;
            std::future::pending::<Left>().await
        });
        let (id, fence, request) = (order.id, claimed.row.fence.0, order.request.as_str());
        let span = tracing::info_span!("task", task.id = %id, fence, request);
        let drive = std::pin::pin!(drive.run().instrument(span));
        let left = select(keep, drive).await.factor_first().0;
        tracing::debug!(task.id = %id, fence, left = ?left, "left a task");
    }
}

/// A task's place in the list of those that run here, for as long as it is carried.
struct Listed<'a> {
    executor: &'a Executor,
    task: TaskId,
    signals: Arc<Signals>,
}

impl<'a> Listed<'a> {
    fn new(executor: &'a Executor, task: TaskId, signals: Arc<Signals>) -> Self {
        executor.running().insert(task, Arc::clone(&signals));
        executor.busy.send_modify(|busy| *busy += 1);
        Self { executor, task, signals }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut running = self.executor.running();
        // Another slot may have claimed it anew after this one lost it.
        if running.get(&self.task).is_some_and(|signals| Arc::ptr_eq(signals, &self.signals)) {
            running.remove(&self.task);
        }
        drop(running);
        self.executor.busy.send_modify(|busy| *busy -= 1);
    }
}
