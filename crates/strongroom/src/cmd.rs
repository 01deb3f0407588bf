//! The commands, one file each: `repo` works on a repository, the others with the service.

pub(crate) mod backup;
mod backup_create;
mod backup_delete;
mod backup_list;
mod backup_show;
mod config_show;
mod deletion;
pub(crate) mod export;
mod repo_backup;
mod repo_delete;
mod repo_diff;
mod repo_export;
pub(crate) mod repo_gc;
mod repo_hold;
mod repo_init;
mod repo_key;
mod repo_list;
mod repo_restore;
mod repo_show;
mod repo_stat;
mod repo_undelete;
mod repo_verify;
pub(crate) mod resource;
mod resource_add;
mod resource_list;
mod resource_remove;
mod resource_show;
pub(crate) mod restore;
mod service;
pub(crate) mod task;
mod task_cancel;
mod task_list;
mod task_show;
mod task_wait;
mod user_reset_password;
pub(crate) mod vault;
mod vault_add_resource;
mod vault_create;
mod vault_delete;
mod vault_list;
mod vault_remove_resource;
mod vault_show;
mod vault_update;
pub(crate) mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

pub(crate) use self::config_show::ConfigCommand;
pub(crate) use self::user_reset_password::UserCommand;
use crate::context::{Context, RepoOptions};
use crate::output::Printer;

const EXAMPLES: &str = "\
Examples:
  export STRONGROOM_REPO=fs:///backups/web
  strongroom repo init --key-file ~/web.key
  strongroom repo backup --key-file ~/web.key --disk root=/images/web.qcow2
  strongroom repo list --key-file ~/web.key
  strongroom repo restore latest --key-file ~/web.key --to /tmp/web.img

A bucket: --repo 's3://bucket/prefix?endpoint=http://host:9000' with AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY in the environment.";

/// Works on one repository.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Repo {
    #[command(flatten)]
    options: RepoOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(repo_init::Init),
    Backup(repo_backup::Backup),
    List(repo_list::List),
    Show(repo_show::Show),
    Restore(repo_restore::Restore),
    Export(repo_export::Export),
    Diff(repo_diff::Diff),
    Delete(repo_delete::Delete),
    Undelete(repo_undelete::Undelete),
    Hold(repo_hold::Hold),
    Gc(repo_gc::Gc),
    Verify(repo_verify::Verify),
    Stat(repo_stat::Stat),
    Key(repo_key::Key),
}

impl Repo {
    /// How the answer is printed.
    pub(crate) fn printer(&self) -> Printer {
        let stdout_is_taken = match &self.verb {
            Verb::Restore(restore) => restore.writes_to_stdout(),
            Verb::Export(export) => export.writes_to_stdout(),
            _ => false,
        };
        Printer { format: self.options.output, stdout_is_taken }
    }
}

/// Runs a `repo` command.
pub(crate) async fn run(repo: Repo, printer: Printer) -> Result<()> {
    let context = Context::new(repo.options, printer);
    match repo.verb {
        Verb::Init(init) => Box::pin(init.run(&context)).await,
        Verb::Backup(backup) => Box::pin(backup.run(&context)).await,
        Verb::List(list) => Box::pin(list.run(&context)).await,
        Verb::Show(show) => Box::pin(show.run(&context)).await,
        Verb::Restore(restore) => Box::pin(restore.run(&context)).await,
        Verb::Export(export) => Box::pin(export.run(&context)).await,
        Verb::Diff(diff) => Box::pin(diff.run(&context)).await,
        Verb::Delete(delete) => Box::pin(delete.run(&context)).await,
        Verb::Undelete(undelete) => Box::pin(undelete.run(&context)).await,
        Verb::Hold(hold) => Box::pin(hold.run(&context)).await,
        Verb::Gc(gc) => Box::pin(gc.run(&context)).await,
        Verb::Verify(verify) => Box::pin(verify.run(&context)).await,
        Verb::Stat(stat) => Box::pin(stat.run(&context)).await,
        Verb::Key(key) => Box::pin(key.run(&context)).await,
    }
}
