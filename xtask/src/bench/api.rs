//! `cargo xtask bench api`: what the service answers in a second, and how soon.
//!
//! # Why
//! The real program, a real `PostgreSQL` that waits for its disk, and `wrk`, all on the same cores, over
//! as many rows as a large installation has. What the database alone and the program alone can do
//! on this machine is measured in the same run, so that a figure says how far it is from there.
//!
//! # Invariants
//! - Every answer that is counted has a status of success; one that has not ends the bench.
//! - `PostgreSQL` runs with `fsync` and `synchronous_commit`; the server has a control group whose
//!   memory is the gate's, so that what it takes is proven by the kernel.
//!
//! # Concurrency and crash
//! One bench per work folder. Databases are kept there for the next run; one that was not filled to
//! its end is made anew, and a server that a crash left is stopped.
//!
//! # Not here
//! How long single queries take: crates/db/tests/it/scale.rs. Which indexes they use:
//! crates/db/tests/golden/plans.

mod client;
mod control_group;
mod database;
mod gate;
mod limit;
mod load;
mod operation;
mod option;
mod postgres;
mod report;
mod rows;
mod run;
mod scale;
mod seed;
mod server;
mod statement;
mod token;

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use gate::Gate;
use option::Options;
use report::Report;

use crate::process;

/// Runs the bench; the exit code is 1 when a gate fails and 2 when the command line is wrong.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<ExitCode> {
    if arguments.contains(&"--help") {
        print!("{}", option::USAGE);
        return Ok(ExitCode::SUCCESS);
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprint!("error: {error:#}\n\n{}", option::USAGE);
            return Ok(ExitCode::from(2));
        }
    };
    let work = options.work.clone().unwrap_or_else(|| root.join("target/bench-api"));
    fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
    let work: PathBuf = work.canonicalize().context("resolving the work folder")?;
    let program = build(root)?;
    let mut reports = Vec::new();
    for kind in &options.databases {
        let measured = run::database(*kind, &program, &work, &options);
        let measured = measured.with_context(|| kind.word())?;
        reports.extend(measured);
    }
    if options.is_preparation {
        return Ok(ExitCode::SUCCESS);
    }
    let gates = gate::judge(&reports);
    let report = Report { databases: &reports, gates: &gates };
    let json = format!("{:#}\n", report.to_json());
    let mut file = File::create(work.join("result.json")).context("making result.json")?;
    file.write_all(json.as_bytes()).context("writing result.json")?;
    print!("{}", if options.is_json { json } else { report.to_text()? });
    Ok(if gates.iter().all(Gate::passes) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the program as it is released.
fn build(root: &Path) -> Result<PathBuf> {
    let build = ["build", "--release", "--locked", "--package", "strongroom"];
    process::run(process::cargo(root).args(build))?;
    Ok(super::gc::target(root)?.join("release/strongroom"))
}
