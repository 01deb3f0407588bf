//! `strongroom vault remove-resource`: takes disks or servers out of a vault.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Area, Noun, Request, find_member, gib, items, number, text};
use crate::confirmation;
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom vault remove-resource web data --yes

The backups of what is taken out are deleted with it.";

/// Takes disks or servers out of a vault, and deletes their backups
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RemoveResource {
    /// The vault: a name, an id or the beginning of one
    vault: String,
    /// The disks or servers: names, ids or beginnings of ids
    #[arg(required = true, value_name = "RESOURCE")]
    resources: Vec<String>,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

impl RemoveResource {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let vault = cx.find(Noun::VAULT, &self.vault).await?;
        let found = self.resources.iter().map(|name| find_member(&vault, "resource", name));
        let found = found.collect::<Result<Vec<Value>>>()?;
        if !self.yes {
            let line = |it: &Value| {
                let (id, name, size) = (text(it, "/id"), text(it, "/name"), gib(it, "/size"));
                format!("{id}  {name}  {size}  {} backups", number(it, "/backup_count"))
            };
            let lines: Vec<_> = found.iter().map(line).collect();
            confirmation::ask(&lines, "Take them out and delete their backups?")?;
        }
        let ids: Vec<_> = found.iter().map(|it| text(it, "/id")).collect();
        let request = Request::post(Area::Cbr, &["vaults", text(&vault, "/id"), "removeresources"]);
        let answer = cx.session.send(&request.body(json!({ "resource_ids": ids }))).await?;
        cx.printer.print(&answer, |answer| {
            let count = items(answer, "/remove_resource_ids").count();
            format!("Took {count} resource(s) out of the vault {}.", text(&vault, "/name"))
        })
    }
}
