//! What a binary of tests says of its run: the JSON lines of libtest.
//!
//! # Source
//! `--format json` and `--report-time` of the test harness that comes with the pinned compiler. Both
//! are unstable, so a change of the compiler may change them; a binary whose lines are not
//! understood has no closing count and fails.

use std::time::Duration;

use serde::Deserialize;

/// What libtest must be told to write these lines.
pub(super) const ARGUMENTS: [&str; 5] =
    ["-Z", "unstable-options", "--format", "json", "--report-time"];

/// The unstable options are taken when this is in the environment of the binary.
pub(super) const ENVIRONMENT: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");

/// How each line of libtest begins; what else is on standard output comes from the tests.
const START: &str = "{ \"type\": \"";

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A test began.
    Started { name: String },
    /// A test ended.
    Ended { name: String, outcome: Outcome, took: Duration },
    /// The binary's own count at its end.
    Closed { passed: u64, failed: u64, ignored: u64 },
    /// Of no interest here.
    Other,
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed { output: String },
    Ignored,
}

impl Outcome {
    /// In a word, for a list of tests.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed { .. } => "FAILED",
            Self::Ignored => "ignored",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    event: String,
    name: Option<String>,
    exec_time: Option<f64>,
    stdout: Option<String>,
    message: Option<String>,
    passed: Option<u64>,
    failed: Option<u64>,
    ignored: Option<u64>,
}

/// Splits a line of output into what a test wrote before and what libtest says.
pub(super) fn parse(line: &str) -> (&str, Option<Event>) {
    let Some((before, said)) = line.find(START).and_then(|at| line.split_at_checked(at)) else {
        return (line, None);
    };
    match serde_json::from_str::<Line>(said) {
        Ok(said) => (before, Some(said.into_event())),
        Err(_) => (line, None),
    }
}

impl Line {
    fn into_event(self) -> Event {
        match (self.kind.as_str(), self.event.as_str(), self.name) {
            ("test", "started", Some(name)) => Event::Started { name },
            ("test", "ok", Some(name)) => ended(name, Outcome::Passed, self.exec_time),
            ("test", "ignored", Some(name)) => ended(name, Outcome::Ignored, self.exec_time),
            ("test", "failed", Some(name)) => {
                let output = [self.stdout, self.message].into_iter().flatten().collect();
                ended(name, Outcome::Failed { output }, self.exec_time)
            }
            ("suite", "ok" | "failed", _) => Event::Closed {
                passed: self.passed.unwrap_or(0),
                failed: self.failed.unwrap_or(0),
                ignored: self.ignored.unwrap_or(0),
            },
            _ => Event::Other,
        }
    }
}

fn ended(name: String, outcome: Outcome, seconds: Option<f64>) -> Event {
    let took = Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default();
    Event::Ended { name, outcome, took }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_understands_each_line_of_libtest() {
        let name = || "a::b".to_owned();
        let took = Duration::from_millis(1_500);
        let rows = [
            (r#"{ "type": "suite", "event": "started", "test_count": 2 }"#, Event::Other),
            (
                r#"{ "type": "test", "event": "started", "name": "a::b" }"#,
                Event::Started { name: name() },
            ),
            (
                r#"{ "type": "test", "name": "a::b", "event": "ok", "exec_time": 1.5 }"#,
                Event::Ended { name: name(), outcome: Outcome::Passed, took },
            ),
            (
                r#"{ "type": "test", "name": "a::b", "event": "ignored", "message": "slow" }"#,
                Event::Ended { name: name(), outcome: Outcome::Ignored, took: Duration::ZERO },
            ),
            (
                r#"{ "type": "test", "name": "a::b", "event": "failed", "exec_time": 1.5, "stdout": "no\n" }"#,
                Event::Ended {
                    name: name(),
                    outcome: Outcome::Failed { output: "no\n".to_owned() },
                    took,
                },
            ),
            (
                r#"{ "type": "suite", "event": "ok", "passed": 1, "failed": 2, "ignored": 3, "measured": 0, "filtered_out": 0, "exec_time": 0.1 }"#,
                Event::Closed { passed: 1, failed: 2, ignored: 3 },
            ),
        ];
        for (line, event) in rows {
            assert_eq!(parse(line), ("", Some(event)));
        }
    }

    #[test]
    fn what_tests_write_is_told_apart() {
        assert_eq!(parse("hello {"), ("hello {", None));
        let line = r#"no newline{ "type": "suite", "event": "started", "test_count": 2 }"#;
        assert_eq!(parse(line), ("no newline", Some(Event::Other)));
        assert_eq!(parse(r#"{ "type": "half"#), (r#"{ "type": "half"#, None));
    }
}
