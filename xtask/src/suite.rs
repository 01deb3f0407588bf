//! Runs `cargo test` and adds up what its many binaries report.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process;

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Names of the tests that failed, in order.
    failures: Vec<String>,
    /// Whether cargo itself ended well; a crash of a test binary shows only here.
    ended_well: bool,
}

impl Summary {
    /// Whether no test failed and cargo ended well.
    pub(crate) fn is_success(&self) -> bool {
        self.ended_well && self.failed == 0
    }

    /// How many tests ran.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    /// Says on standard output which tests failed.
    pub(crate) fn name_failures(&self) {
        for name in &self.failures {
            println!("failed: {name}");
        }
        if !self.ended_well && self.failed == 0 {
            println!("failed: cargo test, without a failed test: a build or a test binary broke");
        }
    }

    /// Takes in one line of cargo's output.
    fn add(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        let counts = counts.split_once(". ").map_or(counts, |(_, counts)| counts);
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Runs a `cargo test` command, shows its output as it comes and adds it up.
pub(crate) fn run(command: &mut Command) -> Result<Summary> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", process::shown(command)))?;
    let output = child.stdout.take().context("standard output was piped above")?;
    let mut summary = Summary::default();
    let mut out = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let mut line = line.context("reading the output of cargo test")?;
        summary.add(&String::from_utf8_lossy(&line));
        line.push(b'\n');
        out.write_all(&line)?;
    }
    summary.ended_well = child.wait().context("waiting for cargo test")?.success();
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_sums_all_binaries_and_names_failures() {
        let mut summary = Summary { ended_well: true, ..Summary::default() };
        for line in [
            "running 2 tests",
            "test a::b ... ok",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s",
        ] {
            summary.add(line);
        }
        assert!(summary.is_success());
        summary.add("test c::d ... FAILED");
        summary.add(
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!(summary.to_string(), "5 passed, 1 failed, 1 skipped");
        assert_eq!(summary.failures, ["c::d"]);
        assert_eq!(summary.ran(), 6);
        assert!(!summary.is_success());
    }

    #[test]
    fn a_binary_that_broke_without_a_summary_is_a_failure() {
        let summary = run(process::command("sh").args(["-c", "echo building; exit 101"])).unwrap();
        assert!(!summary.is_success());
        assert_eq!(summary.to_string(), "0 passed, 0 failed, 0 skipped");
    }
}
