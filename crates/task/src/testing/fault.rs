//! A worker's way to a store, on which calls take time, fail, and fail after their effect.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;

use crate::measure::Measure;
use crate::record::Record;
use crate::store::{
    CancelAnswer, Claim, Claimed, Ending, StoreError, StoreResult, Task, TaskStore,
};
use crate::task::{Fence, NewTask};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect.
    Before,
    /// It has its effect, and its answer is lost.
    After,
    /// The store says that the right is gone. Calls that need none fail as [`Fault::Before`].
    Stale,
}

/// One call to the store.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Counts the calls through this way, from 1.
    pub number: u64,
    /// The name of the function.
    pub name: &'static str,
}

type Script = dyn Fn(Call) -> Option<Fault> + Send + Sync;
type Delay = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

/// A way to a store with faults and delays.
pub struct FaultStore {
    inner: Arc<dyn TaskStore>,
    script: Box<Script>,
    delay: Box<Delay>,
    calls: AtomicU64,
}

impl FaultStore {
    /// A way to `inner` on which `script` decides what goes wrong, and each call waits for `delay`
    /// both before and after its effect.
    pub fn new(
        inner: Arc<dyn TaskStore>,
        script: impl Fn(Call) -> Option<Fault> + Send + Sync + 'static,
        delay: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let (script, delay) = (Box::new(script), Box::new(delay));
        Self { inner, script, delay, calls: AtomicU64::new(0) }
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn call<T>(
        &self,
        name: &'static str,
        task: Option<TaskId>,
        effect: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let fault = (self.script)(Call { number, name });
        (self.delay)().await;
        match (fault, task) {
            (Some(Fault::Stale), Some(task)) => return Err(StoreError::Stale { task }),
            (Some(Fault::Before | Fault::Stale), _) => return Err(unavailable()),
            (Some(Fault::After) | None, _) => {}
        }
        let answer = effect.await;
        (self.delay)().await;
        if fault.is_some() { Err(unavailable()) } else { answer }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { source: None }
}

impl TaskStore for FaultStore {
    fn insert<'a>(&'a self, task: &'a NewTask) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.call("insert", None, self.inner.insert(task)))
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, StoreResult<Option<Claimed>>> {
        Box::pin(self.call("claim", None, self.inner.claim(claim)))
    }

    fn renew(
        &self,
        task: TaskId,
        fence: Fence,
        lease: Duration,
    ) -> BoxFuture<'_, StoreResult<bool>> {
        Box::pin(self.call("renew", Some(task), self.inner.renew(task, fence, lease)))
    }

    fn append<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        from: u64,
        records: &'a [Record],
    ) -> BoxFuture<'a, StoreResult<()>> {
        let effect = self.inner.append(task, fence, from, records);
        Box::pin(self.call("append", Some(task), effect))
    }

    fn measure<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        measure: &'a Measure,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.call("measure", Some(task), self.inner.measure(task, fence, measure)))
    }

    fn end<'a>(
        &'a self,
        task: TaskId,
        fence: Fence,
        ending: &'a Ending,
    ) -> BoxFuture<'a, StoreResult<()>> {
        Box::pin(self.call("end", Some(task), self.inner.end(task, fence, ending)))
    }

    fn release(&self, task: TaskId, fence: Fence) -> BoxFuture<'_, StoreResult<()>> {
        Box::pin(self.call("release", Some(task), self.inner.release(task, fence)))
    }

    fn request_cancel(&self, task: TaskId) -> BoxFuture<'_, StoreResult<CancelAnswer>> {
        Box::pin(self.call("request_cancel", None, self.inner.request_cancel(task)))
    }

    fn load(&self, task: TaskId) -> BoxFuture<'_, StoreResult<Option<Task>>> {
        Box::pin(self.call("load", None, self.inner.load(task)))
    }

    fn list_due(&self, limit: usize) -> BoxFuture<'_, StoreResult<Vec<TaskId>>> {
        Box::pin(self.call("list_due", None, self.inner.list_due(limit)))
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        self.inner.changed()
    }
}
