//! Tasks and their logs, as the runtime needs them.
//!
//! # Why
//! The runtime decides from the log alone; here each of its calls is one short transaction, fenced.
//! What the service writes about an end happens in the transaction of the end, through
//! [`Completions`].
//!
//! # Invariants
//! - TASK-1: a write with an old fence, or to a task that ended, changes nothing.
//! - DB-8: what users see of a task changes with it.
//! - A key has one holder: the primary key of `task_held_key` says so, whoever claims at once.
//!
//! # Concurrency and crash
//! Any number of processes. On `PostgreSQL` a claim skips rows that another one is about to take.

mod claim;
mod row;
mod shown;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::{ErrorClass, Timestamp};
use strongroom_task::{
    CancelAnswer, Claim, Claimed, Completion, Ending, Fence, Measure, NewTask, Record, StoreError,
    StoreResult, Task, TaskRow, TaskStore,
};
use tokio::sync::watch;

use crate::entity::{task, task_log};
use crate::{Db, DbError, Tx};

/// What the service writes about the end of a task, in the transaction of the end.
pub trait Completions: Send + Sync {
    /// Writes it.
    fn complete<'a>(
        &'a self,
        tx: &'a Tx,
        task: &'a TaskRow,
        completion: &'a Completion,
    ) -> BoxFuture<'a, Result<(), DbError>>;
}

/// Tasks over a database. Clones are the same store.
#[derive(Clone)]
pub struct DbTaskStore {
    db: Db,
    completions: Arc<dyn Completions>,
    changed: watch::Sender<u64>,
    /// By how many microseconds the store's time is ahead of the database's; only tests change it.
    ahead: Arc<AtomicU64>,
}

impl DbTaskStore {
    /// The tasks of a database.
    pub fn new(db: Db, completions: Arc<dyn Completions>) -> Self {
        Self { db, completions, changed: watch::Sender::new(0), ahead: Arc::default() }
    }

    /// Tells waiting workers of this process that a task was inserted, after its commit.
    pub fn notify(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Lets the store's time pass.
    #[cfg(any(test, feature = "testing"))]
    pub fn pass(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.ahead.fetch_add(micros, Ordering::Relaxed);
    }

    /// The store's time: the database's, which all workers share.
    async fn now(&self, tx: &Tx) -> Result<Timestamp, DbError> {
        let now = tx.now().await?;
        Ok(now.plus(Duration::from_micros(self.ahead.load(Ordering::Relaxed))))
    }

    async fn load_task(&self, id: TaskId) -> StoreResult<Option<Task>> {
        let query = "task_load";
        let key = row::key(id);
        let failed = |error| unavailable(DbError::of(query)(error));
        let Some(found) =
            task::Entity::find_by_id(key.clone()).one(&self.db.read).await.map_err(failed)?
        else {
            return Ok(None);
        };
        let lines = log_of(&key).all(&self.db.read).await.map_err(failed)?;
        Ok(Some(Task { row: row::task(id, found)?, log: row::log(id, &lines)? }))
    }

    async fn due(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        let tx = self.db.begin().await.map_err(unavailable)?;
        let now = self.now(&tx).await.map_err(unavailable)?;
        claim::free(&tx, now, None, limit as u64).await
    }
}

/// The lines of a task's log in order.
fn log_of(key: &str) -> sea_orm::Select<task_log::Entity> {
    let of_task = task_log::Column::TaskId.eq(key);
    task_log::Entity::find().filter(of_task).order_by_asc(task_log::Column::Number)
}

/// The error of a database in the runtime's words.
fn unavailable(error: DbError) -> StoreError {
    debug_assert_ne!(error.class(), ErrorClass::Corruption, "rows are read by `row`");
    StoreError::Unavailable { source: Some(Box::new(error)) }
}

impl TaskStore for DbTaskStore {
    fn insert<'a>(&'a self, task: &'a NewTask) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(async move {
            let tx = self.db.begin().await.map_err(unavailable)?;
            tx.task_insert(std::slice::from_ref(task)).await.map_err(unavailable)?;
            tx.commit().await.map_err(unavailable)?;
            self.notify();
            Ok(())
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, StoreResult<Option<Claimed>>> {
        Box::pin(self.claim_one(claim))
    }

    fn renew(
        &self,
        task: TaskId,
        fence: Fence,
        lease: Duration,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        Box::pin(self.renew_lease(task, fence, lease))
    }

    fn append<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        from: u64,
        records: &'a [Record],
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.append_lines(task, fence, from, records))
    }

    fn measure<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        measure: &'a Measure,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.keep_measure(task, fence, measure))
    }

    fn end<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        ending: &'a Ending,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.end_task(task, fence, ending))
    }

    fn release(&self, task: TaskId, fence: Fence) -> BoxFuture<'_, StoreResult<()>> {
        Box::pin(self.hand_back(task, fence))
    }

    fn request_cancel(&self, task: TaskId) -> BoxFuture<'_, StoreResult<CancelAnswer>> {
        Box::pin(self.note_cancel(task))
    }

    fn load(&self, task: TaskId) -> BoxFuture<'_, StoreResult<Option<Task>>> {
        Box::pin(self.load_task(task))
    }

    fn list_due(&self, limit: usize) -> BoxFuture<'_, StoreResult<Vec<TaskId>>> {
        Box::pin(self.due(limit))
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut changed = self.changed.subscribe();
        Box::pin(async move {
            // An error means that the store is gone, and nobody waits for it any more.
            drop(changed.changed().await);
        })
    }
}
