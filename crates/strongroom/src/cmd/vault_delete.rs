//! `strongroom vault delete`: deletes vaults with all their backups.

use anyhow::Result;
use clap::Args;

use super::deletion::Deletion;
use crate::client::{Noun, items, mib, number, text};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom vault delete web
  strongroom vault delete 3fa94c01 --yes --wait

A vault goes with all its backups; its disks and servers stay as they are.";

/// Deletes vaults with all their backups
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Delete {
    /// The vaults: names, ids or beginnings of ids
    #[arg(required = true, value_name = "VAULT")]
    vaults: Vec<String>,
    #[command(flatten)]
    deletion: Deletion,
}

impl Delete {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let line = |vault: &serde_json::Value| {
            let resources = items(vault, "/resources");
            let backups: u64 = resources.map(|it| number(it, "/backup_count")).sum();
            let (id, name) = (text(vault, "/id"), text(vault, "/name"));
            format!("{id}  {name}  {backups} backups  {}", mib(vault, "/billing/used"))
        };
        self.deletion.run(cx, Noun::VAULT, &self.vaults, line).await
    }
}
