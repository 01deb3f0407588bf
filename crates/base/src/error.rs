//! How errors are classified and how a chain of them is printed.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a caller may do about an error. The retry decorator and the task runtime look only at this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Trying again cannot help.
    Permanent,
    /// The same call may succeed later.
    Retryable,
    /// Bytes are not what they were when they were written. Never retried silently.
    Corruption,
}

/// Prints an error and all its sources, each once, joined by `: `.
///
/// Our `Display` implementations never print their source, so that a chain does not repeat itself.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
