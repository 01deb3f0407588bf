//! `strongroom repo gc`: removes what nothing refers to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::{CancelToken, Progress};
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::object::local::LocalStore;
use strongroom_repo::{AgeLiveness, CollectOptions, CollectReport, Left};

use super::repo_backup::requests;
use crate::backup_document::size;
use crate::cancel::until_cancelled;
use crate::context::{Context, OpenStore};
use crate::output::facts;
use crate::progress_line::show;
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom repo gc --dry-run
  strongroom repo gc
  strongroom repo gc --grave-delay 0
  strongroom repo gc --budget 15m

Safe at any time, beside backups and restores and other collections, and to interrupt. What an
unfinished one leaves behind the next one finishes. Where nothing was deleted and nothing failed
since the last one, it ends at once.";

/// Nobody writes one file for a week.
const TEMPORARY_AGE: Duration = Duration::from_hours(7 * 24);

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
    /// After how long to stop and leave the rest to the next one [default: when all is done]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = span::parse,
        long_help = "After how long to stop and leave the rest to the next one [default: when all \
                     is done]. All maps are read before anything is removed: with less time than \
                     that takes, nothing ever is"
    )]
    budget: Option<Duration>,
    /// Look at everything, even where nothing seems to have happened since the last one
    #[arg(long)]
    full: bool,
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
    /// Half-written files of killed writers that were removed.
    temporary_files: u64,
    /// What the next one has to do, because the time was over.
    left: Option<LeftDocument>,
    requests: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct LeftDocument {
    /// Of packs that are condemned; not known when the maps were not read to their end.
    packs: Option<u64>,
    bytes: Option<u64>,
}

impl Gc {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let cancel = CancelToken::new();
        until_cancelled(&cancel, Box::pin(self.collect(context, &cancel))).await
    }

    async fn collect(&self, context: &Context, cancel: &CancelToken) -> Result<()> {
        let (repository, store) = context.open().await?;
        let progress = Progress::new();
        let options = CollectOptions {
            grave_delay: self.grave_delay,
            liveness: Arc::new(AgeLiveness { after: self.dead_after }),
            wait: self.wait,
            dry_run: self.dry_run,
            full: self.full,
            budget: self.budget,
            cancel: cancel.clone(),
            progress: progress.clone(),
            ..CollectOptions::default()
        };
        let work = Box::pin(repository.collect(&options));
        let report = show(context.display(), "gc", &*context.clock, &progress, work)
            .await
            .context("collecting")?;
        let mut document = Document::of(&report, self.dry_run, &store);
        document.temporary_files = self.sweep_temporaries(context).await?;
        context.printer.print(&document, Document::describe)
    }

    /// Removes the files that writers which were killed left half written in a directory.
    async fn sweep_temporaries(&self, context: &Context) -> Result<u64> {
        let StoreAddress::Local(root) = context.address()? else { return Ok(0) };
        if self.dry_run {
            return Ok(0);
        }
        let store = LocalStore::open(&root).context("opening the directory")?;
        let swept = store.sweep_temporaries(context.clock.now(), TEMPORARY_AGE).await;
        swept.context("removing temporary files")
    }
}

impl Document {
    fn of(report: &CollectReport, dry_run: bool, store: &OpenStore) -> Self {
        Self {
            dry_run,
            backups: report.manifests.iter().map(ToString::to_string).collect(),
            packs: report.packs,
            removed_bytes: report.removed_bytes,
            moved_bytes: report.moved_bytes,
            given_up_sessions: report.given_up,
            waiting_backups: report.waiting,
            temporary_files: 0,
            left: report.left.map(|left| match left {
                Left::Everything => LeftDocument { packs: None, bytes: None },
                Left::Condemned { packs, bytes } => {
                    LeftDocument { packs: Some(packs), bytes: Some(bytes) }
                }
            }),
            requests: requests(&store.usage()),
        }
    }

    fn describe(&self) -> String {
        let title = if self.dry_run { "would remove" } else { "removed" };
        let packs = format!("{} packs, {}", self.packs, size(self.removed_bytes));
        let left = match &self.left {
            None => "nothing".to_owned(),
            Some(LeftDocument { packs: Some(packs), bytes: Some(bytes) }) => {
                format!("{packs} packs, {}, for the next collection", size(*bytes))
            }
            Some(_) => "everything: the time was over before all maps were read".to_owned(),
        };
        facts([
            (title, packs),
            ("backups gone", self.backups.len().to_string()),
            ("moved", size(self.moved_bytes)),
            ("given up", format!("{} dead sessions", self.given_up_sessions)),
            (
                "waiting",
                format!("{} deleted backups, until their delay is over", self.waiting_backups),
            ),
            ("left", left),
            ("requests", self.requests.values().sum::<u64>().to_string()),
        ])
    }
}
