//! `strongroom backup list`: the backups of the project.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Noun, date, find_member, gib, or_dash, short_id, text};
use crate::output::{shorten, table};
use crate::service_context::ServiceContext;

/// What two names may take of a line of 80 columns.
const NAME_WIDTH: usize = 16;
const RESOURCE_WIDTH: usize = 11;

const EXAMPLES: &str = "\
Examples:
  strongroom backup list
  strongroom backup list --vault web --status available --limit 10
  strongroom backup list --resource root --output json | jq -r '.backups[0].id'";

/// Lists the backups, the newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Those in this vault: a name, an id or the beginning of one
    #[arg(long)]
    vault: Option<String>,
    /// Those of this disk or server: its name or, within a vault, also its id
    #[arg(long)]
    resource: Option<String>,
    /// Those in this state, as available or error; several are possible
    #[arg(long)]
    status: Vec<String>,
    /// Those with this name
    #[arg(long)]
    name: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let mut request = Noun::BACKUP.get("").query("name", self.name.as_ref());
        if let Some(vault) = &self.vault {
            let vault = cx.find(Noun::VAULT, vault).await?;
            request = request.query("vault_id", Some(text(&vault, "/id")));
            if let Some(resource) = &self.resource {
                let resource = find_member(&vault, "resource", resource)?;
                request = request.query("resource_id", Some(text(&resource, "/id")));
            }
        } else {
            request = request.query("resource_name", self.resource.as_ref());
        }
        for status in &self.status {
            request = request.query("status", Some(status));
        }
        let backups = Noun::BACKUP.list(&cx.session, &request, self.limit).await?;
        cx.printer.print(&json!({ "backups": backups }), |_| describe(&backups))
    }
}

/// Backups for people.
pub(super) fn describe(backups: &[Value]) -> String {
    if backups.is_empty() {
        return "No backups.".to_owned();
    }
    let header = ["ID", "NAME", "RESOURCE", ">SIZE", "CREATED (UTC)", "STATUS"];
    let row = |backup: &Value| {
        vec![
            short_id(backup),
            shorten(text(backup, "/name"), NAME_WIDTH),
            shorten(text(backup, "/resource_name"), RESOURCE_WIDTH),
            gib(backup, "/resource_size"),
            date(backup, "/created_at"),
            or_dash(text(backup, "/status")),
        ]
    };
    table(&header, backups.iter().map(row))
}
