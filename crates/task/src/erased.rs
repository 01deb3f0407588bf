//! Workflows and steps without their types: the one place where values become JSON and back.

use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strongroom_base::ErrorClass;
use strongroom_base::clock::BoxFuture;

use crate::history::History;
use crate::record::Failure;
use crate::retry::Retry;
use crate::step::{Step, StepCx, StepError, UndoError};
use crate::store::Completion;
use crate::task::{End, Kind};
use crate::workflow::{Outcome, Outputs};

/// A value in the log or in the parameters that this version of the workflow cannot read.
#[derive(Debug, thiserror::Error)]
#[error("{what} of the task cannot be read")]
pub struct UnreadableError {
    what: String,
    #[source]
    source: Option<serde_json::Error>,
}

impl UnreadableError {
    /// What is shown to the user.
    pub(crate) fn failure() -> Failure {
        let text = "the task was made by a version that does not fit this one";
        Failure::new(ErrorClass::Permanent, "Task.Unreadable", text)
    }
}

impl From<UnreadableError> for StepError {
    fn from(error: UnreadableError) -> Self {
        Self::Failed { failure: UnreadableError::failure(), cause: Some(Box::new(error)) }
    }
}

impl From<UnreadableError> for UndoError {
    fn from(error: UnreadableError) -> Self {
        Self { failure: UnreadableError::failure(), cause: Some(Box::new(error)) }
    }
}

/// Reads a value of the log; `what` is for the message.
pub(crate) fn read<T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, UnreadableError> {
    T::deserialize(value).map_err(|source| unreadable(what, Some(source)))
}

/// Writes a value for the log.
pub(crate) fn write(what: &str, value: &impl Serialize) -> Result<Value, UnreadableError> {
    serde_json::to_value(value).map_err(|source| unreadable(what, Some(source)))
}

/// The error about a value; `source` is missing when the value itself is.
pub(crate) fn unreadable(what: &str, source: Option<serde_json::Error>) -> UnreadableError {
    UnreadableError { what: what.to_owned(), source }
}

/// A step without its types.
pub(crate) trait ErasedStep: Send + Sync {
    fn name(&self) -> &'static str;
    fn is_final(&self) -> bool;
    /// The input, from the parameters and what the log says about earlier steps.
    fn input(&self, params: &Value, history: &History) -> Result<Value, UnreadableError>;
    fn run<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, StepError>>;
    fn undo<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
        output: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), UndoError>>;
}

/// A step with the function that computes its input.
pub(crate) struct Bound<P, S, F> {
    pub(crate) step: S,
    pub(crate) input: F,
    pub(crate) params: PhantomData<fn() -> P>,
}

impl<P, S, F> ErasedStep for Bound<P, S, F>
where
    P: DeserializeOwned + 'static,
    S: Step,
    F: Fn(&P, &Outputs<'_>) -> Result<S::In, UnreadableError> + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn is_final(&self) -> bool {
        S::FINAL
    }

    fn input(&self, params: &Value, history: &History) -> Result<Value, UnreadableError> {
        let params = read("the parameters", params)?;
        write(S::NAME, &(self.input)(&params, &Outputs(history))?)
    }

    fn run<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            let output = self.step.run(cx, read(S::NAME, input)?).await?;
            Ok(write(S::NAME, &output)?)
        })
    }

    fn undo<'a>(
        &'a self,
        cx: &'a StepCx<'a>,
        input: &'a Value,
        output: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), UndoError>> {
        Box::pin(async move {
            let output = output.map(|output| read(S::NAME, output)).transpose()?;
            self.step.undo(cx, read(S::NAME, input)?, output).await
        })
    }
}

/// Makes the completion of an end.
pub(crate) type Complete =
    Box<dyn Fn(&Value, &Outcome<'_>) -> Result<Value, UnreadableError> + Send + Sync>;

/// A workflow without its types.
pub(crate) struct Flow {
    pub(crate) kind: Kind,
    pub(crate) steps: Vec<Box<dyn ErasedStep>>,
    pub(crate) retry: Retry,
    /// How long a task may take from its first start on.
    pub(crate) limit: Option<Duration>,
    pub(crate) complete: Option<Complete>,
}

impl Flow {
    /// What the service writes about an end, if anything.
    pub(crate) fn completion(
        &self,
        params: &Value,
        end: End,
        failure: Option<&Failure>,
        history: &History,
    ) -> Result<Option<Completion>, UnreadableError> {
        let outcome = Outcome { end, failure, outputs: Outputs(history) };
        let complete = self.complete.as_ref();
        complete.map(|complete| complete(params, &outcome).map(Completion)).transpose()
    }
}

/// What a panic is to the task: a failure that trying again does not help.
fn panicked() -> Failure {
    Failure::new(ErrorClass::Permanent, "Task.Internal", "an internal error has occurred")
}

/// Runs a step; a panic of it is a failure, not the end of the worker.
pub(crate) async fn run_caught(
    step: &dyn ErasedStep,
    cx: &StepCx<'_>,
    input: &Value,
) -> Result<Value, StepError> {
    let caught = AssertUnwindSafe(step.run(cx, input)).catch_unwind().await;
    caught.unwrap_or_else(|_| Err(StepError::Failed { failure: panicked(), cause: None }))
}

/// Undoes a step, likewise.
pub(crate) async fn undo_caught(
    step: &dyn ErasedStep,
    cx: &StepCx<'_>,
    input: &Value,
    output: Option<&Value>,
) -> Result<(), UndoError> {
    let caught = AssertUnwindSafe(step.undo(cx, input, output)).catch_unwind().await;
    caught.unwrap_or_else(|_| Err(UndoError { failure: panicked(), cause: None }))
}
