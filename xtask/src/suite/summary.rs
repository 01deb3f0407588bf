//! What a run of tests came to.

use std::fmt;
use std::time::Duration;

use super::event::Outcome;

/// How many of the slowest tests are shown.
const SLOWEST: usize = 20;

/// The sum of all binaries.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// What failed, in the order in which it did: a test, or a binary that broke.
    failures: Vec<Failure>,
    /// Every test that ran, with the time it took.
    times: Vec<(Duration, String)>,
}

#[derive(Debug)]
struct Failure {
    name: String,
    output: String,
}

impl Summary {
    /// Whether nothing failed.
    pub(crate) fn is_success(&self) -> bool {
        self.failures.is_empty()
    }

    /// How many tests ran.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    /// Takes in a test that ended.
    pub(super) fn add(&mut self, name: String, outcome: Outcome, took: Duration) {
        match outcome {
            Outcome::Ignored => {
                self.skipped += 1;
                return;
            }
            Outcome::Passed => self.passed += 1,
            Outcome::Failed { output } => self.add_failed(name.clone(), output),
        }
        self.times.push((took, name));
    }

    /// Takes in a test that failed, or that was running when its binary broke.
    pub(super) fn add_failed(&mut self, name: String, output: String) {
        self.failed += 1;
        self.failures.push(Failure { name, output });
    }

    /// Takes in a binary that broke outside its tests.
    pub(super) fn add_broken(&mut self, name: String, output: String) {
        self.failures.push(Failure { name, output });
    }

    #[cfg(test)]
    pub(super) fn failed_names(&self) -> Vec<&str> {
        self.failures.iter().map(|failure| failure.name.as_str()).collect()
    }

    /// Says on standard output which tests took longest.
    pub(crate) fn name_slowest(&self) {
        let mut times: Vec<_> = self.times.iter().collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        println!("the slowest tests:");
        for (took, name) in times.into_iter().take(SLOWEST) {
            println!("{:>8.2} s  {name}", took.as_secs_f64());
        }
    }

    /// Says on standard output what failed, first with what it wrote and then in short.
    pub(crate) fn name_failures(&self) {
        for Failure { name, output } in &self.failures {
            println!("---- {name}\n{}", output.trim_end());
        }
        for Failure { name, .. } in &self.failures {
            println!("failed: {name}");
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}
