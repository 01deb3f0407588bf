//! The command line.

use clap::{Parser, Subcommand};

use crate::cmd::Repo;
use crate::output::{Format, Printer};
use crate::quickstart::Quickstart;

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 unavailable, 6 corruption, 7 key,
8 source in use or changed, 9 store full or read-only, 130 interrupted.";

/// Backs up disks, and gives them back.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Works on one repository directly, without any service.
    Repo(Repo),
    /// Tries everything out: backs a disk up, changes it, destroys it, restores it, compares.
    Quickstart(Quickstart),
}

impl Cli {
    /// How the answer is printed.
    pub(crate) fn printer(&self) -> Printer {
        match &self.command {
            Command::Repo(repo) => repo.printer(),
            Command::Quickstart(_) => Printer { format: Format::Table, stdout_is_taken: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
