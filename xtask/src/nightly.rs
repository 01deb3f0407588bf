//! `cargo xtask nightly`: CI and everything that takes longer; run before an issue closes.
//!
//! Each part is a command of its own, started as its own process, so that a person can run one of
//! them alone and gets the very same thing.

use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::step::step;
use crate::{ci, process};

const PARTS: [&[&str]; 6] = [
    &["ci"],
    &["fuzz"],
    &["torture", "--minutes", "10"],
    &["boot"],
    &["bench", "engine"],
    &["bench", "api"],
];

/// Runs all parts; the first failure ends the run.
pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    step("nightly packages", || ci::packages(checkout, "nightly"))?;
    for part in PARTS {
        // Not the running file: the tests of `ci` build xtask anew and replace it.
        let mut command = process::cargo(checkout.root());
        command.args(["xtask"]).args(part);
        step(&format!("nightly {}", part.join(" ")), || process::run(&mut command))?;
    }
    Ok(ExitCode::SUCCESS)
}
