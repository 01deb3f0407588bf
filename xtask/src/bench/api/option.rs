//! What `cargo xtask bench api` is asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::database::Kind;
use super::operation::{Operation, Scope};
use super::scale::{FULL, MEDIUM, SMALL, Scale};

pub(super) const USAGE: &str = "\
usage: cargo xtask bench api [options]

  --work DIR        databases and logs (default: target/bench-api; 20 GB free, databases are kept)
  --databases A,B   of postgres, sqlite (default: both)
  --scopes A,B      of large, spread (default: both): all requests to the one project that has half
                    of the rows, or to all 100
  --only A,B        operations: get-vault, get-backup, get-task, list-vaults, list-backups,
                    list-tasks, create-vault (default: all)
  --seconds N       how long each is measured, after a sixth of it to warm up (default: 60)
  --prepare         make the databases and end
  --medium          a fifth of the tasks, for 5 GB
  --small           a thousandth of the rows and 5 seconds, to try the bench itself
  --output json     the figures as JSON instead of tables

Needs wrk, sqlite3 and postgresql-15 (scripts/packages.sh nightly), root for the control group of
the server's memory, a quiet machine, and about an hour, a quarter of which fills the databases.
Ends with 1 when a gate fails; PostgreSQL's figures are judged, SQLite's are not.
";

/// The parsed command line.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) work: Option<PathBuf>,
    pub(super) databases: Vec<Kind>,
    pub(super) scopes: Vec<Scope>,
    pub(super) operations: Vec<Operation>,
    pub(super) seconds: u32,
    pub(super) scale: Scale,
    pub(super) is_preparation: bool,
    pub(super) is_json: bool,
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self {
            work: None,
            databases: Kind::ALL.to_vec(),
            scopes: Scope::ALL.to_vec(),
            operations: Operation::ALL.to_vec(),
            seconds: 0,
            scale: FULL,
            is_preparation: false,
            is_json: false,
        };
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().with_context(|| format!("{argument} needs a value"));
            match argument {
                "--work" => options.work = Some(PathBuf::from(value()?)),
                "--databases" => {
                    options.databases = named(value()?, &Kind::ALL, |kind| kind.word())?;
                }
                "--scopes" => options.scopes = named(value()?, &Scope::ALL, |scope| scope.word())?,
                "--only" => {
                    options.operations = named(value()?, &Operation::ALL, |it| it.word())?;
                }
                "--seconds" => {
                    options.seconds = value()?.parse().context("--seconds takes a number")?;
                    ensure!(options.seconds > 0, "--seconds takes a number above 0");
                }
                "--prepare" => options.is_preparation = true,
                "--medium" => options.scale = MEDIUM,
                "--small" => options.scale = SMALL,
                "--output" => {
                    ensure!(value()? == "json", "--output knows only json");
                    options.is_json = true;
                }
                other => bail!("unknown option {other}"),
            }
        }
        if options.seconds == 0 {
            options.seconds = options.scale.seconds;
        }
        Ok(options)
    }

    /// How long each load runs before it is measured.
    pub(super) fn warm_up(&self) -> u32 {
        self.seconds.div_ceil(6)
    }
}

/// Those of `all` whose words stand in `list`, in the order of `all`.
fn named<T: Copy>(list: &str, all: &[T], word: impl Fn(&T) -> &'static str) -> Result<Vec<T>> {
    for name in list.split(',') {
        ensure!(all.iter().any(|one| word(one) == name), "unknown word {name}");
    }
    Ok(all.iter().filter(|one| list.split(',').any(|name| word(one) == name)).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Operation, Options};

    #[test]
    fn parse_of_lists_splits_at_commas() {
        let options = Options::parse(&["--only", "get-task,get-vault", "--databases", "sqlite"]);
        let options = options.expect("is a good command line");
        assert_eq!(options.operations, [Operation::GetVault, Operation::GetTask]);
        assert_eq!(options.databases, [Kind::Sqlite]);
        assert_eq!((options.seconds, options.warm_up()), (60, 10));
    }

    #[test]
    fn parse_of_unknown_word_is_refused() {
        for bad in [["--only", "get"], ["--output", "xml"], ["--seconds", "0"], ["--what", ""]] {
            assert!(Options::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
