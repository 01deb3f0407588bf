//! `strongroom repo stat`: how many bytes a repository holds, and for what.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use crate::backup_document::size;
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::output::facts;

const EXAMPLES: &str = "\
Examples:
  strongroom repo stat
  strongroom repo stat --output json | jq .reclaimable_bytes

used + reclaimable + overhead are all bytes that are listed in the store.";

/// Counts what the repository holds
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Stat {}

#[derive(Debug, Serialize)]
struct Document {
    repository: String,
    backups: u64,
    deleted_backups: u64,
    disk_bytes: u64,
    used_bytes: u64,
    reclaimable_bytes: u64,
    overhead_bytes: u64,
    stored_bytes: u64,
    objects: u64,
    units: u64,
}

impl Stat {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(async {
            let (repository, _) = context.open_to_read().await?;
            let stat = repository.stat().await.context("counting")?;
            let document = Document {
                repository: repository.id().to_string(),
                backups: stat.backups,
                deleted_backups: stat.deleted,
                disk_bytes: stat.disk_bytes,
                used_bytes: stat.used,
                reclaimable_bytes: stat.reclaimable,
                overhead_bytes: stat.overhead,
                stored_bytes: stat.stored,
                objects: stat.objects,
                units: stat.units,
            };
            context.printer.print(&document, describe)
        })
        .await
    }
}

fn describe(document: &Document) -> String {
    let backups = format!("{} ({} deleted)", document.backups, document.deleted_backups);
    facts([
        ("repository", document.repository.clone()),
        ("backups", backups),
        ("disks", size(document.disk_bytes)),
        ("stored", format!("{} in {} objects", size(document.stored_bytes), document.objects)),
        ("  used", size(document.used_bytes)),
        ("  reclaimable", size(document.reclaimable_bytes)),
        ("  overhead", size(document.overhead_bytes)),
        ("units", document.units.to_string()),
    ])
}
