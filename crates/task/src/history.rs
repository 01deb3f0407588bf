//! What a log says about its task, and what therefore comes next.
//!
//! # Why
//! A worker that takes a task over knows nothing but the log. The decision is a pure function of it,
//! so that the one that runs every day is the one that runs after a crash.
//!
//! # Invariants
//! - TASK-4: steps run in order, each after the outputs of all earlier ones are in the log, and are
//!   undone in the reverse order, each once its later ones are undone.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom_base::ErrorClass;

use crate::erased::Flow;
use crate::record::{Act, Failure, Record};
use crate::retry::Retry;
use crate::task::End;

/// The attempts of one of the two functions of a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tries {
    begun: u32,
    handed_back: u32,
    finished: u32,
    /// How many failed.
    pub(crate) failed: u32,
    permanent: u32,
    last: Option<Failure>,
}

impl Tries {
    fn fail(&mut self, failure: &Failure) {
        self.failed += 1;
        self.permanent += u32::from(failure.class == ErrorClass::Permanent);
        self.last = Some(failure.clone());
    }

    /// Attempts that nothing was heard of.
    fn deaths(&self) -> u32 {
        self.begun.saturating_sub(self.failed + self.handed_back + self.finished)
    }

    /// The number of the attempt that was begun last.
    pub(crate) fn number(&self) -> u32 {
        self.begun
    }

    /// What speaks against another attempt of something that may be given up.
    fn hopeless(&self, attempts: u32, deaths: u32) -> Option<Failure> {
        let last = self.last.clone();
        let given_up =
            last.filter(|last| last.class != ErrorClass::Retryable || self.failed >= attempts);
        given_up.or_else(|| (self.deaths() >= deaths).then(worker_died))
    }
}

/// What is shown when a step took its workers with it.
fn worker_died() -> Failure {
    Failure::new(ErrorClass::Permanent, "Task.WorkerDied", "the task was interrupted too often")
}

/// What the log says about one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepHistory {
    pub(crate) input: Option<Value>,
    pub(crate) output: Option<Value>,
    is_undone: bool,
    pub(crate) run: Tries,
    pub(crate) undo: Tries,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// An attempt to run the step of this number.
    Run(usize),
    /// An attempt to undo it.
    Undo(usize),
    /// The decision to go backward.
    Unwind(End, Option<Failure>),
    /// The end.
    End(End, Option<Failure>),
}

/// A log, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    steps: BTreeMap<String, StepHistory>,
    unwind: Option<(End, Option<Failure>)>,
    /// How many lines it has.
    pub(crate) lines: u64,
}

impl History {
    /// Reads a log.
    pub(crate) fn of(log: &[Record]) -> Self {
        let mut history = Self::default();
        for record in log {
            history.add(record);
        }
        history
    }

    /// Takes up one more line.
    pub(crate) fn add(&mut self, record: &Record) {
        self.lines += 1;
        match record {
            Record::Input { step, input } => self.entry(step).input = Some(input.clone()),
            Record::Attempt { step, act } => self.tries(step, *act).begun += 1,
            Record::Output { step, output } => {
                let entry = self.entry(step);
                entry.output = Some(output.clone());
                entry.run.finished += 1;
            }
            Record::Undone { step } => {
                let entry = self.entry(step);
                entry.is_undone = true;
                entry.undo.finished += 1;
            }
            Record::Failed { step, act, failure } => self.tries(step, *act).fail(failure),
            Record::HandedBack { step, act } => self.tries(step, *act).handed_back += 1,
            Record::Unwind { end, failure } => self.unwind = Some((*end, failure.clone())),
        }
    }

    fn entry(&mut self, step: &str) -> &mut StepHistory {
        self.steps.entry(step.to_owned()).or_default()
    }

    fn tries(&mut self, step: &str, act: Act) -> &mut Tries {
        let entry = self.entry(step);
        match act {
            Act::Run => &mut entry.run,
            Act::Undo => &mut entry.undo,
        }
    }

    /// What the log says about a step, if it has begun.
    pub(crate) fn step(&self, name: &str) -> Option<&StepHistory> {
        self.steps.get(name).filter(|step| step.input.is_some())
    }

    /// Whether the task goes backward.
    pub(crate) fn is_unwinding(&self) -> bool {
        self.unwind.is_some()
    }

    /// Whether the user's wish to cancel and the deadline still count: the task goes forward and
    /// has not begun the step from which there may be no return.
    pub(crate) fn can_cancel(&self, flow: &Flow) -> bool {
        let has_begun_final =
            flow.steps.iter().any(|step| step.is_final() && self.step(step.name()).is_some());
        !self.is_unwinding() && !has_begun_final
    }

    /// What comes next.
    pub(crate) fn next(&self, flow: &Flow) -> Next {
        match &self.unwind {
            Some((end, failure)) => self.backward(flow, *end, failure.as_ref()),
            None => self.forward(flow),
        }
    }

    fn forward(&self, flow: &Flow) -> Next {
        let mut is_past = false;
        for (number, step) in flow.steps.iter().enumerate() {
            let Some(entry) = self.step(step.name()) else {
                return Next::Run(number);
            };
            if entry.output.is_none() {
                return entry.retry(number, step.is_final(), is_past, &flow.retry);
            }
            is_past |= step.is_final();
        }
        Next::End(End::Succeeded, None)
    }

    fn backward(&self, flow: &Flow, end: End, failure: Option<&Failure>) -> Next {
        for (number, step) in flow.steps.iter().enumerate().rev() {
            let Some(entry) = self.step(step.name()).filter(|entry| !entry.is_undone) else {
                continue;
            };
            return match entry.undo.hopeless(flow.retry.undo_attempts, flow.retry.deaths) {
                Some(failure) => Next::End(End::Stuck, Some(failure)),
                None => Next::Undo(number),
            };
        }
        Next::End(end, failure.cloned())
    }
}

impl StepHistory {
    /// What follows the attempts of a step that has begun and not run.
    fn retry(&self, number: usize, is_final: bool, is_past: bool, retry: &Retry) -> Next {
        if !is_final && !is_past {
            return match self.run.hopeless(retry.attempts, retry.deaths) {
                Some(failure) => Next::Unwind(End::Failed, Some(failure)),
                None => Next::Run(number),
            };
        }
        // Here nobody may conclude from silence or from a retryable failure that it did not happen.
        let last = self.run.last.as_ref();
        let class = last.map(|last| last.class);
        if is_final && matches!(class, Some(ErrorClass::Permanent | ErrorClass::Corruption)) {
            return Next::Unwind(End::Failed, last.cloned());
        }
        if class == Some(ErrorClass::Corruption)
            || class == Some(ErrorClass::Permanent) && self.run.permanent >= retry.attempts
        {
            return Next::End(End::Stuck, last.cloned());
        }
        if self.run.deaths() >= retry.deaths {
            return Next::End(End::Stuck, Some(worker_died()));
        }
        Next::Run(number)
    }
}
