//! The code behind a task: an ordered list of steps, with the functions that join them.

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;

use crate::erased::{Bound, Complete, ErasedStep, Flow, UnreadableError, read, unreadable, write};
use crate::history::History;
use crate::record::Failure;
use crate::retry::Retry;
use crate::step::Step;
use crate::task::{End, Kind, NewTask};

/// A kind of task: name, version, parameters and the plan of its steps.
pub trait Workflow: Send + Sync + 'static {
    /// Its name in the rows of its tasks.
    const NAME: &'static str;
    /// Rises when a step is renamed or its types change; the old version stays registered until no
    /// row uses it.
    const VERSION: u32 = 1;
    /// What a task is given.
    type Params: Serialize + DeserializeOwned + Send + 'static;

    /// The steps, in order.
    fn plan(&self) -> Plan<Self::Params>;

    /// The kind that its tasks have.
    fn kind() -> Kind {
        Kind { workflow: Self::NAME.to_owned(), version: Self::VERSION }
    }

    /// A new task of this kind, without keys, in the queue named `default`.
    fn order(
        id: TaskId,
        params: &Self::Params,
        request: &str,
        created_at: Timestamp,
    ) -> Result<NewTask, UnreadableError> {
        Ok(NewTask {
            id,
            kind: Self::kind(),
            queue: DEFAULT_QUEUE.to_owned(),
            params: write("the parameters", params)?,
            keys: Vec::new(),
            request: request.to_owned(),
            created_at,
        })
    }
}

/// The queue of tasks that any worker may take.
pub const DEFAULT_QUEUE: &str = "default";

/// What earlier steps left; all that an input may depend on besides the parameters.
pub struct Outputs<'a>(pub(crate) &'a History);

impl Outputs<'_> {
    /// What step `S` left. An error when it has not run.
    pub fn of<S: Step>(&self) -> Result<S::Out, UnreadableError> {
        let output = self.0.step(S::NAME).and_then(|step| step.output.as_ref());
        read(S::NAME, output.ok_or_else(|| unreadable(S::NAME, None))?)
    }
}

/// How a task ended, for the workflow's completion.
pub struct Outcome<'a> {
    /// The end.
    pub end: End,
    /// What went wrong, unless it succeeded.
    pub failure: Option<&'a Failure>,
    /// What the steps left that have run, undone or not.
    pub outputs: Outputs<'a>,
}

/// The steps of a workflow and how it deals with failures.
pub struct Plan<P> {
    steps: Vec<Box<dyn ErasedStep>>,
    retry: Retry,
    limit: Option<Duration>,
    complete: Option<Complete>,
    params: PhantomData<fn() -> P>,
}

impl<P: DeserializeOwned + 'static> Plan<P> {
    /// A plan without steps.
    #[expect(clippy::new_without_default, reason = "a plan without steps is only a beginning")]
    pub fn new() -> Self {
        let (retry, params) = (Retry::default(), PhantomData);
        Self { steps: Vec::new(), retry, limit: None, complete: None, params }
    }

    /// Adds a step. `input` computes what it works on and must be pure: it is called once, before
    /// the first attempt, and the log keeps the answer.
    #[must_use]
    pub fn step<S, F>(mut self, step: S, input: F) -> Self
    where
        S: Step,
        F: Fn(&P, &Outputs<'_>) -> Result<S::In, UnreadableError> + Send + Sync + 'static,
    {
        self.steps.push(Box::new(Bound { step, input, params: PhantomData }));
        self
    }

    /// How often and when to try again.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// How long a task may take from its first start on before it ends as timed out. Undoing is
    /// not limited.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// What the store does in the same transaction as the end, whichever end it is. `complete`
    /// must be pure.
    #[must_use]
    pub fn on_end<C, F>(self, complete: F) -> Self
    where
        C: Serialize,
        F: Fn(&P, &Outcome<'_>) -> Result<C, UnreadableError> + Send + Sync + 'static,
    {
        let complete = move |params: &Value, outcome: &Outcome<'_>| {
            let params = read("the parameters", params)?;
            write("the completion", &complete(&params, outcome)?)
        };
        Self { complete: Some(Box::new(complete)), ..self }
    }

    /// The same without types.
    pub(crate) fn erase(self, kind: Kind) -> Flow {
        let Self { steps, retry, limit, complete, .. } = self;
        Flow { kind, steps, retry, limit, complete }
    }
}
