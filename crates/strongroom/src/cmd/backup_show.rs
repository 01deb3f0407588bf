//! `strongroom backup show`: one backup with all that is known of it.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Noun, date, gib, items, or_dash, short_id, text};
use crate::output::{facts, table};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom backup show before-upgrade
  strongroom backup show 3fa94c01 --output json";

/// Shows one backup
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The backup: a name, an id or the beginning of one
    backup: String,
}

impl Show {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let backup = cx.find(Noun::BACKUP, &self.backup).await?;
        cx.printer.print(&json!({ "backup": backup }), |_| describe(&backup))
    }
}

fn describe(backup: &Value) -> String {
    let is = |key: &str| backup.pointer(key).and_then(Value::as_bool) == Some(true);
    let expires = match date(backup, "/expired_at") {
        never if never == "-" => "never".to_owned(),
        date => date,
    };
    let resource = format!("{} ({})", text(backup, "/resource_name"), text(backup, "/resource_id"));
    let lines = [
        ("backup", text(backup, "/id").to_owned()),
        ("name", text(backup, "/name").to_owned()),
        ("description", or_dash(text(backup, "/description"))),
        ("status", or_dash(text(backup, "/status"))),
        ("of", resource),
        ("size", gib(backup, "/resource_size")),
        ("vault", or_dash(text(backup, "/vault_id"))),
        ("checkpoint", or_dash(text(backup, "/checkpoint_id"))),
        ("made by", if is("/extend_info/auto_trigger") { "a policy" } else { "hand" }.to_owned()),
        ("created", date(backup, "/created_at")),
        ("expires", expires),
    ];
    let mut children = items(backup, "/children").peekable();
    if children.peek().is_none() {
        return facts(lines);
    }
    let row = |child: &Value| {
        let boots = child.pointer("/extend_info/system_disk").and_then(Value::as_bool);
        vec![
            short_id(child),
            text(child, "/resource_name").to_owned(),
            gib(child, "/resource_size"),
            if boots == Some(true) { "yes" } else { "-" }.to_owned(),
            or_dash(text(child, "/status")),
        ]
    };
    let header = ["DISK BACKUP", "DISK", ">SIZE", "BOOTS", "STATUS"];
    format!("{}\n\n{}", facts(lines), table(&header, children.map(row)))
}
