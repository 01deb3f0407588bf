//! `strongroom repo list`: the backups of a repository.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_repo::{BackupEntry, Catalog};

use crate::backup_document::{BackupDocument, size, state};
use crate::backup_id::{short_len, shorten};
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::date;
use crate::output::{table, warn};

/// What a list of disk names may take of a line of 80 columns.
const DISKS_WIDTH: usize = 11;

const EXAMPLES: &str = "\
Examples:
  strongroom repo list
  strongroom repo list --deleted
  strongroom repo list --output json | jq -r '.backups[-1].id'";

/// Lists the backups, the oldest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Show deleted backups as well, as long as their data is there
    #[arg(long)]
    deleted: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    repository: String,
    backups: Vec<BackupDocument>,
    /// Manifests that are there but cannot be read.
    damaged: Vec<String>,
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.list(context))).await
    }

    async fn list(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open_to_read().await?;
        let mut catalog = repository.catalog().await.context("listing the backups")?;
        let short = short_len(&catalog);
        catalog.backups.retain(|entry| self.deleted || entry.deleted.is_none());
        for key in &catalog.damaged {
            let effect = if key.as_str().starts_with("manifest/") {
                "the backup it belongs to is lost to sight"
            } else {
                "whether a backup is deleted or held is unknown, and it is shown as neither"
            };
            warn(&format!("object {key} is damaged: {effect}"));
        }
        let now = context.clock.now();
        let documents = catalog.backups.iter().map(|entry| BackupDocument::of(entry, now));
        let document = Document {
            repository: repository.id().to_string(),
            backups: documents.collect(),
            damaged: catalog.damaged.iter().map(ToString::to_string).collect(),
        };
        context.printer.print(&document, |_| describe(&catalog, short, context))
    }
}

fn describe(catalog: &Catalog, short: usize, context: &Context) -> String {
    if catalog.backups.is_empty() {
        return "No backups.".to_owned();
    }
    let header = ["ID", "CREATED (UTC)", "DISKS", ">SIZE", ">NEW", ">STORED", "STATE"];
    let row = |entry: &BackupEntry| {
        let manifest = &entry.manifest;
        vec![
            shorten(entry.id, short),
            date::show(manifest.created),
            disk_names(entry),
            size(manifest.size()),
            size(manifest.cost.new),
            size(manifest.cost.stored),
            state(entry, context.clock.now()).to_owned(),
        ]
    };
    table(&header, catalog.backups.iter().map(row))
}

/// The first names, and how many more there are.
fn disk_names(entry: &BackupEntry) -> String {
    let names: Vec<_> = entry.manifest.disks.iter().map(|disk| disk.name.as_str()).collect();
    let all = names.join(",");
    if all.chars().count() <= DISKS_WIDTH {
        return all;
    }
    let first = names.first().copied().unwrap_or_default();
    let rest = if names.len() > 1 { format!("+{}", names.len() - 1) } else { String::new() };
    let room = DISKS_WIDTH.saturating_sub(rest.len() + 1);
    if first.chars().count() <= room + 1 {
        return format!("{first}{rest}");
    }
    format!("{}…{rest}", first.chars().take(room).collect::<String>())
}
