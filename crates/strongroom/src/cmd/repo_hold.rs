//! `strongroom repo hold`: forbids the deletion of a backup before a date.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use crate::backup_id;
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::date;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  strongroom repo hold latest --until 2027-12-31 --kind 'tax audit'
  strongroom repo hold 3fa94c01 --until 90d

A hold can be made longer by another one, never shorter. It binds strongroom; whoever can delete
the store's files can still do so.";

/// Forbids the deletion of a backup before a date
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Hold {
    /// The backup: an id, the beginning of one, or latest
    id: String,
    /// The last day (UTC), a moment (2027-01-31T12:00:00Z), or a number of days from now
    #[arg(long, value_name = "DATE|DAYS")]
    until: String,
    /// Why, for people
    #[arg(long, default_value = "manual", value_name = "TEXT")]
    kind: String,
}

#[derive(Debug, Serialize)]
struct Document {
    id: String,
    until: String,
    kind: String,
}

impl Hold {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.hold(context))).await
    }

    async fn hold(self, context: &Context) -> Result<()> {
        let now = context.clock.now();
        let until = date::parse_until(&self.until, now).map_err(Failure::usage)?;
        if until <= now {
            return Err(Failure::usage(format!("{until} is not in the future")).into());
        }
        let (repository, _) = context.open().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        let id = backup_id::find(&catalog, &self.id)?.id;
        repository.hold(id, until, &self.kind).await.with_context(|| format!("holding {id}"))?;
        let document =
            Document { id: id.to_string(), until: until.to_string(), kind: self.kind.clone() };
        context.printer.print(&document, |document| {
            format!("Backup {} cannot be deleted before {}.", document.id, document.until)
        })
    }
}
