//! How the parts went, on which commit: a file in the tool folder, one line for each run.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::checkout::Checkout;
use crate::process;
use crate::toolbox::Toolbox;

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Commit {
    id: String,
    /// Whether files were changed and not committed.
    is_changed: bool,
}

impl Commit {
    /// The checkout's.
    pub(super) fn of(checkout: &Checkout) -> Result<Self> {
        let git = |arguments: &[&str]| {
            let mut command = process::command("git");
            command.current_dir(checkout.root()).args(["-c", "safe.directory=*"]);
            process::output(command.args(arguments))
        };
        let id = git(&["rev-parse", "HEAD"])?.trim().to_owned();
        let is_changed = !git(&["status", "--porcelain"])?.is_empty();
        Ok(Self { id, is_changed })
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.id.get(..10).unwrap_or(&self.id);
        write!(f, "{short}{}", if self.is_changed { " with changes" } else { "" })
    }
}

/// One run of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    part: String,
    commit: Commit,
    passed: bool,
    /// How long it took.
    seconds: u64,
    /// When it ended: seconds since 1970.
    ended: u64,
}

impl Entry {
    /// A run that ended now.
    pub(super) fn new(part: &str, commit: Commit, passed: bool, took: Duration) -> Self {
        Self {
            part: part.to_owned(),
            commit,
            passed,
            seconds: took.as_secs(),
            ended: seconds_now(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the record is for people only")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The file.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
}

impl Record {
    /// The record in this tool folder.
    pub(super) fn open(tools: &Toolbox) -> Self {
        Self { path: tools.folder("nightly.jsonl") }
    }

    /// Appends a line.
    pub(super) fn add(&self, entry: &Entry) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(entry)?);
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        file.write_all(line.as_bytes())?;
        Ok(())
    }

    /// All entries, the oldest first. Lines that are no entries are left out: a full disk or an older
    /// version of this program wrote them.
    pub(super) fn read(&self) -> Result<Vec<Entry>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("reading {}", self.path.display()));
            }
        };
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// What is to be said of a part, and whether it has passed on exactly this commit.
pub(super) fn line(part: &str, entries: &[Entry], here: &Commit) -> (String, bool) {
    let mut runs = entries.iter().rev().filter(|entry| entry.part == part);
    let Some(last) = runs.clone().find(|entry| entry.commit == *here).or_else(|| runs.next())
    else {
        return (format!("  {part:<14}never run"), false);
    };
    let is_here = last.commit == *here;
    let text = format!(
        "  {part:<14}{} on {}, after {}, {} ago",
        if last.passed { "passed" } else { "FAILED" },
        if is_here { "this commit".to_owned() } else { last.commit.to_string() },
        minutes(last.seconds),
        age(seconds_now().saturating_sub(last.ended)),
    );
    (text, is_here && last.passed && !here.is_changed)
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

fn age(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{} min", seconds / 60),
        hours if hours < 48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, is_changed: bool) -> Commit {
        Commit { id: id.to_owned(), is_changed }
    }

    fn entry(id: &str, passed: bool) -> Entry {
        Entry::new("fuzz", commit(id, false), passed, Duration::from_secs(65))
    }

    #[test]
    fn line_tells_the_last_run_on_this_commit_else_the_last_of_all() {
        let here = commit("0123456789abcdef", false);
        assert_eq!(line("fuzz", &[], &here), ("  fuzz          never run".to_owned(), false));
        let mut entries = vec![entry("0123456789abcdef", true), entry("fedcba9876543210", false)];
        let (text, has_passed) = line("fuzz", &entries, &here);
        assert_eq!(text, "  fuzz          passed on this commit, after 1:05 min, 0 min ago");
        assert!(has_passed);
        let (text, has_passed) = line("fuzz", &entries, &commit("77", false));
        assert!(text.contains("FAILED on fedcba9876, after") && !has_passed, "{text}");
        entries.push(entry("0123456789abcdef", false));
        assert!(!line("fuzz", &entries, &here).1, "it failed since");
        assert!(!line("boot", &entries, &here).1);
    }

    #[test]
    fn part_that_passed_with_changes_has_not_passed_on_the_commit() {
        let changed = commit("aa", true);
        let run = Entry::new("fuzz", changed.clone(), true, Duration::ZERO);
        assert!(!line("fuzz", std::slice::from_ref(&run), &changed).1);
        assert!(!line("fuzz", &[run], &commit("aa", false)).1);
    }

    #[test]
    fn record_keeps_entries_and_skips_torn_lines() {
        let path = std::env::temp_dir().join(format!("nightly-{}.jsonl", std::process::id()));
        let record = Record { path: path.clone() };
        assert_eq!(record.read().unwrap(), []);
        record.add(&entry("a", true)).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"part\":\n").unwrap();
        record.add(&entry("b", false)).unwrap();
        let parts: Vec<_> = record.read().unwrap().into_iter().map(|e| e.commit.id).collect();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(parts, ["a", "b"]);
    }
}
