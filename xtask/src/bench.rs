//! `cargo xtask bench engine`: Strongroom against its peers, on real disk images.
//!
//! # Why
//! CPU seconds, wall time, memory and stored bytes are what a backup program is chosen by, and a
//! figure from another machine or another day cannot be compared. So every program runs here, on
//! the same images, with a hot page cache, interleaved, in a fresh repository for each run; the
//! median counts. The machine's own limits stand beside the figures.
//!
//! # Invariants
//! - What a program restored is compared with the image in the first run; a difference ends the bench.
//! - No program gets a setting that its own manual does not offer.
//!
//! # Concurrency and crash
//! One bench per work folder; a crash leaves a folder `run` in it, which the next bench removes.
//!
//! # Not here
//! The figures that were decided by: they stand in docs/adr.

mod api;
mod change;
mod corpus;
mod extent;
mod figure;
mod gate;
mod gc;
mod image;
mod limit;
mod measure;
mod option;
mod report;
mod row;
mod scenario;
mod seed;
mod tool;

use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use figure::Figures;
use gate::Gate;
use image::Images;
use option::Options;
use report::Report;

pub(crate) use api::run as run_api;

/// Runs the bench of collections.
pub(crate) fn run_gc(root: &Path, arguments: &[&str]) -> Result<ExitCode> {
    if arguments.contains(&"--help") {
        print!("{}", gc::USAGE);
        return Ok(ExitCode::SUCCESS);
    }
    gc::run(root, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the bench of the engine; the exit code is 1 when a gate fails and 2 when the command line is wrong.
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
    let work = options.work.clone().unwrap_or_else(|| root.join("target/bench"));
    fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
    let work: PathBuf = work.canonicalize().context("resolving the work folder")?;
    let tools = tool::find(root, options.only.as_deref(), options.all)?;
    ensure!(!tools.is_empty(), "no program to measure is installed");
    let scale = if options.small { image::SMALL } else { image::FULL };
    let images = Images::prepare(&work, &scale)?;

    let mut samples = Vec::new();
    let mut limits = Vec::new();
    for run in 0..options.runs {
        eprintln!("run {} of {}", run + 1, options.runs);
        limits.push(limit::measure_all(&images.one, &work)?);
        // Another one begins each run, so that drift of the machine meets all of them.
        let mut order: Vec<_> = tools.iter().enumerate().collect();
        order.rotate_left(run % tools.len());
        for tool in order {
            let measured = scenario::go_through(tool, &work, &images, &options.rows, run == 0);
            samples.extend(measured.with_context(|| tool.1.variant.name())?);
        }
    }
    let figures = Figures::new(tools, &samples, &limits);
    let gates = gate::judge(&figures);
    let report = Report { images: &images, figures: &figures, gates: &gates };
    let json = format!("{:#}\n", report.to_json());
    let mut file = File::create(work.join("result.json")).context("making result.json")?;
    file.write_all(json.as_bytes()).context("writing result.json")?;
    print!("{}", if options.json { json } else { report.to_text()? });
    Ok(if gates.iter().all(Gate::passes) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
