//! `cargo xtask bench gc`: what a collection costs in a repository of many units.
//!
//! # Why
//! A collection reads the whole index and every map, so it is what grows with a repository. The
//! bench makes one without data (`testing::large` of the engine), because a collector reads units
//! only to move them, and runs the program on it as a user does.
//!
//! # Not here
//! What copying costs: it is what a backup of as many bytes costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::measure::{Cost, command, measure};
use crate::process;

pub(super) const USAGE: &str = "\
usage: cargo xtask bench gc [options]

  --units N         units of each of the three backups (default: 1000000)
  --work DIR        where the repository is made, and removed again (default: target/bench-gc;
                    160 bytes for each unit, and half as many in the temporary folder)
";

struct Options {
    units: u64,
    work: PathBuf,
}

impl Options {
    fn parse(root: &Path, arguments: &[&str]) -> Result<Self> {
        let mut options = Self { units: 1_000_000, work: root.join("target/bench-gc") };
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
            match argument {
                "--units" => options.units = value()?.parse().context("--units takes a number")?,
                "--work" => options.work = PathBuf::from(value()?),
                other => bail!("unknown option {other}"),
            }
        }
        Ok(options)
    }
}

/// Runs the bench.
pub(super) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let options = Options::parse(root, arguments).with_context(|| USAGE)?;
    let target = target(root)?;
    let build = ["build", "--release", "--locked", "--package"];
    process::run(process::cargo(root).args(build).arg("strongroom"))?;
    let example = ["strongroom-repo", "--features", "testing", "--example", "large_repository"];
    process::run(process::cargo(root).args(build).args(example))?;
    let work = options.work.join("gc");
    fs::create_dir_all(&work).with_context(|| format!("making {}", work.display()))?;
    let measured = measure_all(&target, &work, options.units);
    fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))?;
    measured
}

/// Where cargo puts what it builds.
pub(super) fn target(root: &Path) -> Result<PathBuf> {
    let metadata = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let metadata = process::output(process::cargo(root).args(metadata))?;
    let metadata: Value = serde_json::from_str(&metadata).context("reading cargo's metadata")?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(PathBuf::from(target.context("cargo names no target directory")?))
}

fn measure_all(target: &Path, work: &Path, units: u64) -> Result<()> {
    let maker = target.join("release/examples/large_repository");
    process::run(command(maker).arg(work).arg(units.to_string()))?;
    println!("{units} units in each of three backups, the first of them deleted");
    println!("{:<22}{:>9}{:>9}{:>12}{:>10}", "", "CPU s", "wall s", "RssAnon MB", "requests");
    for (title, options) in [
        ("dry run", &["--grave-delay", "0", "--dry-run"][..]),
        ("collection", &["--grave-delay", "0"]),
        ("nothing to do", &[]),
        ("nothing to do, --full", &["--full"]),
    ] {
        let outcome = measure(collect(target, work).args(options), work)?;
        let report: Value = serde_json::from_str(&outcome.stdout).context("reading the report")?;
        println!("{}", row(title, &outcome.cost, &report));
    }
    Ok(())
}

fn collect(target: &Path, work: &Path) -> Command {
    let mut gc = command(target.join("release/strongroom"));
    gc.args(["repo", "gc", "--quiet", "--output", "json", "--repo"]);
    gc.arg(format!("fs://{}", work.join("repository").display()));
    gc.arg("--key-file").arg(work.join("key"));
    gc
}

fn row(title: &str, cost: &Cost, report: &Value) -> String {
    let requests = report.get("requests").and_then(Value::as_object);
    let requests = requests.map_or(0, |kinds| kinds.values().filter_map(Value::as_u64).sum());
    let anon = cost.anon_bytes >> 20;
    format!("{title:<22}{:>9.1}{:>9.1}{anon:>12}{requests:>10}", cost.cpu_s, cost.wall_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_unknown_option_is_refused() {
        let root = Path::new("root");
        let options = Options::parse(root, &["--units", "5", "--work", "there"]).unwrap();
        assert_eq!((options.units, options.work), (5, PathBuf::from("there")));
        assert!(Options::parse(root, &["--unit", "5"]).is_err());
    }

    #[test]
    fn row_adds_up_requests() {
        let report = serde_json::json!({ "requests": { "get": 3, "list": 4 } });
        let cost = Cost { cpu_s: 1.25, wall_s: 2.0, anon_bytes: 3 << 20, ..Cost::default() };
        assert!(row("x", &cost, &report).ends_with("         7"));
    }
}
