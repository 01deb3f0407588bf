//! The command line.

use clap::{Parser, Subcommand};

use crate::cmd::backup::Backup;
use crate::cmd::export::Export;
use crate::cmd::resource::Resource;
use crate::cmd::restore::Restore;
use crate::cmd::task::Task;
use crate::cmd::vault::Vault;
use crate::cmd::verify::Verify;
use crate::cmd::{ConfigCommand, Repo, UserCommand};
use crate::output::{Format, Printer};
use crate::quickstart::Quickstart;
use crate::recover::Recover;
use crate::serve::Serve;

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
    Serve(Serve),
    Recover(Recover),
    Config(ConfigCommand),
    User(UserCommand),
    Vault(Vault),
    Resource(Resource),
    Backup(Backup),
    Restore(Restore),
    Task(Task),
    Verify(Verify),
    Export(Export),
    /// Works on one repository directly, without any service.
    Repo(Repo),
    /// Tries everything out: backs a disk up, changes it, destroys it, restores it, compares.
    Quickstart(Quickstart),
}

impl Cli {
    /// How the answer is printed.
    pub(crate) fn printer(&self) -> Printer {
        match &self.command {
            Command::Vault(vault) => vault.printer(),
            Command::Resource(resource) => resource.printer(),
            Command::Backup(backup) => backup.printer(),
            Command::Restore(restore) => restore.printer(),
            Command::Task(task) => task.printer(),
            Command::Verify(verify) => verify.printer(),
            Command::Export(export) => export.printer(),
            Command::Repo(repo) => repo.printer(),
            Command::Recover(recover) => recover.printer(),
            Command::Config(config) => config.printer(),
            Command::User(user) => user.printer(),
            Command::Quickstart(_) | Command::Serve(_) => {
                Printer { format: Format::Table, stdout_is_taken: false }
            }
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
