//! `strongroom backup delete`: deletes backups.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::deletion::Deletion;
use crate::client::{Noun, date, gib, text};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom backup delete before-upgrade
  strongroom backup delete 3fa94c01 9be20c44 --yes --wait

The backup of a server goes with those of its disks.";

/// Deletes backups
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Delete {
    /// The backups: names, ids or beginnings of ids
    #[arg(required = true, value_name = "BACKUP")]
    backups: Vec<String>,
    #[command(flatten)]
    deletion: Deletion,
}

impl Delete {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let line = |backup: &Value| {
            let (id, name) = (text(backup, "/id"), text(backup, "/name"));
            let (of, created) = (text(backup, "/resource_name"), date(backup, "/created_at"));
            format!("{id}  {name}  of {of}  {created}  {}", gib(backup, "/resource_size"))
        };
        self.deletion.run(cx, Noun::BACKUP, &self.backups, line).await
    }
}
