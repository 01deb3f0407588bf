//! What the holder of a task writes about it.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    UpdateMany,
};
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;
use strongroom_task::{
    CancelAnswer, End, Ending, Fence, Measure, NewTask, Record, StoreError, StoreResult,
};

use super::row::{self, ENDED, RUNNING};
use super::{DbTaskStore, log_of, unavailable};
use crate::entity::{task, task_held_key, task_key, task_log};
use crate::row::{ROWS, micros};
use crate::{DbError, Tx};

impl Tx {
    /// Adds tasks, for instance in the transaction of what they are about. The same one again
    /// changes nothing.
    pub async fn task_insert(&self, orders: &[NewTask]) -> Result<(), DbError> {
        for part in orders.chunks(ROWS) {
            self.task_insert_part(part).await?;
        }
        Ok(())
    }

    async fn task_insert_part(&self, orders: &[NewTask]) -> Result<(), DbError> {
        let query = "task_insert";
        let ids: Vec<_> = orders.iter().map(|order| row::key(order.id)).collect();
        let there = task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::Id.is_in(ids))
            .into_tuple::<String>();
        let there = there.all(&self.0).await.map_err(DbError::of(query))?;
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        for order in orders.iter().filter(|order| !there.contains(&row::key(order.id))) {
            rows.push(row::new(order));
            keys.extend(row::new_keys(order));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let inserted = task::Entity::insert_many(rows).exec_without_returning(&self.0).await;
        inserted.map_err(DbError::of(query))?;
        let mut keys = keys.into_iter();
        loop {
            let part: Vec<_> = keys.by_ref().take(ROWS).collect();
            if part.is_empty() {
                return Ok(());
            }
            let inserted =
                task_key::Entity::insert_many(part).exec_without_returning(&self.0).await;
            inserted.map_err(DbError::of(query))?;
        }
    }
}

/// A task that is running under the fence that was asked about, locked until the end of `tx`.
struct Held {
    tx: Tx,
    row: task::Model,
    now: Timestamp,
}

impl Held {
    fn key(&self) -> &str {
        &self.row.id
    }

    /// Changes the row and commits.
    async fn change(
        self,
        query: &'static str,
        change: impl FnOnce(UpdateMany<task::Entity>) -> UpdateMany<task::Entity>,
    ) -> StoreResult<()> {
        let update = task::Entity::update_many().filter(task::Column::Id.eq(self.key()));
        let done = change(update).exec(&self.tx.0).await;
        done.map_err(|error| unavailable(DbError::of(query)(error)))?;
        self.tx.commit().await.map_err(unavailable)
    }
}

/// How the task will end, if these lines say that it goes backward from here on.
fn unwinding(records: &[Record]) -> Option<End> {
    records.iter().find_map(|record| match record {
        Record::Unwind { end, .. } => Some(*end),
        _ => None,
    })
}

impl DbTaskStore {
    /// The task, if `fence` is its newest and it is running; `Stale` otherwise.
    async fn hold(&self, query: &'static str, id: TaskId, fence: Fence) -> StoreResult<Held> {
        let (tx, row) = self.locked(query, id).await?;
        match row {
            Some(row) if row.fence == row::number(fence) && row.state == RUNNING => {
                let now = self.now(&tx).await.map_err(unavailable)?;
                Ok(Held { tx, row, now })
            }
            _ => Self::refuse(tx, id).await,
        }
    }

    /// Changes nothing. The task is free for others at once.
    async fn refuse<T>(tx: Tx, id: TaskId) -> StoreResult<T> {
        tx.rollback().await;
        Err(StoreError::Stale { task: id })
    }

    async fn locked(
        &self,
        query: &'static str,
        id: TaskId,
    ) -> StoreResult<(Tx, Option<task::Model>)> {
        let tx = self.db.begin().await.map_err(unavailable)?;
        let found = task::Entity::find_by_id(row::key(id)).lock_exclusive().one(&tx.0).await;
        Ok((tx, found.map_err(|error| unavailable(DbError::of(query)(error)))?))
    }

    pub(super) async fn renew_lease(
        &self,
        id: TaskId,
        fence: Fence,
        lease: Duration,
    ) -> StoreResult<bool> {
        let query = "task_renew";
        let held = self.hold(query, id, fence).await?;
        let is_cancel_requested = held.row.is_cancel_requested;
        let until = micros(held.now.plus(lease));
        let change =
            |row: UpdateMany<_>| row.col_expr(task::Column::LeaseUntil, Expr::value(until));
        held.change(query, change).await?;
        Ok(is_cancel_requested)
    }

    pub(super) async fn append_lines(
        &self,
        id: TaskId,
        fence: Fence,
        from: u64,
        records: &[Record],
    ) -> StoreResult<()> {
        let query = "task_append";
        let held = self.hold(query, id, fence).await?;
        let failed = |error| unavailable(DbError::of(query)(error));
        let there = log_of(held.key()).all(&held.tx.0).await.map_err(failed)?;
        let new: Vec<_> = records.iter().map(row::json).collect();
        let Some(there) = usize::try_from(from).ok().and_then(|from| there.get(from..)) else {
            return Self::refuse(held.tx, id).await;
        };
        if !there.is_empty() {
            let fence = row::number(fence);
            let is_same = there.len() == new.len()
                && there
                    .iter()
                    .zip(&new)
                    .all(|(old, new)| old.fence == fence && old.record == *new);
            let refused = Self::refuse(held.tx, id).await;
            return if is_same { Ok(()) } else { refused };
        }
        let first = i64::try_from(from).map_err(|_| row::wrong(id, "number of the log"))?;
        let lines = (first..).zip(new).map(|(number, record)| task_log::ActiveModel {
            task_id: Set(held.row.id.clone()),
            number: Set(number),
            fence: Set(row::number(fence)),
            record: Set(record),
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            held.tx.rollback().await;
            return Ok(());
        }
        let added = task_log::Entity::insert_many(lines).exec_without_returning(&held.tx.0).await;
        added.map_err(failed)?;
        if let Some(end) = unwinding(records) {
            let shown = held.tx.show_unwinding(held.key(), end, held.now).await;
            shown.map_err(unavailable)?;
        }
        let failure = records.iter().rev().find_map(|record| match record {
            Record::Failed { failure, .. } => Some(row::json(failure)),
            _ => None,
        });
        match failure {
            None => held.tx.commit().await.map_err(unavailable),
            Some(failure) => {
                let change =
                    |row: UpdateMany<_>| row.col_expr(task::Column::Failure, Expr::value(failure));
                held.change(query, change).await
            }
        }
    }

    pub(super) async fn keep_measure(
        &self,
        id: TaskId,
        fence: Fence,
        measure: &Measure,
    ) -> StoreResult<()> {
        let query = "task_measure";
        let held = self.hold(query, id, fence).await?;
        let shown = held.tx.show_measure(held.key(), measure, held.now).await;
        shown.map_err(unavailable)?;
        let measure = row::json(measure);
        held.change(query, |row| row.col_expr(task::Column::Progress, Expr::value(measure))).await
    }

    pub(super) async fn hand_back(&self, id: TaskId, fence: Fence) -> StoreResult<()> {
        let query = "task_release";
        let held = self.hold(query, id, fence).await?;
        let change = |row: UpdateMany<_>| {
            row.col_expr(task::Column::Worker, Expr::value(None::<String>))
                .col_expr(task::Column::LeaseUntil, Expr::value(None::<i64>))
        };
        held.change(query, change).await?;
        self.notify();
        Ok(())
    }

    pub(super) async fn end_task(
        &self,
        id: TaskId,
        fence: Fence,
        ending: &Ending,
    ) -> StoreResult<()> {
        let query = "task_end";
        let text = row::ending(ending);
        let (tx, found) = self.locked(query, id).await?;
        let Some(found) = found.filter(|row| row.fence == row::number(fence)) else {
            return Self::refuse(tx, id).await;
        };
        if found.state == ENDED && found.ending.as_ref() == Some(&text) {
            tx.rollback().await;
            return Ok(());
        }
        if found.state != RUNNING {
            return Self::refuse(tx, id).await;
        }
        let now = self.now(&tx).await.map_err(unavailable)?;
        let of_task = task_held_key::Column::TaskId.eq(found.id.clone());
        let freed = task_held_key::Entity::delete_many().filter(of_task).exec(&tx.0).await;
        freed.map_err(|error| unavailable(DbError::of(query)(error)))?;
        let mut row = row::task(id, found.clone())?;
        row.state = strongroom_task::State::Ended(ending.end);
        (row.worker, row.lease_until, row.ended_at) = (None, None, Some(now));
        row.failure.clone_from(&ending.failure);
        tx.show_end(&found.id, ending, now).await.map_err(unavailable)?;
        if let Some(completion) = &ending.completion {
            let completed = self.completions.complete(&tx, &row, completion).await;
            completed.map_err(unavailable)?;
        }
        let held = Held { tx, row: found, now };
        let failure = ending.failure.as_ref().map(row::json);
        let change = |row: UpdateMany<_>| {
            row.col_expr(task::Column::State, Expr::value(ENDED))
                .col_expr(task::Column::EndedAs, Expr::value(row::word(ending.end)))
                .col_expr(task::Column::EndedAt, Expr::value(micros(now)))
                .col_expr(task::Column::Worker, Expr::value(None::<String>))
                .col_expr(task::Column::LeaseUntil, Expr::value(None::<i64>))
                .col_expr(task::Column::Failure, Expr::value(failure))
                .col_expr(task::Column::Ending, Expr::value(text))
        };
        held.change(query, change).await?;
        self.notify();
        Ok(())
    }

    pub(super) async fn note_cancel(&self, id: TaskId) -> StoreResult<CancelAnswer> {
        let tx = self.db.begin().await.map_err(unavailable)?;
        let answer = self.request_cancel_in(&tx, id).await.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        self.notify();
        Ok(answer)
    }

    /// Notes that a task shall be cancelled, in the transaction of whoever wants it. Workers hear of
    /// it after [`DbTaskStore::notify`], or when they renew.
    pub async fn request_cancel_in(&self, tx: &Tx, id: TaskId) -> Result<CancelAnswer, DbError> {
        let query = "task_request_cancel";
        let found = task::Entity::find_by_id(row::key(id)).lock_exclusive().one(&tx.0).await;
        let Some(row) = found.map_err(DbError::of(query))? else {
            return Ok(CancelAnswer::Unknown);
        };
        if row.state == ENDED {
            return Ok(CancelAnswer::TooLate);
        }
        tx.show_cancel(&row.id, self.now(tx).await?).await?;
        let update = task::Entity::update_many()
            .col_expr(task::Column::IsCancelRequested, Expr::value(true))
            .filter(task::Column::Id.eq(row.id));
        update.exec(&tx.0).await.map_err(DbError::of(query))?;
        Ok(CancelAnswer::Noted)
    }
}
