//! `strongroom repo gc`: removes what nothing refers to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_repo::{AgeLiveness, CollectOptions, CollectReport};

use crate::backup_document::size;
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::output::facts;
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom repo gc --dry-run
  strongroom repo gc
  strongroom repo gc --grave-delay 0

Safe at any time, beside backups and restores and other collections, and to interrupt. What an
unfinished one leaves behind the next one finishes.";

/// Removes the data of deleted backups, and what backups that died left behind
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Gc {
    /// How long a deletion can be taken back
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = span::parse)]
    grave_delay: Duration,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// How long to wait for backups that are under way
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = span::parse)]
    wait: Duration,
    /// After how long without a sign of life a session counts as dead
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = span::parse)]
    dead_after: Duration,
}

#[derive(Debug, Serialize)]
pub(crate) struct Document {
    dry_run: bool,
    backups: Vec<String>,
    packs: u64,
    removed_bytes: u64,
    moved_bytes: u64,
    given_up_sessions: u64,
    waiting_backups: u64,
}

impl Gc {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.collect(context))).await
    }

    async fn collect(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open().await?;
        let options = CollectOptions {
            grave_delay: self.grave_delay,
            liveness: Arc::new(AgeLiveness { after: self.dead_after }),
            wait: self.wait,
            dry_run: self.dry_run,
            ..CollectOptions::default()
        };
        let report = Box::pin(repository.collect(&options)).await.context("collecting")?;
        context.printer.print(&Document::of(&report, self.dry_run), Document::describe)
    }
}

impl Document {
    pub(crate) fn of(report: &CollectReport, dry_run: bool) -> Self {
        Self {
            dry_run,
            backups: report.manifests.iter().map(ToString::to_string).collect(),
            packs: report.packs,
            removed_bytes: report.removed_bytes,
            moved_bytes: report.moved_bytes,
            given_up_sessions: report.given_up,
            waiting_backups: report.waiting,
        }
    }

    fn describe(&self) -> String {
        let title = if self.dry_run { "would remove" } else { "removed" };
        let packs = format!("{} packs, {}", self.packs, size(self.removed_bytes));
        facts([
            (title, packs),
            ("backups gone", self.backups.len().to_string()),
            ("moved", size(self.moved_bytes)),
            ("given up", format!("{} dead sessions", self.given_up_sessions)),
            (
                "waiting",
                format!("{} deleted backups, until their delay is over", self.waiting_backups),
            ),
        ])
    }
}
