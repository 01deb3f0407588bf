//! Load: `wrk` sends requests over connections that stay open, each as soon as the one before is
//! answered.
//!
//! # Why
//! Written in C and single-threaded here, it takes the least of the cores that it shares with what it
//! measures. Its threads stop at the end with requests under way, which are not counted.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::operation::Request;
use crate::bench::measure::{command, run};

/// What wrk runs.
const SCRIPT: &str = include_str!("load.lua");
/// Connections that stay open.
pub(super) const CONNECTIONS: u32 = 32;

/// What came of one load.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Figures {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    pub(super) bytes: u64,
    refused: u64,
    broken: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) longest_ms: f64,
}

impl Figures {
    /// Answers in a second.
    pub(super) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// Bytes of an answer with its head.
    pub(super) fn answer_bytes(&self) -> u64 {
        self.bytes.checked_div(self.requests).unwrap_or(0)
    }
}

/// Sends loads to one server.
pub(super) struct Load<'a> {
    pub(super) host: &'a str,
    pub(super) work: &'a Path,
    /// How long it is measured, and how long before that it already runs, seconds.
    pub(super) seconds: u32,
    pub(super) warm_up: u32,
}

impl Load<'_> {
    /// Sends `requests` in turn over so many connections. No two at once have the same name.
    pub(super) fn run(
        &self,
        name: &str,
        requests: &[Request],
        connections: u32,
    ) -> Result<Figures> {
        self.run_with(name, requests, connections, None)
    }

    /// The same; tokens that are issued are written to a file.
    pub(super) fn run_with(
        &self,
        name: &str,
        requests: &[Request],
        connections: u32,
        tokens: Option<&Path>,
    ) -> Result<Figures> {
        let list = self.file(&format!("{name}.txt"), requests.iter().map(Request::line))?;
        let script = self.file(&format!("{name}.lua"), [SCRIPT.to_owned()])?;
        let once = |seconds: u32| {
            let mut wrk = command("wrk");
            wrk.args(["-t", "1", "-c", &connections.to_string(), "--timeout", "30s"]);
            wrk.args(["-d", &format!("{seconds}s"), "-s"]).arg(&script);
            wrk.arg(format!("http://{}", self.host)).arg("--").arg(&list).args(tokens);
            let said = run(&mut wrk)?;
            let figures = said.lines().find_map(|line| line.strip_prefix("FIGURES "));
            let figures = figures.with_context(|| format!("wrk said {said}"))?;
            serde_json::from_str::<Figures>(figures).context("reading what wrk measured")
        };
        once(self.warm_up)?;
        let figures = once(self.seconds)?;
        let first = requests.first().map(Request::line).unwrap_or_default();
        ensure!(figures.requests > 0, "no answer to {first}");
        ensure!(
            figures.refused == 0 && figures.broken == 0,
            "of {} answers {} were refusals, and {} did not come: {first}",
            figures.requests,
            figures.refused,
            figures.broken
        );
        Ok(figures)
    }

    fn file(&self, name: &str, lines: impl IntoIterator<Item = String>) -> Result<PathBuf> {
        let path = self.work.join(name);
        let mut file = File::create(&path).with_context(|| format!("making {name}"))?;
        for line in lines {
            file.write_all(line.as_bytes()).with_context(|| format!("writing {name}"))?;
        }
        Ok(path)
    }
}
