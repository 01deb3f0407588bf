//! `cargo xtask nightly`: CI and everything that takes longer; run before an issue closes.
//!
//! # Why
//! Together the parts take hours, and nobody waits for hours in one sitting: each part is a command
//! of its own, ends within an hour, and leaves a line in a record outside the checkout. `--status`
//! says which parts have passed on the commit at hand.
//!
//! # Concurrency and crash
//! The record is only ever appended to, a line in one write; a part that was killed leaves none.

mod record;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::record::{Commit, Entry, Record};
use crate::checkout::Checkout;
use crate::step::{now, step};
use crate::toolbox::Toolbox;
use crate::{ci, process};

/// The name of each part, and the command that it is.
const PARTS: [(&str, &[&str]); 7] = [
    ("ci", &["ci"]),
    ("fuzz", &["fuzz"]),
    ("torture", &["torture", "--minutes", "10"]),
    ("boot", &["boot"]),
    ("bench-engine", &["bench", "engine"]),
    ("bench-postgres", &["bench", "api", "--databases", "postgres"]),
    ("bench-sqlite", &["bench", "api", "--databases", "sqlite"]),
];

/// A part that takes longer has to be split.
const LONGEST: Duration = Duration::from_hours(1);

/// Runs the parts of these names, all of them where there is none; the first failure ends the run.
pub(crate) fn run(checkout: &Checkout, names: &[&str]) -> Result<ExitCode> {
    let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("there is no part `{unknown}`; the parts are {}", known.join(", "));
    }
    step("nightly packages", || ci::packages(checkout, "nightly"))?;
    let record = Record::open(&Toolbox::open()?);
    for (name, command) in PARTS {
        if names.is_empty() || names.contains(&name) {
            step(&format!("nightly {name}"), || part(checkout, &record, name, command))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn part(checkout: &Checkout, record: &Record, name: &str, arguments: &[&str]) -> Result<()> {
    let commit = Commit::of(checkout)?;
    let began = now();
    // Not the running file: the tests of `ci` build xtask anew and replace it.
    let mut command = process::cargo(checkout.root());
    let outcome = process::run(command.arg("xtask").args(arguments));
    let took = began.elapsed();
    let passed = outcome.is_ok() && took <= LONGEST;
    record.add(&Entry::new(name, commit, passed, took)).context("recording the part")?;
    outcome?;
    ensure!(took <= LONGEST, "it took more than {} minutes", LONGEST.as_secs() / 60);
    Ok(())
}

/// Prints for each part how it went the last time, and on which commit.
pub(crate) fn status(checkout: &Checkout) -> Result<ExitCode> {
    let here = Commit::of(checkout)?;
    let entries = Record::open(&Toolbox::open()?).read()?;
    println!("commit {here}");
    let mut all_passed = true;
    for (name, _) in PARTS {
        let (line, has_passed) = record::line(name, &entries, &here);
        println!("{line}");
        all_passed &= has_passed;
    }
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
