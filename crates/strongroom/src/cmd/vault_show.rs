//! `strongroom vault show`: one vault with all that is known of it.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::vault_list::status;
use crate::client::{Noun, date, gib, items, mib, number, or_dash, short_id, text};
use crate::output::{facts, shorten, table};
use crate::service_context::ServiceContext;

/// What a name may take of a line of 80 columns.
const NAME_WIDTH: usize = 30;

const EXAMPLES: &str = "\
Examples:
  strongroom vault show web
  strongroom vault show 3fa94c01 --output json";

/// Shows one vault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The vault: a name, an id or the beginning of one
    vault: String,
}

impl Show {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let vault = cx.find(Noun::VAULT, &self.vault).await?;
        cx.printer.print(&json!({ "vault": vault }), |_| describe(&vault))
    }
}

/// A vault for people.
pub(super) fn describe(vault: &Value) -> String {
    let tag = |tag: &Value| format!("{}={}", text(tag, "/key"), text(tag, "/value"));
    let tags: Vec<_> = items(vault, "/tags").map(tag).collect();
    let (used, size) = (mib(vault, "/billing/used"), gib(vault, "/billing/size"));
    let allocated = gib(vault, "/billing/allocated");
    let lines = [
        ("vault", text(vault, "/id").to_owned()),
        ("name", text(vault, "/name").to_owned()),
        ("description", or_dash(text(vault, "/description"))),
        ("status", status(vault)),
        ("type", or_dash(text(vault, "/billing/object_type"))),
        ("created", date(vault, "/created_at")),
        ("used", format!("{used} of {size}")),
        ("protects", format!("{allocated} of disks")),
        ("tags", or_dash(&tags.join(", "))),
    ];
    let mut resources = items(vault, "/resources").peekable();
    if resources.peek().is_none() {
        return format!("{}\n\nNo resources.", facts(lines));
    }
    let header = ["RESOURCE", "NAME", ">SIZE", ">BACKUPS", ">STORED", "STATUS"];
    let row = |resource: &Value| {
        vec![
            short_id(resource),
            shorten(text(resource, "/name"), NAME_WIDTH),
            gib(resource, "/size"),
            number(resource, "/backup_count").to_string(),
            mib(resource, "/backup_size"),
            or_dash(text(resource, "/protect_status")),
        ]
    };
    format!("{}\n\n{}", facts(lines), table(&header, resources.map(row)))
}
