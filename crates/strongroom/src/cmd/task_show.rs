//! `strongroom task show`: one task with all that is known of it.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::task_list;
use crate::client::{Noun, date, number, or_dash, text};
use crate::output::facts;
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom task show 3fa94c01
  strongroom task show 3fa94c01 --output json | jq .operation_log.error_info";

/// Shows one task
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The task: an id or the beginning of one
    task: String,
}

impl Show {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let task = cx.find(Noun::TASK, &self.task).await?;
        cx.printer.print(&json!({ "operation_log": task }), |_| describe(&task))
    }
}

/// Prints tasks that were waited for.
pub(super) fn print(cx: &ServiceContext, tasks: &[Value]) -> Result<()> {
    cx.printer.print(&json!({ "operation_logs": tasks }), |_| match tasks {
        [task] => describe(task),
        tasks => task_list::describe(tasks),
    })
}

fn describe(task: &Value) -> String {
    let (code, message) = (text(task, "/error_info/code"), text(task, "/error_info/message"));
    let error = if code.is_empty() { message.to_owned() } else { format!("{message} ({code})") };
    let named = |kind: &str| {
        let (name, id) =
            (format!("/extra_info/{kind}/{kind}_name"), format!("/extra_info/{kind}/{kind}_id"));
        match (text(task, &name), text(task, &id)) {
            ("", id) => id.to_owned(),
            (name, id) => format!("{name} ({id})"),
        }
    };
    let restored = match text(task, "/extra_info/restore/target_resource_name") {
        "" => text(task, "/extra_info/restore/target_resource_id"),
        name => name,
    };
    let lines = [
        ("task", text(task, "/id").to_owned()),
        ("type", or_dash(text(task, "/operation_type"))),
        ("status", or_dash(text(task, "/status"))),
        ("progress", format!("{} %", number(task, "/extra_info/common/progress"))),
        ("error", error),
        ("resource", text(task, "/extra_info/resource/name").to_owned()),
        ("backup", named("backup")),
        ("target", restored.to_owned()),
        ("vault", text(task, "/vault_name").to_owned()),
        ("created", date(task, "/created_at")),
        ("started", date(task, "/started_at")),
        ("ended", date(task, "/ended_at")),
    ];
    facts(lines.into_iter().filter(|(_, value)| !value.is_empty()))
}
