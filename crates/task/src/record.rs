//! The lines of a task's append-only log.
//!
//! # Invariants
//! - What the runtime decides, it decides from these lines alone, so that every worker that takes
//!   the task over decides the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_base::ErrorClass;

use crate::task::End;

/// What a failure leaves as data: shown to the user, and read by the retry decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether trying again can help.
    pub class: ErrorClass,
    /// The code that users see.
    pub code: String,
    /// The text that users see: no host names, paths or other inner words.
    pub message: String,
}

impl Failure {
    /// A failure of `class` with the code and the text that users see.
    pub fn new(class: ErrorClass, code: &str, message: &str) -> Self {
        Self { class, code: code.to_owned(), message: message.to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// Which of a step's two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// `Step::run`
    Run,
    /// `Step::undo`
    Undo,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Record {
    /// The input of a step, written before its first attempt and never again.
    Input {
        /// The step.
        step: String,
        /// Its input.
        input: Value,
    },
    /// An attempt begins. One that no later line ends was the death of a worker.
    Attempt {
        /// The step.
        step: String,
        /// Run or undo.
        act: Act,
    },
    /// The step has run.
    Output {
        /// The step.
        step: String,
        /// What it left.
        output: Value,
    },
    /// The step is undone.
    Undone {
        /// The step.
        step: String,
    },
    /// An attempt failed.
    Failed {
        /// The step.
        step: String,
        /// Run or undo.
        act: Act,
        /// Why.
        failure: Failure,
    },
    /// An attempt was given up because its worker shuts down; it does not count.
    HandedBack {
        /// The step.
        step: String,
        /// Run or undo.
        act: Act,
    },
    /// From here on the task goes backward, towards this end.
    Unwind {
        /// How it will end.
        end: End,
        /// Why.
        failure: Option<Failure>,
    },
}
