//! `strongroom repo delete`: hides backups at once, and lets their data go later.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::ids::ManifestId;
use strongroom_repo::{BackupEntry, Catalog};

use crate::backup_document::size;
use crate::backup_id::{self, short_len, shorten};
use crate::cancel::until_interrupted;
use crate::confirmation;
use crate::context::Context;
use crate::date;

const EXAMPLES: &str = "\
Examples:
  strongroom repo delete 3fa94c01
  strongroom repo delete 3fa94c01 9be20c44 --yes

A deleted backup can come back with `undelete` until `gc` removes its data, which happens 24 hours
after the deletion at the earliest (--grave-delay of `gc`).";

/// Deletes backups
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Delete {
    /// The backups: ids or beginnings of ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    deleted: Vec<String>,
}

impl Delete {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.delete(context))).await
    }

    async fn delete(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        // All names are looked up before anything is deleted.
        let mut entries = Vec::new();
        for id in &self.ids {
            entries.push(backup_id::find(&catalog, id)?);
        }
        if !self.yes {
            confirm(&catalog, &entries)?;
        }
        let mut deleted: Vec<ManifestId> = Vec::new();
        for entry in entries {
            if deleted.contains(&entry.id) {
                continue;
            }
            let id = entry.id;
            repository.delete(id).await.with_context(|| match deleted.len() {
                0 => format!("deleting {id}"),
                n => format!("deleting {id}, after {n} others were deleted"),
            })?;
            deleted.push(id);
        }
        let document = Document { deleted: deleted.iter().map(ToString::to_string).collect() };
        context.printer.print(&document, |document| {
            let lines = document.deleted.iter().map(|id| {
                format!("Deleted {id}. `strongroom repo undelete {id:.8}` takes it back.")
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}

fn confirm(catalog: &Catalog, entries: &[&BackupEntry]) -> Result<()> {
    let short = short_len(catalog);
    let line = |entry: &&BackupEntry| {
        let created = date::show(entry.manifest.created);
        let bytes = size(entry.manifest.size());
        format!("{}  {created}  {bytes}", shorten(entry.id, short))
    };
    let lines: Vec<_> = entries.iter().map(line).collect();
    confirmation::ask(&lines, &format!("Delete {} backup(s)?", entries.len()))
}
