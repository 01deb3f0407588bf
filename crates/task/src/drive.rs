//! Carries one claimed task forward, or backward, until it ends or must be left.
//!
//! # Invariants
//! - TASK-3: the input of a step is in the log before its first attempt, and every attempt and undo
//!   sees that one.
//! - TASK-6: an error of an attempt that was asked to stop decides nothing: whoever goes on decides.
//!
//! # Concurrency and crash
//! One drive at a time counts for each task: all that it writes carries its fence. It may end
//! anywhere; the next one begins with the log.

use std::sync::Arc;

use futures_util::future::{Either, select};
use strongroom_base::{CancelToken, Chain, Progress, Rng};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::erased::{ErasedStep, Flow, UnreadableError, run_caught, undo_caught};
use crate::history::{History, Next};
use crate::lease::{Lease, Lost};
use crate::record::{Act, Failure, Record};
use crate::signal::StopReason;
use crate::step::{StepCx, StepError, UndoError};
use crate::store::{Claimed, Ending};
use crate::task::{End, TaskRow};

/// How a drive left its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// The task has ended.
    Ended(End),
    /// The right to it was lost.
    Lost,
    /// It was given back because the worker shuts down.
    HandedBack,
}

impl From<Lost> for Left {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

/// One worker's work on one task.
pub(crate) struct Drive<'a> {
    flow: Arc<Flow>,
    row: &'a TaskRow,
    history: History,
    lease: &'a Lease,
    progress: &'a Progress,
    rng: &'a dyn Rng,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(
        flow: Arc<Flow>,
        claimed: &'a Claimed,
        lease: &'a Lease,
        progress: &'a Progress,
        rng: &'a dyn Rng,
    ) -> Self {
        let history = History::of(&claimed.log);
        Self { flow, row: &claimed.row, history, lease, progress, rng }
    }

    /// Works until the task ends or must be left.
    pub(crate) async fn run(mut self) -> Left {
        loop {
            match self.advance().await {
                Ok(()) => {}
                Err(left) => return left,
            }
        }
    }

    /// One attempt or one decision.
    async fn advance(&mut self) -> Result<(), Left> {
        let next = self.history.next(&self.flow);
        if let Next::End(end, failure) = next {
            return Err(self.end(end, failure).await?);
        }
        match self.lease.signals.reason(self.history.can_cancel(&self.flow)) {
            None => {}
            Some(StopReason::LeaseLost) => return Err(Left::Lost),
            Some(StopReason::Shutdown) => return Err(self.hand_back(None).await?),
            Some(StopReason::Cancelled) => return self.unwind(End::Cancelled, None).await,
            Some(StopReason::DeadlinePassed) => return self.unwind(End::TimedOut, None).await,
        }
        match next {
            Next::Run(number) => self.attempt(number, Act::Run).await,
            Next::Undo(number) => self.attempt(number, Act::Undo).await,
            Next::Unwind(end, failure) => self.unwind(end, failure).await,
            Next::End(..) => unreachable!("ends are dealt with above"),
        }
    }

    async fn unwind(&mut self, end: End, failure: Option<Failure>) -> Result<(), Left> {
        Ok(self.append(vec![Record::Unwind { end, failure }]).await?)
    }

    async fn end(&mut self, end: End, failure: Option<Failure>) -> Result<Left, Lost> {
        let (order, flow) = (&self.row.order, &self.flow);
        let ending = match flow.completion(&order.params, end, failure.as_ref(), &self.history) {
            Ok(completion) => Ending { end, failure, completion },
            // The service cannot write what should go with the end, so nobody may take it for one.
            Err(error) => {
                tracing::error!(task.id = %order.id, error = %Chain(&error), "task without completion");
                let failure = Some(UnreadableError::failure());
                Ending { end: End::Stuck, failure, completion: None }
            }
        };
        let lease = self.lease;
        lease.write(|| lease.store.end(lease.task, lease.fence, &ending)).await?;
        let (id, fence) = (order.id, lease.fence.0);
        match ending.end {
            End::Stuck => tracing::error!(task.id = %id, fence, "task is stuck"),
            end => tracing::info!(task.id = %id, fence, end = ?end, "task ended"),
        }
        Ok(Left::Ended(ending.end))
    }

    /// Lets another worker go on, after `attempt` of a step was given up.
    async fn hand_back(&mut self, attempt: Option<(&'static str, Act)>) -> Result<Left, Lost> {
        if let Some((step, act)) = attempt {
            self.append(vec![Record::HandedBack { step: step.to_owned(), act }]).await?;
        }
        let lease = self.lease;
        lease.write(|| lease.store.release(lease.task, lease.fence)).await?;
        Ok(Left::HandedBack)
    }

    async fn append(&mut self, records: Vec<Record>) -> Result<(), Lost> {
        let (lease, from) = (self.lease, self.history.lines);
        lease.write(|| lease.store.append(lease.task, lease.fence, from, &records)).await?;
        for record in &records {
            self.history.add(record);
        }
        Ok(())
    }

    async fn attempt(&mut self, number: usize, act: Act) -> Result<(), Left> {
        let flow = Arc::clone(&self.flow);
        let step = flow.steps.get(number).expect("numbers come from the flow").as_ref();
        if !self.begin(step, act).await? {
            return Ok(());
        }
        let can_cancel = self.history.can_cancel(&flow);
        let (result, stopped) = self.perform(step, act, can_cancel).await;
        match (result, stopped) {
            (Ok(record), _) => Ok(self.append(vec![record]).await?),
            (Err(_), Some(StopReason::LeaseLost)) => Err(Left::Lost),
            (Err(_), Some(StopReason::Shutdown)) => {
                Err(self.hand_back(Some((step.name(), act))).await?)
            }
            // The next look at the signals unwinds.
            (Err(_), Some(StopReason::Cancelled | StopReason::DeadlinePassed)) => Ok(()),
            (Err(Refusal::Skip(failure)), None) if can_cancel => {
                self.unwind(End::Skipped, Some(failure)).await
            }
            (Err(Refusal::Skip(failure) | Refusal::Failed(failure)), None) => {
                self.fail(step.name(), act, failure).await
            }
        }
    }

    /// Writes that an attempt begins; false when it cannot, which is written then as well.
    async fn begin(&mut self, step: &dyn ErasedStep, act: Act) -> Result<bool, Lost> {
        let name = step.name().to_owned();
        let mut records = Vec::new();
        if self.history.step(&name).is_none() {
            match step.input(&self.row.order.params, &self.history) {
                Ok(input) => records.push(Record::Input { step: name.clone(), input }),
                Err(error) => {
                    let failure = UnreadableError::failure();
                    tracing::error!(task.id = %self.lease.task, error = %Chain(&error), "no input");
                    let unwind = Record::Unwind { end: End::Failed, failure: Some(failure) };
                    return self.append(vec![unwind]).await.map(|()| false);
                }
            }
        }
        records.push(Record::Attempt { step: name, act });
        self.append(records).await.map(|()| true)
    }

    /// Runs or undoes a step until it returns, telling it when to stop. Also the reason to stop
    /// that there was when it returned.
    async fn perform(
        &self,
        step: &dyn ErasedStep,
        act: Act,
        can_cancel: bool,
    ) -> (Result<Record, Refusal>, Option<StopReason>) {
        let cancel = CancelToken::new();
        let stop = watch::Sender::new(None);
        let entry = self.history.step(step.name()).expect("the input was written before");
        let tries = if act == Act::Run { &entry.run } else { &entry.undo };
        let cx = StepCx {
            task: self.lease.task,
            fence: self.lease.fence,
            attempt: tries.number(),
            request: &self.row.order.request,
            progress: self.progress,
            cancel: &cancel,
            stop: stop.subscribe(),
            clock: &*self.lease.clock,
        };
        let work = async {
            let name = step.name().to_owned();
            let input = entry.input.as_ref().expect("a step that has begun has its input");
            match act {
                Act::Run => {
                    let output = run_caught(step, &cx, input).await?;
                    Ok(Record::Output { step: name, output })
                }
                Act::Undo => {
                    undo_caught(step, &cx, input, entry.output.as_ref()).await?;
                    Ok(Record::Undone { step: name })
                }
            }
        };
        let span =
            tracing::info_span!("step", step = step.name(), act = ?act, attempt = cx.attempt);
        let work = std::pin::pin!(work.instrument(span));
        let stopping = std::pin::pin!(self.lease.signals.stopped(can_cancel));
        // What was said is heard before the work goes on, however late this is woken.
        match select(stopping, work).await {
            Either::Right((result, _)) => (result, self.lease.signals.reason(can_cancel)),
            Either::Left((reason, work)) => {
                cancel.cancel();
                stop.send_replace(Some(reason));
                let result = work.await;
                // The right may have been lost since.
                (result, self.lease.signals.reason(can_cancel))
            }
        }
    }

    /// Writes a failure, then waits if another attempt follows.
    async fn fail(&mut self, step: &str, act: Act, failure: Failure) -> Result<(), Left> {
        let record = Record::Failed { step: step.to_owned(), act, failure };
        self.append(vec![record]).await?;
        if matches!(self.history.next(&self.flow), Next::Run(_) | Next::Undo(_)) {
            let entry = self.history.step(step).expect("it has just failed");
            let failed = if act == Act::Run { entry.run.failed } else { entry.undo.failed };
            let wait = self.lease.clock.sleep(self.flow.retry.wait(failed, self.rng));
            let can_cancel = self.history.can_cancel(&self.flow);
            let stopped = std::pin::pin!(self.lease.signals.stopped(can_cancel));
            // Whichever comes first: the next look at the signals tells.
            drop(select(wait, stopped).await);
        }
        Ok(())
    }
}

/// What an attempt that did not finish asks for. Its cause is in the operator's log already.
enum Refusal {
    Skip(Failure),
    Failed(Failure),
}

impl From<StepError> for Refusal {
    fn from(error: StepError) -> Self {
        tracing::warn!(error = %Chain(&error), "an attempt of a step ended");
        match error {
            StepError::Skip(failure) => Self::Skip(failure),
            StepError::Failed { failure, .. } => Self::Failed(failure),
            // Counts only where nobody had asked it to stop.
            StepError::Stopped => Self::Failed(stopped_unasked()),
        }
    }
}

impl From<UndoError> for Refusal {
    fn from(error: UndoError) -> Self {
        tracing::warn!(error = %Chain(&error), "an attempt of an undo ended");
        Self::Failed(error.failure)
    }
}

fn stopped_unasked() -> Failure {
    let class = strongroom_base::ErrorClass::Retryable;
    Failure::new(class, "Task.Interrupted", "the work was interrupted")
}
