//! Runs every fuzz target for a while.

use anyhow::{Context as _, Result, ensure};

use crate::checkout::Checkout;
use crate::process;
use crate::step::step;
use crate::toolbox::{self, Toolbox};

const CARGO_FUZZ: &str = "0.13.2";
/// Each target's time; long enough to walk through every branch of a decoder of ours.
const SECONDS: u32 = 60;

/// Runs each target that `cargo fuzz list` names; a finding fails the run.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    ensure!(checkout.root().join("fuzz/Cargo.toml").is_file(), "fuzz/Cargo.toml is missing");
    let tools = Toolbox::open()?;
    let binary = step("cargo-fuzz", || tools.cargo_tool("cargo-fuzz", CARGO_FUZZ))?;
    let mut list = process::cargo(checkout.root());
    toolbox::with_tool(&mut list, &binary)?.args(["fuzz", "list"]);
    let targets = process::output(&mut list).context("listing the fuzz targets")?;
    ensure!(!targets.trim().is_empty(), "fuzz/ has no targets");
    for target in targets.lines() {
        step(&format!("fuzz {target}"), || {
            let mut fuzz = process::cargo(checkout.root());
            toolbox::with_tool(&mut fuzz, &binary)?
                .args(["fuzz", "run", target, "--", &format!("-max_total_time={SECONDS}")])
                // The sanitizer flags are unstable; the pinned stable compiler takes them so.
                .env("RUSTC_BOOTSTRAP", "1");
            process::run(&mut fuzz)
        })?;
    }
    Ok(())
}
