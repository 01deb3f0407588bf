//! `strongroom vault list`: the vaults of the project.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::vault_create::ObjectType;
use crate::client::{Noun, gib, items, mib, or_dash, short_id, text};
use crate::output::{shorten, table};
use crate::service_context::ServiceContext;

/// What a name may take of a line of 80 columns.
const NAME_WIDTH: usize = 18;

const EXAMPLES: &str = "\
Examples:
  strongroom vault list
  strongroom vault list --type disk --status available
  strongroom vault list --output json | jq -r '.vaults[].id'";

/// Lists the vaults
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Those with this name
    #[arg(long)]
    name: Option<String>,
    /// Those that protect this
    #[arg(long = "type", value_enum)]
    object: Option<ObjectType>,
    /// Those in this state: available, lock, frozen, deleting or error
    #[arg(long)]
    status: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let request = Noun::VAULT
            .get("")
            .query("name", self.name)
            .query("object_type", self.object.map(ObjectType::word))
            .query("status", self.status);
        let vaults = Noun::VAULT.list(&cx.session, &request, self.limit).await?;
        cx.printer.print(&json!({ "vaults": vaults }), |_| describe(&vaults))
    }
}

fn describe(vaults: &[Value]) -> String {
    if vaults.is_empty() {
        return "No vaults.".to_owned();
    }
    let header = ["ID", "NAME", "TYPE", ">SIZE", ">USED", ">HOLDS", "STATUS"];
    let row = |vault: &Value| {
        vec![
            short_id(vault),
            shorten(text(vault, "/name"), NAME_WIDTH),
            or_dash(text(vault, "/billing/object_type")),
            gib(vault, "/billing/size"),
            mib(vault, "/billing/used"),
            items(vault, "/resources").count().to_string(),
            status(vault),
        ]
    };
    table(&header, vaults.iter().map(row))
}

/// The service's word, and whether the vault is locked: its status `lock` is something else.
pub(super) fn status(vault: &Value) -> String {
    let is_locked = vault.pointer("/locked").and_then(Value::as_bool) == Some(true);
    let locked = if is_locked { " (locked)" } else { "" };
    format!("{}{locked}", or_dash(text(vault, "/billing/status")))
}
