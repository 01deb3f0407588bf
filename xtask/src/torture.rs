//! `cargo xtask torture --minutes N`: the long random tests, for as long as one likes.
//!
//! The harnesses are ignored tests whose name contains `torture`: the simulation and model tests of
//! the engine, and the loop that kills the real binary. Each runs for the minutes it finds in
//! `STRONGROOM_TORTURE_MINUTES`.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::checkout::Checkout;
use crate::process;
use crate::step::step;
use crate::suite::{self, Run};

/// Package and test binary of each harness.
const HARNESSES: [(&str, &str); 3] =
    [("strongroom-repo", "it"), ("strongroom-protocol", "it"), ("strongroom", "real")];

/// Runs each harness for `minutes`.
pub(crate) fn run(checkout: &Checkout, minutes: u32) -> Result<ExitCode> {
    for (package, binary) in HARNESSES {
        step(&format!("torture {package}"), || harness(checkout, package, binary, minutes))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn harness(checkout: &Checkout, package: &str, binary: &str, minutes: u32) -> Result<()> {
    let mut command = process::cargo(checkout.root());
    command.args(["test", "--release", "--locked", "--all-features"]).args([
        "--package",
        package,
        "--test",
        binary,
    ]);
    let built = suite::build(&mut command)?;
    let run = Run {
        binaries: &built.tests,
        arguments: &["torture", "--ignored", "--nocapture"],
        environment: &[("STRONGROOM_TORTURE_MINUTES", minutes.to_string().into())],
        side_by_side: 1,
        threads: None,
        patience: None,
    };
    let summary = run.run()?;
    summary.name_failures();
    println!("{summary}");
    ensure!(summary.is_success(), "a torture test of {package} failed");
    // A filter that matches nothing succeeds too.
    ensure!(summary.ran() > 0, "{package} has no ignored test named torture in `{binary}`");
    Ok(())
}
