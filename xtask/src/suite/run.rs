//! A run of test binaries, some at a time.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::binary::TestBinary;
use super::event::{self, Event, Outcome};
use super::summary::Summary;
use crate::step::now;

/// A binary that has not begun or ended a test for so long hangs.
const PATIENCE: Duration = Duration::from_mins(15);
/// How often running binaries are looked at when nothing comes from them.
const TICK: Duration = Duration::from_secs(1);
/// How much of what a binary writes outside its tests is kept.
const KEPT: usize = 1 << 20;

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Those that come first start first.
    pub(crate) binaries: &'a [TestBinary],
    /// For every binary, beside what makes it report: a filter, `--ignored`.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) environment: &'a [(&'static str, PathBuf)],
    /// How many binaries run at a time, at least one.
    pub(crate) side_by_side: usize,
    /// How many tests of a binary run at a time; `None` for as many as there are cores.
    pub(crate) threads: Option<usize>,
    /// How long a binary may be silent; `None` for tests that run for as long as they are told to.
    /// What such a binary writes is shown as it comes.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Run<'a> {
    /// All tests of these binaries, as many side by side as keep the cores busy while most wait.
    pub(crate) fn all(
        binaries: &'a [TestBinary],
        environment: &'a [(&'static str, PathBuf)],
    ) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            binaries,
            arguments: &[],
            environment,
            side_by_side: cores * 2,
            threads: None,
            patience: Some(PATIENCE),
        }
    }

    /// Two tests of a binary for each core: where few binaries run, too few tests would wait.
    pub(crate) fn with_more_threads(self) -> Self {
        Self { threads: Some(self.side_by_side), ..self }
    }

    /// Runs to the end, shows each test as it ends and adds everything up.
    pub(crate) fn run(&self) -> Result<Summary> {
        let mut summary = Summary::default();
        let (sender, receiver) = channel();
        let mut waiting = self.binaries.iter();
        let mut running: Vec<Running> = Vec::new();
        loop {
            while running.len() < self.side_by_side.max(1) {
                let Some(binary) = waiting.next() else {
                    break;
                };
                running.push(self.start(binary, &sender)?);
            }
            if running.is_empty() {
                return Ok(summary);
            }
            self.listen(&receiver, &mut running, &mut summary)?;
        }
    }

    /// Takes in what comes next; binaries that have ended leave `running`.
    fn listen(
        &self,
        receiver: &Receiver<Report>,
        running: &mut Vec<Running>,
        summary: &mut Summary,
    ) -> Result<()> {
        match receiver.recv_timeout(TICK) {
            Ok(report) => {
                if self.patience.is_none() {
                    report.show();
                }
                let heard = running.iter_mut().enumerate().find(|(_, r)| r.id() == report.id);
                // One that is closed already may still have lines on their way.
                if let Some((at, binary)) = heard
                    && binary.take_in(report.what, summary)
                {
                    running.swap_remove(at).close(summary)?;
                }
            }
            // A pipe stays open when a test leaves a process behind: look at the binary itself.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                for at in (0..running.len()).rev() {
                    let is_over = running.get_mut(at).is_some_and(|r| r.is_over(self.patience));
                    if is_over {
                        running.swap_remove(at).close(summary)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn start(&self, binary: &TestBinary, sender: &Sender<Report>) -> Result<Running> {
        let mut command = binary.command();
        command.args(event::ARGUMENTS).args(self.arguments);
        command.env(event::ENVIRONMENT.0, event::ENVIRONMENT.1);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(threads) = self.threads {
            command.env("RUST_TEST_THREADS", threads.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("starting the tests of {}", binary.name))?;
        let id = child.id();
        if let Some(output) = child.stdout.take() {
            read(id, output, sender.clone(), Said::Output);
        }
        if let Some(errors) = child.stderr.take() {
            read(id, errors, sender.clone(), Said::Errors);
        }
        Ok(Running::new(binary.name.clone(), child))
    }
}

/// A line of a binary, or the end of its standard output.
#[derive(Debug)]
struct Report {
    /// Of the process.
    id: u32,
    what: Said,
}

#[derive(Debug)]
enum Said {
    Output(String),
    Errors(String),
    End,
}

impl Report {
    fn show(&self) {
        if let Said::Output(line) | Said::Errors(line) = &self.what
            && event::parse(line).1.is_none()
        {
            println!("{line}");
        }
    }
}

/// Reads lines on a thread of its own until the pipe closes.
fn read(
    id: u32,
    pipe: impl Read + Send + 'static,
    sender: Sender<Report>,
    as_: fn(String) -> Said,
) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.send(Report { id, what: as_(line) }).is_err() {
                return;
            }
        }
        if matches!(as_(String::new()), Said::Output(_)) {
            drop(sender.send(Report { id, what: Said::End }));
        }
    });
}

/// A binary that runs.
#[derive(Debug)]
struct Running {
    name: String,
    child: Child,
    /// The tests that have begun and not ended.
    tests: BTreeSet<String>,
    /// What it counted itself, once it has.
    closed: Option<Counts>,
    counted: Counts,
    /// What it wrote outside its tests.
    wrote: String,
    heard: Instant,
}

/// Passed, failed and ignored tests.
type Counts = (u64, u64, u64);

impl Running {
    fn new(name: String, child: Child) -> Self {
        println!("running {name}");
        Self {
            name,
            child,
            tests: BTreeSet::new(),
            closed: None,
            counted: (0, 0, 0),
            wrote: String::new(),
            heard: now(),
        }
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Takes in a line; true when it was the last.
    fn take_in(&mut self, said: Said, summary: &mut Summary) -> bool {
        let line = match said {
            Said::Output(line) => line,
            Said::Errors(line) => {
                self.keep(&line);
                return false;
            }
            Said::End => return true,
        };
        let (wrote, event) = event::parse(&line);
        if !wrote.is_empty() {
            self.keep(wrote);
        }
        let Some(event) = event else {
            return false;
        };
        self.heard = now();
        match event {
            Event::Started { name } => drop(self.tests.insert(name)),
            Event::Ended { name, outcome, took } => {
                self.tests.remove(&name);
                self.count(&outcome);
                let name = format!("{}::{name}", self.name);
                println!("{:>7} {:>9.3} s  {name}", outcome.word(), took.as_secs_f64());
                summary.add(name, outcome, took);
            }
            Event::Closed { passed, failed, ignored } => {
                self.closed = Some((passed, failed, ignored));
                return true;
            }
            Event::Other => {}
        }
        false
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.counted.0 += 1,
            Outcome::Failed { .. } => self.counted.1 += 1,
            Outcome::Ignored => self.counted.2 += 1,
        }
    }

    fn keep(&mut self, line: &str) {
        if self.wrote.len() + line.len() < KEPT {
            self.wrote.push_str(line);
            self.wrote.push('\n');
        }
    }

    /// Whether the process has ended, or has been silent for so long that it hangs.
    fn is_over(&mut self, patience: Option<Duration>) -> bool {
        let hangs = patience.is_some_and(|patience| self.heard.elapsed() > patience);
        if hangs {
            self.keep(&format!(
                "nothing was heard of it for {} s, so it was ended",
                self.heard.elapsed().as_secs()
            ));
            drop(self.child.kill());
        }
        hangs || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Waits for the process. It did well if it counted what we counted and ended as it should.
    fn close(mut self, summary: &mut Summary) -> Result<()> {
        let status = self.child.wait().with_context(|| format!("waiting for {}", self.name))?;
        let is_whole = self.closed == Some(self.counted) && self.tests.is_empty();
        if is_whole && (status.success() || self.counted.1 > 0) {
            return Ok(());
        }
        let report = format!("{}: ended with {status}\n{}", self.name, self.wrote);
        for test in std::mem::take(&mut self.tests) {
            summary.add_failed(format!("{}::{test}", self.name), report.clone());
        }
        summary.add_broken(self.name, report);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PASSED: &str = r#"echo '{ "type": "test", "event": "started", "name": "a" }'
echo '{ "type": "test", "name": "a", "event": "ok", "exec_time": 0.25 }'
"#;
    const ONE_PASSED: &str = r#"echo '{ "type": "suite", "event": "ok", "passed": 1, "failed": 0, "ignored": 0 }'
"#;

    /// Runs shell scripts that stand in for binaries of tests, in a folder named after the test.
    #[expect(clippy::disallowed_methods, reason = "a file of a test need not be durable")]
    fn run(test: &str, scripts: &[&str]) -> Summary {
        let folder = std::env::temp_dir().join(format!("suite-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut binaries = Vec::new();
        for (at, script) in scripts.iter().enumerate() {
            let path = folder.join(format!("script-{at}"));
            std::fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
            binaries.push(TestBinary::stand_in(&format!("crate{at}::it"), &path));
        }
        let run = Run { patience: Some(Duration::from_secs(5)), ..Run::all(&binaries, &[]) };
        let summary = run.run().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        summary
    }

    #[test]
    fn run_sums_all_binaries_and_names_failures() {
        let failed = r#"echo '{ "type": "test", "event": "started", "name": "b" }'
echo 'wrong{ "type": "test", "name": "b", "event": "failed", "exec_time": 0.1, "stdout": "why" }'
echo '{ "type": "test", "name": "c", "event": "ignored" }'
echo '{ "type": "suite", "event": "failed", "passed": 0, "failed": 1, "ignored": 1 }'
exit 101
"#;
        let summary = run("sums", &[&format!("{PASSED}{ONE_PASSED}"), failed]);
        assert_eq!(summary.to_string(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(summary.ran(), 2);
        assert_eq!(summary.failed_names(), ["crate1::it::b"]);
        assert!(!summary.is_success());
    }

    #[test]
    fn binaries_that_do_well_are_a_success() {
        let binary = format!("{PASSED}{ONE_PASSED}");
        let summary = run("well", &[&binary, &binary, &binary]);
        assert!(summary.is_success());
        assert_eq!(summary.to_string(), "3 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn binary_that_breaks_is_a_failure_and_names_the_running_test() {
        let breaks = r#"echo '{ "type": "test", "event": "started", "name": "b" }'
kill -9 $$
"#;
        let summary = run("breaks", &[breaks, "exit 1", "exit 0"]);
        let names = summary.failed_names();
        assert!(names.contains(&"crate0::it::b"));
        assert!(names.contains(&"crate1::it") && names.contains(&"crate2::it"));
        assert_eq!(summary.to_string(), "0 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn binary_that_counts_otherwise_or_ends_badly_is_a_failure() {
        let badly = format!("{PASSED}{ONE_PASSED}exit 3\n");
        let summary = run("otherwise", &[ONE_PASSED, &badly]);
        assert_eq!(summary.failed_names().len(), 2);
    }

    #[test]
    fn binary_that_leaves_a_process_with_its_output_behind_ends() {
        let leaves = "sleep 60 &\nexit 3\n";
        let summary = run("leaves", &[leaves]);
        assert_eq!(summary.failed_names(), ["crate0::it"]);
    }

    #[test]
    fn binary_that_is_silent_for_long_is_ended() {
        let hangs = r#"echo '{ "type": "test", "event": "started", "name": "b" }'
exec sleep 60
"#;
        let summary = run("silent", &[hangs]);
        assert!(summary.failed_names().contains(&"crate0::it::b"));
    }
}
