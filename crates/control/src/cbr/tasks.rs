//! Tasks: ordering them, looking at them, cancelling.

use std::time::Duration;

use serde::Serialize;
use strongroom_db::Tx;
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::filter::TaskFilter;
use strongroom_model::page::Page;
use strongroom_model::task::{Percent, TaskDetails, TaskKind, TaskStatus};
use strongroom_model::{CheckpointId, Task, TaskId, Vault};
use strongroom_task::{CancelAnswer, NewTask, TaskStore as _, Workflow};

use super::vaults::UNKNOWN_MARKER;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// A page of tasks.
#[derive(Debug, Clone)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// How many match on all pages.
    pub count: u64,
}

/// A task, and how long it will take.
#[derive(Debug, Clone)]
pub struct WatchedTask {
    /// The task.
    pub task: Task,
    /// How long the part that is under way takes still, at the rate of the last seconds; none
    /// while that is not known.
    pub remaining: Option<Duration>,
}

/// What users will see of a task.
pub(crate) struct Order<'a> {
    /// The request that it comes from; what the service does by itself makes one up.
    pub(crate) request: &'a str,
    pub(crate) kind: TaskKind,
    pub(crate) vault: &'a Vault,
    pub(crate) checkpoint: Option<CheckpointId>,
    pub(crate) details: TaskDetails,
}

/// A task to begin: what users see of it, and what the runtime does.
pub(crate) struct Ordered {
    shown: Task,
    new: NewTask,
}

impl<'a> Order<'a> {
    pub(crate) fn new(
        request: &'a str,
        kind: TaskKind,
        vault: &'a Vault,
        details: TaskDetails,
    ) -> Self {
        Self { request, kind, vault, checkpoint: None, details }
    }
}

impl Service {
    /// The project's tasks.
    pub async fn task_list(
        &self,
        cx: &OpContext,
        filter: &TaskFilter,
        page: &Page<TaskId>,
    ) -> Result<TaskPage, Error> {
        self.authorize(cx, Action::TaskList).await?;
        let list = self.0.db.task_list(cx.project, filter, page).await?.ok_or(UNKNOWN_MARKER)?;
        Ok(TaskPage { tasks: list.tasks, count: list.count })
    }

    /// One task.
    pub async fn task_get(&self, cx: &OpContext, id: TaskId) -> Result<Task, Error> {
        self.authorize(cx, Action::TaskGet).await?;
        self.0.db.task_get(cx.project, id).await?.ok_or(Error::NotFound(Noun::Task))
    }

    /// One task, with what its worker says of it.
    pub async fn task_watch(&self, cx: &OpContext, id: TaskId) -> Result<WatchedTask, Error> {
        let task = self.task_get(cx, id).await?;
        if task.status != TaskStatus::Running {
            return Ok(WatchedTask { task, remaining: None });
        }
        let remaining = match self.0.tasks.load(id).await {
            Ok(found) => found.and_then(|found| found.row.progress.remaining()),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, task.id = %id, "the rate of a task is not known");
                None
            }
        };
        Ok(WatchedTask { task, remaining })
    }

    /// Asks a task to stop; the answer is the task as it is then. One that has ended, or is past
    /// the point of no return, stays as it is.
    pub async fn task_cancel(&self, cx: &OpContext, id: TaskId) -> Result<Task, Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::TaskCancel, subject, || self.cancel_task(cx, id)).await
    }

    async fn cancel_task(&self, cx: &OpContext, id: TaskId) -> Result<Task, Error> {
        let find = || self.0.db.task_get(cx.project, id);
        find().await?.ok_or(Error::NotFound(Noun::Task))?;
        let tx = self.0.db.begin().await?;
        if self.0.tasks.request_cancel_in(&tx, id).await? == CancelAnswer::Noted {
            let subject = (Some(id.to_string()), None);
            tx.audit_insert(&self.audit(cx, AuditEvent::CancelTask, subject.0, subject.1)).await?;
            tx.commit().await?;
            self.tell_of_cancel(id).await;
        }
        find().await?.ok_or(Error::NotFound(Noun::Task))
    }

    /// Lets the worker of this process hear at once; one elsewhere, and this one if this fails, hears
    /// when it renews.
    async fn tell_of_cancel(&self, id: TaskId) {
        self.0.tasks.notify();
        let Some(executor) = self.0.executor.get() else { return };
        if let Err(error) = executor.cancel(id).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, task.id = %id, "a worker was not told to stop at once");
        }
    }

    /// Orders a task of workflow `W`, in the transaction of what it is about.
    pub(crate) async fn begin_task<W: Workflow>(
        &self,
        tx: &Tx,
        order: Order<'_>,
        params: &W::Params,
        keys: Vec<String>,
    ) -> Result<TaskId, Error>
    where
        W::Params: Serialize,
    {
        let ordered = self.ordered::<W>(order, params, keys)?;
        let id = ordered.shown.id;
        Self::begin_ordered(tx, vec![ordered]).await?;
        Ok(id)
    }

    /// A task of workflow `W`, to be begun with others.
    pub(crate) fn ordered<W: Workflow>(
        &self,
        order: Order<'_>,
        params: &W::Params,
        keys: Vec<String>,
    ) -> Result<Ordered, Error>
    where
        W::Params: Serialize,
    {
        let shown = self.shown(order, TaskStatus::Waiting);
        let new = W::order(shown.id, params, &shown.request_id, shown.created_at)
            .map_err(Error::internal)?;
        Ok(Ordered { shown, new: NewTask { keys, ..new } })
    }

    /// Orders tasks, in the transaction of what they are about.
    pub(crate) async fn begin_ordered(tx: &Tx, tasks: Vec<Ordered>) -> Result<(), Error> {
        let (shown, new): (Vec<_>, Vec<_>) =
            tasks.into_iter().map(|task| (task.shown, task.new)).unzip();
        tx.task_insert(&new).await?;
        Ok(tx.task_insert_shown(&shown).await?)
    }

    /// Writes down a task that is done already.
    pub(crate) async fn note_done(&self, tx: &Tx, order: Order<'_>) -> Result<(), Error> {
        let task = self.shown(order, TaskStatus::Success);
        let now = Some(task.created_at);
        let task = Task { progress: Percent::WHOLE, started_at: now, ended_at: now, ..task };
        Ok(tx.task_insert_shown(&[task]).await?)
    }

    fn shown(&self, order: Order<'_>, status: TaskStatus) -> Task {
        let now = self.0.clock.now();
        Task {
            id: TaskId::random(&*self.0.rng),
            project_id: order.vault.project_id,
            kind: order.kind,
            status,
            progress: Percent::default(),
            bytes_done: 0,
            bytes_total: 0,
            failure: None,
            request_id: order.request.to_owned(),
            object: order.vault.kind.object(),
            vault_id: order.vault.id,
            vault_name: order.vault.name.clone(),
            checkpoint_id: order.checkpoint,
            details: order.details,
            created_at: now,
            updated_at: now,
            started_at: None,
            ended_at: None,
        }
    }
}
