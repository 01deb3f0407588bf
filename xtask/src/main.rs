//! The project's own chores: `cargo xtask <command>`.
//!
//! # Why
//! What CI runs and what a person runs must be the same thing, and must work on a machine that has
//! Rust and Debian's packages. So the chores are a program of the workspace. It starts binaries and
//! links none of our crates: a change of the engine does not rebuild it, and it works while the
//! engine does not compile.
//!
//! # Not here
//! The Debian packages: `scripts/packages.sh`, because xtask cannot be linked before they are there.

mod bench;
mod boot;
mod checkout;
mod ci;
mod conformance;
mod features;
mod finding;
mod fuzz;
mod layers;
mod nightly;
mod process;
mod rust_text;
mod step;
mod suite;
mod tidy;
mod toolbox;
mod torture;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::checkout::Checkout;
use crate::toolbox::Toolbox;

const USAGE: &str = "\
usage: cargo xtask <command>

  ci                    everything that CI runs; `make test` is the same
  test [PACKAGE...]     all tests, or those of some packages, their binaries side by side
  features              every way to build has the same dependencies (crates/workspace-hack)
  layers                which crate may use which (xtask/layers.toml)
  tidy                  sizes, names, invariants, links, remarks
  deny                  licences, banned crates and sources (deny.toml)
  conformance           real clients drive the real binary; `make conformance` is the same
  servers               installs the S3 servers of the tests, prints shell exports
  nightly [PART...]     all that takes long, in parts of an hour at most, or some of them
  nightly --status      the parts; which have passed, and on which commit
  fuzz                  every fuzz target for a minute
  torture --minutes N   the long random tests, N minutes each
  bench engine          Strongroom against its peers; `bench engine --help`
  bench api             the service under load; `bench api --help`
  bench gc              a collection of many units; `bench gc --help`
  boot                  backs up a Debian disk, restores it and boots it
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match *arguments {
        ["ci"] => ci::run(&Checkout::current()?),
        ["test", ref packages @ ..] => ci::test(&Checkout::current()?, packages),
        ["features"] => features::run(&Checkout::current()?).map(done),
        ["layers"] => layers::run(&Checkout::current()?).map(done),
        ["tidy"] => tidy::run(&Checkout::current()?).map(done),
        ["deny"] => ci::deny(&Checkout::current()?, &Toolbox::open()?).map(done),
        ["conformance", "--program", program] => {
            conformance::run(&Checkout::current()?, Path::new(program)).map(done)
        }
        ["conformance"] => conformance::build_and_run(&Checkout::current()?).map(done),
        ["servers"] => ci::print_servers(&Toolbox::open()?).map(done),
        ["nightly", "--status"] => nightly::status(&Checkout::current()?),
        ["nightly", ref parts @ ..] => nightly::run(&Checkout::current()?, parts),
        ["fuzz"] => fuzz::run(&Checkout::current()?).map(done),
        ["torture", "--minutes", minutes] => {
            let minutes = minutes.parse().context("--minutes takes a whole number")?;
            torture::run(&Checkout::current()?, minutes)
        }
        ["bench", "engine", ref options @ ..] => bench::run(Checkout::current()?.root(), options),
        ["bench", "api", ref options @ ..] => bench::run_api(Checkout::current()?.root(), options),
        ["bench", "gc", ref options @ ..] => bench::run_gc(Checkout::current()?.root(), options),
        ["boot"] => boot::run(&Checkout::current()?).map(done),
        _ => {
            eprint!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}
