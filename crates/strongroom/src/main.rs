//! The `strongroom` program: parses a command line, wires a disk to the engine or asks the service,
//! prints.
//!
//! # Why
//! The commands about vaults and backups are a client of the service's public interface, like any
//! other. `strongroom repo` links the engine and the disks directly, because restoring must work when
//! every service is down. Nothing is decided here: what is safe to delete or to overwrite is
//! decided by the crates below.
//!
//! # Invariants
//! - Standard output carries the answer and nothing else: one JSON document with `--output json`.
//!   Where it carries a disk, the document goes to standard error.
//! - Every failure ends with the exit code that `failure::Kind` documents.
//!
//! # Concurrency and crash
//! Killing the program at any moment leaves a repository that needs no repair and no unlocking.

mod backup_document;
mod backup_id;
mod cancel;
mod cli;
mod client;
mod clock;
mod cmd;
mod config;
mod confirmation;
mod context;
mod date;
mod disk_argument;
mod disk_place;
mod expectation;
mod export;
mod failure;
mod json_object;
mod key_file;
mod login_files;
mod master_key;
mod output;
mod program;
mod progress_line;
mod quickstart;
mod recover;
mod serve;
mod service_context;
mod span;
mod tag_argument;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::output::Printer;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::report_usage(&error),
    };
    let printer = cli.printer();
    strongroom_repo::return_large_buffers();
    match run(cli, printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, printer),
    }
}

fn run(cli: Cli, printer: Printer) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => Box::pin(serve.run()).await,
            Command::Recover(recover) => Box::pin(recover.run(printer)).await,
            Command::Config(config) => config.run(printer),
            Command::User(user) => Box::pin(user.run(printer)).await,
            Command::Vault(vault) => Box::pin(vault.run(printer)).await,
            Command::Resource(resource) => Box::pin(resource.run(printer)).await,
            Command::Backup(backup) => Box::pin(backup.run(printer)).await,
            Command::Restore(restore) => Box::pin(restore.run(printer)).await,
            Command::Task(task) => Box::pin(task.run(printer)).await,
            Command::Verify(verify) => Box::pin(verify.run(printer)).await,
            Command::Export(export) => Box::pin(export.run(printer)).await,
            Command::Repo(repo) => cmd::run(repo, printer).await,
            Command::Quickstart(quickstart) => Box::pin(quickstart.run()).await,
        }
    });
    // A store that hangs must not keep a cancelled command from ending.
    runtime.shutdown_background();
    done
}
