//! A step that a proof disturbs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use strongroom_base::ErrorClass;
use strongroom_base::clock::BoxFuture;
use strongroom_base::sim::Sim;

use crate::erased::{ErasedStep, Flow, UnreadableError};
use crate::history::History;
use crate::record::Act;
use crate::step::{StepCx, StepError, UndoError};

/// Which side of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    Before,
    After,
}

/// A moment in the life of a task at which a proof may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The worker, as the simulation names it.
    pub(super) actor: &'static str,
    /// The number of the step.
    pub(super) step: usize,
    pub(super) act: Act,
    pub(super) when: When,
}

/// What a proof does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// The attempt fails here.
    Fail(ErrorClass),
    /// The function is called a second time (said before the effect).
    Twice,
    /// The attempt waits here until it is asked to stop, and does.
    Heed,
}

/// Decides at each moment.
pub(super) type Script = Arc<dyn Fn(Moment) -> Verdict + Send + Sync>;

/// Long enough that a kill or a pause at a moment strikes there.
const BREATH: Duration = Duration::from_millis(1);

struct Probe {
    inner: Box<dyn ErasedStep>,
    number: usize,
    actor: &'static str,
    sim: Sim,
    script: Script,
}

/// Puts a probe around each step of `flow`, as the worker `actor` runs it.
pub(super) fn probe(flow: Flow, actor: &'static str, sim: &Sim, script: &Script) -> Flow {
    let wrap = |(number, inner)| -> Box<dyn ErasedStep> {
        Box::new(Probe { inner, number, actor, sim: sim.clone(), script: Arc::clone(script) })
    };
    Flow { steps: flow.steps.into_iter().enumerate().map(wrap).collect(), ..flow }
}

/// How an attempt is cut short.
enum Cut {
    Fail(ErrorClass),
    Stopped,
}

impl Probe {
    /// Asks the script; true when the function is to be called twice.
    async fn ask(&self, cx: &StepCx<'_>, act: Act, when: When) -> Result<bool, Cut> {
        let verdict = (self.script)(Moment { actor: self.actor, step: self.number, act, when });
        self.sim.sleep(BREATH).await;
        match verdict {
            Verdict::Go => Ok(false),
            Verdict::Twice => Ok(true),
            Verdict::Fail(class) => Err(Cut::Fail(class)),
            Verdict::Heed => {
                cx.stopped().await;
                Err(Cut::Stopped)
            }
        }
    }
}

impl From<Cut> for StepError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Fail(class) => Self::failed(class, "Proof", "the proof lets this fail"),
            Cut::Stopped => Self::Stopped,
        }
    }
}

impl From<Cut> for UndoError {
    fn from(cut: Cut) -> Self {
        let class = match cut {
            Cut::Fail(class) => class,
            Cut::Stopped => ErrorClass::Retryable,
        };
        Self::new(class, "Proof", "the proof lets this fail")
    }
}

impl ErasedStep for Probe {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn is_final(&self) -> bool {
        self.inner.is_final()
    }

    fn input(&self, params: &Value, history: &History) -> Result<Value, UnreadableError> {
        self.inner.input(params, history)
    }

    fn run<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            let is_twice = self.ask(cx, Act::Run, When::Before).await?;
            if is_twice {
                self.inner.run(cx, input).await?;
            }
            let output = self.inner.run(cx, input).await?;
            self.ask(cx, Act::Run, When::After).await?;
            Ok(output)
        })
    }

    fn undo<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
        output: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), UndoError>> {
        Box::pin(async move {
            let is_twice = self.ask(cx, Act::Undo, When::Before).await?;
            if is_twice {
                self.inner.undo(cx, input, output).await?;
            }
            self.inner.undo(cx, input, output).await?;
            self.ask(cx, Act::Undo, When::After).await?;
            Ok(())
        })
    }
}
