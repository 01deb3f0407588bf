//! `strongroom resource show`: one disk or server.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::resource_list::size;
use crate::client::{Noun, date, items, or_dash, short_id, text};
use crate::output::{facts, table};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom resource show web
  strongroom resource show 3fa94c01 --output json";

/// Shows one disk or server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The disk or server: a name, an id or the beginning of one
    resource: String,
}

impl Show {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let resource = cx.find(Noun::RESOURCE, &self.resource).await?;
        cx.printer.print(&json!({ "resource": resource }), |_| describe(&resource))
    }
}

/// A resource for people.
pub(super) fn describe(resource: &Value) -> String {
    let lines = [
        (
            if text(resource, "/type") == "server" { "server" } else { "disk" },
            text(resource, "/id"),
        ),
        ("name", text(resource, "/name")),
        ("status", text(resource, "/status")),
        ("path", text(resource, "/path")),
        ("format", text(resource, "/format")),
    ];
    let lines = lines.into_iter().filter(|(_, value)| !value.is_empty());
    let lines = lines.map(|(name, value)| (name, value.to_owned()));
    let more = [("size", size(resource).to_string()), ("created", date(resource, "/created_at"))];
    let shown = facts(lines.chain(more));
    let mut disks = items(resource, "/disks").peekable();
    if disks.peek().is_none() {
        return shown;
    }
    let row = |disk: &Value| {
        let is = |key: &str| disk.pointer(key).and_then(Value::as_bool) == Some(true);
        let boots = if is("/is_system") || is("/is_system_disk") { "yes" } else { "" };
        vec![
            short_id(disk),
            text(disk, "/name").to_owned(),
            size(disk).to_string(),
            or_dash(text(disk, "/format")),
            or_dash(boots),
            text(disk, "/path").to_owned(),
        ]
    };
    let header = ["DISK", "NAME", ">SIZE", "FORMAT", "BOOTS", "PATH"];
    format!("{shown}\n\n{}", table(&header, disks.map(row)))
}
