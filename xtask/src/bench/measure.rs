//! Runs one command and says what it cost: CPU, wall, time until durable, anonymous memory.
//!
//! # Why
//! CPU comes from what the kernel adds to a parent when it reaps a child (`cutime`, `cstime` in
//! `/proc/self/stat`): it covers the whole tree of processes that were waited for and needs no
//! unsafe call. Its step is one tick, 10 ms, far below the rows that are compared.
//! A tool may return while its output still sits in the page cache. `settle_s` is the time that
//! syncing the file system takes afterwards, so that a tool which syncs is not called slower.
//!
//! # Concurrency and crash
//! One command at a time: children of a second, parallel command would be counted too.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub(super) use crate::process::command;

/// How often anonymous memory is sampled.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, 100 on every Linux that this project runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one command cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// User plus system time of the process tree, seconds.
    pub(super) cpu_s: f64,
    /// Time from start to exit, seconds.
    pub(super) wall_s: f64,
    /// Time that syncing the file system took after the exit, seconds.
    pub(super) settle_s: f64,
    /// Highest sampled sum of `RssAnon` over the process tree, bytes.
    pub(super) anon_bytes: u64,
}

impl Cost {
    /// Wall time until what was written is durable, seconds.
    pub(super) fn durable_s(&self) -> f64 {
        self.wall_s + self.settle_s
    }
}

/// A finished command.
pub(super) struct Outcome {
    pub(super) cost: Cost,
    pub(super) stdout: String,
}

/// Starts a stopwatch. The only place of the bench that reads a clock.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time; xtask links no clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Runs `command`, then syncs the file system of `place`; an exit code other than 0 is an error.
pub(super) fn measure(command: &mut Command, place: &Path) -> Result<Outcome> {
    let what = format!("{command:?}");
    let before = Ticks::read()?;
    let start = now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {what}"))?;
    let pid = child.id();
    let (stop, stopped) = mpsc::channel::<()>();
    let sampler = thread::spawn(move || peak_anon(pid, &stopped));
    let output = child.wait_with_output().with_context(|| format!("waiting for {what}"))?;
    let wall_s = start.elapsed().as_secs_f64();
    let after = Ticks::read()?;
    drop(stop);
    let anon_bytes = sampler.join().map_err(|_| anyhow::anyhow!("the memory sampler panicked"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{what} ended with {}:\n{}", output.status, stderr.trim_end());
    }
    let settle_s = settle(place)?;
    let cpu_s = after.children_s - before.children_s;
    let cost = Cost { cpu_s, wall_s, settle_s, anon_bytes };
    Ok(Outcome { cost, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
}

/// Measures work inside this process: CPU of all its threads, and wall.
pub(super) fn measure_here<T>(work: impl FnOnce() -> Result<T>) -> Result<(Cost, T)> {
    let before = Ticks::read()?;
    let start = now();
    let done = work()?;
    let wall_s = start.elapsed().as_secs_f64();
    let cpu_s = Ticks::read()?.own_s - before.own_s;
    Ok((Cost { cpu_s, wall_s, ..Cost::default() }, done))
}

/// Runs a command that is not measured and returns its output.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let what = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {what}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{what} ended with {}:\n{}", output.status, stderr.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Syncs the file system that holds `place` and says how long that took, seconds.
pub(super) fn settle(place: &Path) -> Result<f64> {
    let start = now();
    run(command("sync").arg("--file-system").arg(place))?;
    Ok(start.elapsed().as_secs_f64())
}

/// CPU seconds of this process and of its reaped children.
struct Ticks {
    own_s: f64,
    children_s: f64,
}

impl Ticks {
    fn read() -> Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat").context("reading /proc/self/stat")?;
        Self::parse(&stat).context("/proc/self/stat has another form than proc(5) says")
    }

    /// Fields 14 to 17 of proc(5); they are counted after the name, which may hold spaces.
    fn parse(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace().skip(11).map(str::parse::<u32>);
        let mut next = || Some(f64::from(fields.next()?.ok()?) / TICKS_PER_SECOND);
        Some(Self { own_s: next()? + next()?, children_s: next()? + next()? })
    }
}

/// Watches the anonymous memory of a process and its descendants until `stopped` closes.
fn peak_anon(pid: u32, stopped: &mpsc::Receiver<()>) -> u64 {
    let mut peak = 0;
    let mut tree = Vec::new();
    for sample in 0_u32.. {
        // Looking for new processes reads all of /proc, so it is done at every tenth sample only.
        if sample.is_multiple_of(10) {
            tree = descendants(pid);
        }
        peak = peak.max(tree.iter().copied().filter_map(anon_of_process).sum());
        if stopped.recv_timeout(SAMPLE_EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
            break;
        }
    }
    peak
}

/// A process and all processes below it.
fn descendants(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let parent = fs::read_to_string(entry.path().join("stat")).ok().and_then(|stat| {
            let (_, after_name) = stat.rsplit_once(')')?;
            after_name.split_whitespace().nth(1)?.parse::<u32>().ok()
        });
        parents.extend(pid.zip(parent));
    }
    let mut tree = vec![root];
    let mut from = 0;
    while let Some(&above) = tree.get(from) {
        let below = parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid);
        tree.extend(below);
        from += 1;
    }
    tree
}

/// `RssAnon` of one process, bytes; nothing once it is gone.
fn anon_of_process(pid: u32) -> Option<u64> {
    anon_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn anon_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{Ticks, anon_of, command, measure};

    #[test]
    fn ticks_of_name_with_spaces_and_brackets_are_read() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 300 100 20 0 1";
        let ticks = Ticks::parse(stat).expect("has all fields");
        assert!((ticks.own_s - 2.0).abs() < 1e-9);
        assert!((ticks.children_s - 4.0).abs() < 1e-9);
        assert!(Ticks::parse("7 (a) S 1").is_none());
    }

    #[test]
    fn anon_of_status_is_bytes() {
        assert_eq!(anon_of("VmRSS:\t 9 kB\nRssAnon:\t     128 kB\n"), Some(128 * 1024));
        assert_eq!(anon_of("Name: kthread\n"), None);
    }

    #[test]
    fn measure_of_grandchild_counts_its_cpu_and_memory() {
        let script = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; true";
        let place = std::env::temp_dir();
        let outcome = measure(command("sh").args(["-c", script]), &place).expect("sh runs");
        assert!(outcome.cost.cpu_s > 0.02, "{:?}", outcome.cost);
        assert!(outcome.cost.anon_bytes > 0, "{:?}", outcome.cost);
    }

    #[test]
    fn measure_of_failing_command_names_its_error() {
        let place = std::env::temp_dir();
        let failed = measure(command("sh").args(["-c", "echo broken >&2; exit 3"]), &place);
        let text = failed.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("broken") && text.contains('3'), "{text}");
    }
}
