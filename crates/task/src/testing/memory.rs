//! A task store in memory: the model of what the real ones do.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::{Clock, Timestamp};
use tokio::sync::watch;

use crate::measure::Measure;
use crate::record::Record;
use crate::store::{
    CancelAnswer, Claim, Claimed, Completion, Ending, StoreError, StoreResult, Task, TaskStore,
};
use crate::task::{Fence, NewTask, State, TaskRow};

/// What the service would do in the transaction of an end.
type OnEnd = Box<dyn Fn(&TaskRow, &Completion) + Send + Sync>;

struct Entry {
    row: TaskRow,
    log: Vec<(Fence, Record)>,
    ending: Option<Ending>,
}

/// Tasks in memory. Every call is one transaction.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    on_end: OnEnd,
    tasks: Mutex<BTreeMap<TaskId, Entry>>,
    changed: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty store whose own time is `clock`'s wall time.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_completions(clock, |_, _| {})
    }

    /// The same, with what the service does in the transaction of an end.
    pub fn with_completions(
        clock: Arc<dyn Clock>,
        on_end: impl Fn(&TaskRow, &Completion) + Send + Sync + 'static,
    ) -> Self {
        let (tasks, changed) = (Mutex::default(), watch::Sender::new(0));
        Self { clock, on_end: Box::new(on_end), tasks, changed }
    }

    /// The row and the log of a task.
    pub fn get(&self, task: TaskId) -> Option<Task> {
        let tasks = self.tasks();
        let entry = tasks.get(&task)?;
        let log = entry.log.iter().map(|(_, record)| record.clone()).collect();
        Some(Task { row: entry.row.clone(), log })
    }

    /// Notes that a task shall be cancelled.
    pub fn note_cancel(&self, task: TaskId) -> CancelAnswer {
        match self.tasks().get_mut(&task) {
            None => CancelAnswer::Unknown,
            Some(entry) if matches!(entry.row.state, State::Ended(_)) => CancelAnswer::TooLate,
            Some(entry) => {
                entry.row.is_cancel_requested = true;
                CancelAnswer::Noted
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Entry>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Changes a task whose newest fence is `fence` and which has not ended.
    fn change<T>(
        &self,
        task: TaskId,
        fence: Fence,
        change: impl FnOnce(&mut Entry, Timestamp) -> StoreResult<T>,
    ) -> StoreResult<T> {
        let now = self.clock.now();
        let mut tasks = self.tasks();
        match tasks.get_mut(&task) {
            Some(entry) if entry.row.fence == fence && entry.row.state == State::Running => {
                change(entry, now)
            }
            _ => Err(StoreError::Stale { task }),
        }
    }

    fn insert_now(&self, task: &NewTask) {
        let entry = Entry { row: TaskRow::new(task.clone()), log: Vec::new(), ending: None };
        self.tasks().entry(task.id).or_insert(entry);
        self.notify();
    }

    fn claim_now(&self, claim: &Claim) -> Option<Claimed> {
        let now = self.clock.now();
        let mut tasks = self.tasks();
        let id = oldest(&tasks, now, Some(claim)).into_iter().next()?;
        let Entry { row, log, .. } = tasks.get_mut(&id)?;
        row.state = State::Running;
        row.fence = row.fence.next();
        row.worker = Some(claim.worker.clone());
        row.lease_until = Some(now.plus(claim.lease));
        row.started_at.get_or_insert(now);
        let log = log.iter().map(|(_, record)| record.clone()).collect();
        Some(Claimed { row: row.clone(), log, now })
    }

    fn end_now(&self, task: TaskId, fence: Fence, ending: &Ending) -> StoreResult<()> {
        let is_done =
            |entry: &Entry| entry.row.fence == fence && entry.ending.as_ref() == Some(ending);
        if self.tasks().get(&task).is_some_and(is_done) {
            return Ok(());
        }
        self.change(task, fence, |entry, now| {
            entry.row.state = State::Ended(ending.end);
            entry.row.ended_at = Some(now);
            entry.row.worker = None;
            entry.row.lease_until = None;
            entry.row.failure.clone_from(&ending.failure);
            entry.ending = Some(ending.clone());
            if let Some(completion) = &ending.completion {
                (self.on_end)(&entry.row, completion);
            }
            Ok(())
        })?;
        self.notify();
        Ok(())
    }
}

/// The tasks that are free, oldest first; with a claim, those that it can get.
fn oldest(tasks: &BTreeMap<TaskId, Entry>, now: Timestamp, claim: Option<&Claim>) -> Vec<TaskId> {
    let held: BTreeSet<(&String, TaskId)> = tasks
        .values()
        .filter(|entry| entry.row.state == State::Running)
        .flat_map(|entry| entry.row.order.keys.iter().map(|key| (key, entry.row.order.id)))
        .collect();
    let is_held = |order: &NewTask| {
        order.keys.iter().any(|key| held.iter().any(|(of, by)| *of == key && *by != order.id))
    };
    let can_get = |row: &TaskRow, claim: &Claim| {
        let runs_no_step = row.is_cancel_requested && row.state == State::Waiting;
        claim.kinds.contains(&row.order.kind)
            && claim.queues.contains(&row.order.queue)
            && (runs_no_step || !is_held(&row.order))
    };
    let mut free: Vec<&TaskRow> = tasks
        .values()
        .map(|entry| &entry.row)
        .filter(|row| row.is_free(now) && claim.is_none_or(|claim| can_get(row, claim)))
        .collect();
    free.sort_by_key(|row| (row.order.created_at, row.order.id));
    free.into_iter().map(|row| row.order.id).collect()
}

/// Adds lines to a log, or finds that they are there.
fn append(entry: &mut Entry, fence: Fence, from: u64, records: &[Record]) -> bool {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let Some(there) = entry.log.get(from..) else {
        return false;
    };
    if !there.is_empty() {
        let is_same = |(old, new): (&(Fence, Record), &Record)| old.0 == fence && old.1 == *new;
        return there.len() == records.len() && there.iter().zip(records).all(is_same);
    }
    for record in records {
        if let Record::Failed { failure, .. } = record {
            entry.row.failure = Some(failure.clone());
        }
        entry.log.push((fence, record.clone()));
    }
    true
}

impl TaskStore for MemoryStore {
    fn insert<'a>(&'a self, task: &'a NewTask) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(async move {
            self.insert_now(task);
            Ok(())
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, StoreResult<Option<Claimed>>> {
        Box::pin(async move { Ok(self.claim_now(claim)) })
    }

    fn renew(
        &self,
        task: TaskId,
        fence: Fence,
        lease: Duration,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        Box::pin(async move {
            self.change(task, fence, |entry, now| {
                entry.row.lease_until = Some(now.plus(lease));
                Ok(entry.row.is_cancel_requested)
            })
        })
    }

    fn append<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        from: u64,
        records: &'a [Record],
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(async move {
            self.change(task, fence, |entry, _| {
                let is_there = append(entry, fence, from, records);
                if is_there { Ok(()) } else { Err(StoreError::Stale { task }) }
            })
        })
    }

    fn measure<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        measure: &'a Measure,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(async move {
            self.change(task, fence, |entry, _| {
                entry.row.progress = measure.clone();
                Ok(())
            })
        })
    }

    fn end<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        ending: &'a Ending,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(async move { self.end_now(task, fence, ending) })
    }

    fn release(&self, task: TaskId, fence: Fence) -> BoxFuture<'_, StoreResult<()>> {
        Box::pin(async move {
            self.change(task, fence, |entry, _| {
                entry.row.worker = None;
                entry.row.lease_until = None;
                Ok(())
            })?;
            self.notify();
            Ok(())
        })
    }

    fn request_cancel(&self, task: TaskId) -> BoxFuture<'_, StoreResult<CancelAnswer>> {
        Box::pin(async move {
            let answer = self.note_cancel(task);
            self.notify();
            Ok(answer)
        })
    }

    fn load(&self, task: TaskId) -> BoxFuture<'_, StoreResult<Option<Task>>> {
        Box::pin(ready(Ok(self.get(task))))
    }

    fn list_due(&self, limit: usize) -> BoxFuture<'_, StoreResult<Vec<TaskId>>> {
        let mut due = oldest(&self.tasks(), self.clock.now(), None);
        due.truncate(limit);
        Box::pin(ready(Ok(due)))
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut changed = self.changed.subscribe();
        Box::pin(async move {
            // An error means that the store is gone, and nobody waits for it any more.
            drop(changed.changed().await);
        })
    }
}
