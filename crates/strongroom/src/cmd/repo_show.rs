//! `strongroom repo show`: one backup with all that is known of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::backup_document::{BackupDocument, size, state};
use crate::backup_id;
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::output::{facts, table};
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom repo show latest
  strongroom repo show 3fa94c01 --output json";

/// Shows one backup
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The backup: an id, the beginning of one, or latest
    id: String,
}

impl Show {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.show(context))).await
    }

    async fn show(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open_to_read().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        let entry = backup_id::find(&catalog, &self.id)?;
        let now = context.clock.now();
        context.printer.print(&BackupDocument::of(entry, now), |_| {
            let manifest = &entry.manifest;
            let parents: Vec<_> = manifest.parents.iter().map(ToString::to_string).collect();
            let mut lines = vec![
                ("backup", entry.id.to_string()),
                ("created", manifest.created.to_string()),
                ("state", state(entry, now).to_owned()),
                ("parent", if parents.is_empty() { "none".to_owned() } else { parents.join(", ") }),
                ("size", size(manifest.size())),
                ("read", size(manifest.cost.read)),
                ("new", size(manifest.cost.new)),
                ("stored", size(manifest.cost.stored)),
                ("duration", span::show(Duration::from_millis(manifest.cost.duration_ms))),
            ];
            if let Some(deleted) = entry.deleted {
                lines.insert(3, ("deleted", deleted.to_string()));
            }
            if let Some(until) = entry.held_until {
                lines.insert(3, ("held until", until.to_string()));
            }
            if !manifest.description.is_empty() {
                lines.insert(1, ("description", manifest.description.clone()));
            }
            let disks = manifest.disks.iter().map(|disk| {
                let root =
                    disk.root.map_or_else(|| "all zeros".to_owned(), |root| root.to_string());
                vec![disk.name.clone(), size(disk.size), format!("{root:.16}")]
            });
            format!("{}\n\n{}", facts(lines), table(&["DISK", ">SIZE", "ROOT"], disks))
        })
    }
}
