//! What a check of the source tree found, and how it is told.

use std::fmt;

use anyhow::{Result, bail};

/// Whether a finding fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Worth a sentence in review.
    Warning,
    /// Fails the run.
    Failure,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// A path relative to the root, or the name of a crate.
    pub(crate) place: String,
    /// Counted from one; zero where the place as a whole is meant.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn failure(place: &str, line: usize, text: impl Into<String>) -> Self {
        Self { level: Level::Failure, place: place.to_owned(), line, text: text.into() }
    }

    pub(crate) fn warning(place: &str, line: usize, text: impl Into<String>) -> Self {
        Self { level: Level::Warning, place: place.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Warning => "warning",
            Level::Failure => "error",
        };
        write!(f, "{level}: {}", self.place)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// Prints all findings; fails when one of them does.
pub(crate) fn report(check: &str, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        println!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.level == Level::Failure).count();
    let warnings = findings.len() - failures;
    if failures > 0 {
        bail!("{check}: {failures} errors, {warnings} warnings");
    }
    println!("{check}: no errors, {warnings} warnings");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_fails_only_on_failures() {
        let warning = Finding::warning("a.rs", 3, "long");
        assert_eq!(warning.to_string(), "warning: a.rs:3: long");
        report("check", std::slice::from_ref(&warning)).unwrap();
        let failure = Finding::failure("a.rs", 0, "gone");
        assert_eq!(failure.to_string(), "error: a.rs: gone");
        assert!(report("check", &[warning, failure]).is_err());
    }
}
