//! What `cargo xtask bench engine` is asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::row::Row;

pub(super) const USAGE: &str = "\
usage: cargo xtask bench engine [options]

  --work DIR        images and repositories (default: target/bench; 40 GB free, images are kept)
  --rows A,B        of first, untouched, unchanged, changed, pages, restore, verify (default: all
                    but untouched)
  --only A,B        programs or full names of variants (default: all usual ones)
  --all             every row and variant: also restic max, borg fixed-64K zstd-3
  --runs N          runs of which the median counts (default: 3)
  --small           a disk an eighth as large and one run, to try the bench itself
  --output json     the figures as JSON instead of tables

Needs root to build the images (loop mount), a quiet machine, and up to 50 minutes;
most of that goes to borg.
Ends with 1 when a gate fails.
";

/// The parsed command line.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) work: Option<PathBuf>,
    pub(super) rows: Vec<Row>,
    pub(super) only: Option<Vec<String>>,
    pub(super) all: bool,
    pub(super) runs: usize,
    pub(super) small: bool,
    pub(super) json: bool,
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self {
            work: None,
            rows: Row::ALL.into_iter().filter(|row| *row != Row::Untouched).collect(),
            only: None,
            all: false,
            runs: 0,
            small: false,
            json: false,
        };
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
            match argument {
                "--work" => options.work = Some(PathBuf::from(value()?)),
                "--rows" => {
                    options.rows = value()?.split(',').map(Row::parse).collect::<Result<_>>()?;
                }
                "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
                "--runs" => options.runs = value()?.parse().context("--runs takes a number")?,
                "--output" => {
                    ensure!(value()? == "json", "--output knows only json");
                    options.json = true;
                }
                "--all" => {
                    options.all = true;
                    options.rows = Row::ALL.to_vec();
                }
                "--small" => options.small = true,
                other => bail!("unknown option {other}"),
            }
        }
        if options.runs == 0 {
            options.runs = if options.small { 1 } else { 3 };
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Row};

    #[test]
    fn parse_of_lists_splits_at_commas() {
        let options = Options::parse(&["--only", "restic,borg lz4", "--rows", "first,verify"]);
        let options = options.expect("is a good command line");
        assert_eq!(options.rows, [Row::First, Row::Verify]);
        assert_eq!(options.only, Some(vec!["restic".to_owned(), "borg lz4".to_owned()]));
        assert_eq!(options.runs, 3);
    }

    #[test]
    fn parse_of_unknown_word_is_refused() {
        for bad in [["--rows", "frist"], ["--output", "xml"], ["--runs", "few"], ["--what", ""]] {
            assert!(Options::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
