//! Keeps what users see of a task current, in the transactions that change the task.
//!
//! A task without such a row is fine: not every task is a user's.
//!
//! # Invariants
//! - DB-8: what users see of a task is what the runtime's row says, in every committed state; its
//!   progress never goes back.

use sea_orm::sea_query::{Expr, IntoCondition as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, UpdateMany};
use strongroom_base::Timestamp;
use strongroom_model::task::{Percent, TaskStatus};
use strongroom_task::{End, Ending, Measure};

use crate::entity::cbr_task::{Column, Entity};
use crate::row::{micros, number};
use crate::{DbError, Tx};

const QUERY: &str = "task_show";

/// A change of the row of the task `key` at `now`.
fn change(key: &str, now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
        .filter(Column::Id.eq(key))
}

/// Sets the state, and what clients are told of it.
fn set_status(change: UpdateMany<Entity>, status: TaskStatus) -> UpdateMany<Entity> {
    change
        .col_expr(Column::Status, Expr::value(status.as_str()))
        .col_expr(Column::ShownStatus, Expr::value(status.shown().as_str()))
}

impl Tx {
    /// A worker has taken a task. One that somebody had before keeps its state.
    pub(super) async fn show_claim(
        &self,
        key: &str,
        is_cancel_requested: bool,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let status = if is_cancel_requested { TaskStatus::Cancelling } else { TaskStatus::Running };
        let change = set_status(change(key, now), status)
            .col_expr(Column::StartedAt, Expr::value(micros(now)))
            .filter(Column::Status.eq(TaskStatus::Waiting.as_str()));
        self.show(change).await
    }

    /// A task goes backward, towards this end. A skipped one has nothing to undo that users know of.
    pub(super) async fn show_unwinding(
        &self,
        key: &str,
        end: End,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let status = match end {
            End::Failed | End::TimedOut => TaskStatus::Unwinding,
            End::Cancelled => TaskStatus::Cancelling,
            End::Succeeded | End::Skipped | End::Stuck => return Ok(()),
        };
        let is_running = Column::Status.eq(TaskStatus::Running.as_str());
        self.show(set_status(change(key, now), status).filter(is_running)).await
    }

    /// A user wants a task stopped. One that nobody has taken up keeps waiting, and is told to
    /// whoever takes it.
    pub(super) async fn show_cancel(&self, key: &str, now: Timestamp) -> Result<(), DbError> {
        let is_running = Column::Status.eq(TaskStatus::Running.as_str());
        let change = set_status(change(key, now), TaskStatus::Cancelling).filter(is_running);
        self.show(change).await
    }

    /// A task has come so far. Its parts are measured by themselves, so the percentage of a new one
    /// may be below what was shown.
    pub(super) async fn show_measure(
        &self,
        key: &str,
        measure: &Measure,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let percent = i32::from(Percent::of(measure.done, measure.total).get());
        let is_less = Column::Progress.lt(percent).into_condition();
        let progress = Expr::case(is_less, percent).finally(Expr::col(Column::Progress));
        let change = change(key, now)
            .col_expr(Column::Progress, progress.into())
            .col_expr(Column::BytesDone, Expr::value(number(measure.done)))
            .col_expr(Column::BytesTotal, Expr::value(number(measure.total)));
        self.show(change).await
    }

    /// A task has ended.
    pub(super) async fn show_end(
        &self,
        key: &str,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let status = match ending.end {
            End::Succeeded => TaskStatus::Success,
            End::Failed => TaskStatus::Failed,
            End::Skipped => TaskStatus::Skipped,
            End::Cancelled => TaskStatus::Cancelled,
            End::TimedOut => TaskStatus::Timeout,
            End::Stuck => TaskStatus::Stuck,
        };
        let failure = ending.failure.as_ref();
        let mut change = set_status(change(key, now), status)
            .col_expr(Column::EndedAt, Expr::value(micros(now)))
            .col_expr(Column::FailureCode, Expr::value(failure.map(|it| it.code.clone())))
            .col_expr(Column::FailureMessage, Expr::value(failure.map(|it| it.message.clone())));
        if status == TaskStatus::Success {
            let whole = i32::from(Percent::WHOLE.get());
            change = change.col_expr(Column::Progress, Expr::value(whole));
        }
        self.show(change).await
    }

    async fn show(&self, change: UpdateMany<Entity>) -> Result<(), DbError> {
        change.exec(&self.0).await.map(|_| ()).map_err(DbError::of(QUERY))
    }
}
