//! Who may have which task.

use sea_orm::sea_query::{Alias, Expr, LockBehavior, LockType, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _,
    ExprTrait as _, QueryFilter as _, QueryResult,
};
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;
use strongroom_task::{Claim, Claimed, State, StoreError, StoreResult, TaskRow};

use super::row::{self, RUNNING, WAITING};
use super::{DbTaskStore, log_of, unavailable};
use crate::entity::{task, task_held_key, task_key};
use crate::row::micros;
use crate::{DbError, Tx};

const QUERY: &str = "task_claim";

/// Two claims that want the same key at once: one of them looks again.
const TRIES: u32 = 5;

impl DbTaskStore {
    pub(super) async fn claim_one(&self, claim: &Claim) -> StoreResult<Option<Claimed>> {
        for _ in 0..TRIES {
            match self.try_claim(claim).await {
                Err(StoreError::Unavailable { source: Some(source) })
                    if matches!(source.downcast_ref(), Some(DbError::Conflict { .. })) => {}
                claimed => return claimed,
            }
        }
        Ok(None)
    }

    async fn try_claim(&self, claim: &Claim) -> StoreResult<Option<Claimed>> {
        let tx = self.db.begin().await.map_err(unavailable)?;
        let claimed = self.claim_in(&tx, claim).await;
        if matches!(claimed, Ok(Some(_))) {
            tx.commit().await.map_err(unavailable)?;
        } else {
            tx.rollback().await;
        }
        claimed
    }

    async fn claim_in(&self, tx: &Tx, claim: &Claim) -> StoreResult<Option<Claimed>> {
        let now = self.now(tx).await.map_err(unavailable)?;
        let Some(id) = free(tx, now, Some(claim), 1).await?.pop() else { return Ok(None) };
        let key = row::key(id);
        let failed = |error| unavailable(DbError::of(QUERY)(error));
        let found = task::Entity::find_by_id(key.clone()).one(&tx.0).await.map_err(failed)?;
        let mut row = row::task(id, found.ok_or(StoreError::Stale { task: id })?)?;
        if row.state == State::Waiting && !row.is_cancel_requested {
            hold_keys(tx, &row).await?;
        }
        row.state = State::Running;
        row.fence = row.fence.next();
        row.worker = Some(claim.worker.clone());
        row.lease_until = Some(now.plus(claim.lease));
        row.started_at.get_or_insert(now);
        task::Entity::update_many()
            .col_expr(task::Column::State, Expr::value(RUNNING))
            .col_expr(task::Column::Fence, Expr::value(row::number(row.fence)))
            .col_expr(task::Column::Worker, Expr::value(claim.worker.0.clone()))
            .col_expr(task::Column::LeaseUntil, Expr::value(row.lease_until.map(micros)))
            .col_expr(task::Column::StartedAt, Expr::value(row.started_at.map(micros)))
            .filter(task::Column::Id.eq(key.clone()))
            .exec(&tx.0)
            .await
            .map_err(failed)?;
        tx.show_claim(&key, row.is_cancel_requested, now).await.map_err(unavailable)?;
        let lines = log_of(&key).all(&tx.0).await.map_err(failed)?;
        let log = row::log(id, &lines)?;
        Ok(Some(Claimed { row, log, now }))
    }
}

/// Takes the keys of a task that begins. `Conflict` when another one has one of them meanwhile.
async fn hold_keys(tx: &Tx, task: &TaskRow) -> StoreResult<()> {
    let mut keys = task.order.keys.clone();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(());
    }
    let held = keys.into_iter().map(|key| task_held_key::ActiveModel {
        key: Set(key),
        task_id: Set(row::key(task.order.id)),
    });
    let inserted = task_held_key::Entity::insert_many(held).exec_without_returning(&tx.0).await;
    inserted.map(|_| ()).map_err(|error| unavailable(DbError::of(QUERY)(error)))
}

/// The tasks that are free at `now`, the oldest first; with a claim, those that it can get. Locks
/// them where rows can be locked, and leaves out those that others have locked.
pub(super) async fn free(
    tx: &Tx,
    now: Timestamp,
    claim: Option<&Claim>,
    limit: u64,
) -> StoreResult<Vec<TaskId>> {
    let mut select = select_free(now);
    if let Some(claim) = claim {
        select.cond_where(can_get(claim));
        select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    select.limit(limit);
    let rows = tx.0.query_all(&select).await;
    let rows = rows.map_err(|error| unavailable(DbError::of(QUERY)(error)))?;
    let id = |row: &QueryResult| {
        let key: String = row.try_get("", "id").map_err(|_| row::wrong(TaskId([0; 16]), "id"))?;
        row::id(&key)
    };
    rows.iter().map(id).collect()
}

fn select_free(now: Timestamp) -> SelectStatement {
    use task::Column as Task;
    let lease_is_over =
        Condition::any().add(Task::LeaseUntil.is_null()).add(Task::LeaseUntil.lte(micros(now)));
    let is_free = Condition::any()
        .add(Task::State.eq(WAITING))
        .add(Condition::all().add(Task::State.eq(RUNNING)).add(lease_is_over));
    Query::select()
        .column((task::Entity, Task::Id))
        .from(task::Entity)
        // What the index of these rows says: the oldest is found without sorting them.
        .and_where(Task::EndedAt.is_null())
        .cond_where(is_free)
        .order_by((task::Entity, Task::CreatedAt), sea_orm::Order::Asc)
        .order_by((task::Entity, Task::Id), sea_orm::Order::Asc)
        .to_owned()
}

/// Of the kinds and queues that were asked for, and no key is another's. A task that shall be
/// cancelled and never ran needs no keys.
fn can_get(claim: &Claim) -> Condition {
    use task::Column as Task;
    let kinds = claim.kinds.iter().fold(Condition::any(), |any, kind| {
        any.add(
            Condition::all()
                .add(Task::Workflow.eq(kind.workflow.clone()))
                .add(Task::Version.eq(i64::from(kind.version))),
        )
    });
    let nothing = claim.kinds.is_empty().then(|| Expr::value(1).eq(0));
    let queues = Task::Queue.is_in(claim.queues.iter().cloned());
    let runs_no_step =
        Condition::all().add(Task::State.eq(WAITING)).add(Task::IsCancelRequested.eq(true));
    let wanted = Alias::new("wanted");
    let held = Alias::new("held");
    let others = Query::select()
        .expr(Expr::value(1))
        .from_as(task_key::Entity, wanted.clone())
        .join_as(
            sea_orm::JoinType::InnerJoin,
            task_held_key::Entity,
            held.clone(),
            Expr::col((held.clone(), task_held_key::Column::Key))
                .equals((wanted.clone(), task_key::Column::Key)),
        )
        .and_where(Expr::col((wanted, task_key::Column::TaskId)).equals((task::Entity, Task::Id)))
        .and_where(
            Expr::col((held, task_held_key::Column::TaskId)).not_equals((task::Entity, Task::Id)),
        )
        .to_owned();
    Condition::all()
        .add(kinds)
        .add_option(nothing)
        .add(queues)
        .add(Condition::any().add(runs_no_step).add(Expr::exists(others).not()))
}
