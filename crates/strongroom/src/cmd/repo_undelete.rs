//! `strongroom repo undelete`: takes a deletion back.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use crate::backup_id;
use crate::cancel::until_interrupted;
use crate::context::Context;

const EXAMPLES: &str = "\
Examples:
  strongroom repo list --deleted
  strongroom repo undelete 3fa94c01";

/// Takes a deletion back, as long as all data is there
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Undelete {
    /// The deleted backup: an id or the beginning of one
    id: String,
}

#[derive(Debug, Serialize)]
struct Document {
    undeleted: String,
}

impl Undelete {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.undelete(context))).await
    }

    async fn undelete(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        let id = backup_id::find(&catalog, &self.id)?.id;
        repository.undelete(id).await.with_context(|| format!("undeleting {id}"))?;
        context.printer.print(&Document { undeleted: id.to_string() }, |document| {
            format!("Backup {} is back.", document.undeleted)
        })
    }
}
