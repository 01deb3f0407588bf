//! `cargo xtask ci`: exactly what CI runs, from an empty cache, on two cores, within an hour.
//!
//! The first failure ends the run; nothing is skipped: a missing tool is installed or fails the run.
//! The last line of the output is the sum of all tests.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::conformance::Beside;
use crate::step::step;
use crate::suite::{self, Built, Summary};
use crate::toolbox::Toolbox;
use crate::{features, layers, process, tidy};

const CARGO_DENY: &str = "0.20.2";

/// The test binaries that run longest start first, so that none of them runs alone at the end.
const LONGEST: [&str; 3] = ["repo::it", "strongroom::it", "testkit::it"];

/// The real S3 servers that tests start, by the environment variable that names each binary.
type Servers = [(&'static str, PathBuf); 2];

/// Runs all steps.
pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    let tools = Toolbox::open()?;
    step("packages", || packages(checkout, "base"))?;
    step("fmt", || cargo(checkout, &["fmt", "--all", "--check"]))?;
    step("clippy", || {
        let lint = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked"];
        process::run(process::cargo(checkout.root()).args(lint).args(["--", "-D", "warnings"]))
    })?;
    step("features", || features::run(checkout))?;
    step("layers", || layers::run(checkout))?;
    step("tidy", || tidy::run(checkout))?;
    step("doc", || {
        let doc = ["doc", "--workspace", "--no-deps", "--all-features", "--locked"];
        let mut command = process::cargo(checkout.root());
        process::run(command.args(doc).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("deny", || deny(checkout, &tools))?;
    let servers = step("servers", || servers(&tools))?;
    let built = step("build tests", || build_tests(checkout, &[]))?;
    let clients = Beside::start(checkout, built.program("strongroom")?)?;
    let summary = run_tests(&suite::Run::all(&built.tests, &servers))?;
    let flows = step("conformance", || clients.finish());
    let verdict = close(&summary);
    flows.and(Ok(verdict))
}

/// All tests of these packages, of the workspace where none is named, with real S3 servers.
pub(crate) fn test(checkout: &Checkout, packages: &[&str]) -> Result<ExitCode> {
    let servers = step("servers", || servers(&Toolbox::open()?))?;
    let built = step("build tests", || build_tests(checkout, packages))?;
    let mut run = suite::Run::all(&built.tests, &servers);
    if !packages.is_empty() {
        run = run.with_more_threads();
    }
    Ok(close(&run_tests(&run)?))
}

fn run_tests(run: &suite::Run<'_>) -> Result<Summary> {
    let summary = step("test", || run.run())?;
    summary.name_slowest();
    summary.name_failures();
    Ok(summary)
}

/// Prints the closing line, which holds the sum of all tests.
fn close(summary: &Summary) -> ExitCode {
    println!("{summary}");
    if summary.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Installs the missing Debian packages of one section of packages.txt.
pub(crate) fn packages(checkout: &Checkout, section: &str) -> Result<()> {
    process::run(process::command(checkout.root().join("scripts/packages.sh")).arg(section))
}

fn cargo(checkout: &Checkout, arguments: &[&str]) -> Result<()> {
    process::run(process::cargo(checkout.root()).args(arguments))
}

/// Licences, banned crates and sources, by deny.toml.
pub(crate) fn deny(checkout: &Checkout, tools: &Toolbox) -> Result<()> {
    let binary = tools.cargo_tool("cargo-deny", CARGO_DENY)?;
    let mut command = process::command(&binary);
    command.current_dir(checkout.root()).args(["--locked", "--all-features", "check"]);
    process::run(command.args(["--hide-inclusion-graph", "licenses", "bans", "sources"]))
}

/// Installs what is missing of the servers.
fn servers(tools: &Toolbox) -> Result<Servers> {
    let weed = tools.weed()?;
    let versitygw = tools.versitygw()?;
    Ok([("STRONGROOM_TEST_WEED", weed), ("STRONGROOM_TEST_VERSITYGW", versitygw)])
}

/// Prints the servers as shell exports, for tests that a person starts without `ci`.
pub(crate) fn print_servers(tools: &Toolbox) -> Result<()> {
    for (variable, binary) in servers(tools)? {
        println!("export {variable}='{}'", binary.display());
    }
    Ok(())
}

/// Builds the tests of these packages, of the workspace where none is named, the longest first.
fn build_tests(checkout: &Checkout, packages: &[&str]) -> Result<Built> {
    let mut command = process::cargo(checkout.root());
    command.args(["test", "--all-features", "--locked"]);
    if packages.is_empty() {
        command.arg("--workspace");
    }
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    let mut built = suite::build(&mut command)?;
    built.tests.sort_by_key(|test| LONGEST.iter().rev().position(|name| *name == test.name));
    built.tests.reverse();
    Ok(built)
}
