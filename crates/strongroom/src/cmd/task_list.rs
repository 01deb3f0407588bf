//! `strongroom task list`: the tasks of the project.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Noun, date, number, or_dash, short_id, text};
use crate::output::{shorten, table};
use crate::service_context::ServiceContext;

/// What two names may take of a line of 80 columns.
const NAME_WIDTH: usize = 12;

/// Enough for a look; all of a month can be asked for.
const DEFAULT_LIMIT: usize = 50;

const EXAMPLES: &str = "\
Examples:
  strongroom task list
  strongroom task list --vault web --status failed
  strongroom task list --type backup --limit 1000 --output json";

/// Lists the tasks, the newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Those of this vault: a name, an id or the beginning of one
    #[arg(long)]
    vault: Option<String>,
    /// Those of the disk or server with this name
    #[arg(long)]
    resource: Option<String>,
    /// Those of this type, as backup, restore, delete or `vault_delete`
    #[arg(long = "type", value_name = "TYPE")]
    operation: Option<String>,
    /// Those in this state: waiting, running, success, skipped, failed or timeout
    #[arg(long)]
    status: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMIT)]
    limit: usize,
}

impl List {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let mut request = Noun::TASK
            .get("")
            .query("operation_type", self.operation)
            .query("status", self.status)
            .query("resource_name", self.resource);
        if let Some(vault) = &self.vault {
            let vault = cx.find(Noun::VAULT, vault).await?;
            request = request.query("vault_id", Some(text(&vault, "/id")));
        }
        let tasks = Noun::TASK.list(&cx.session, &request, Some(self.limit)).await?;
        cx.printer.print(&json!({ "operation_logs": tasks }), |_| describe(&tasks))
    }
}

/// Tasks for people.
pub(super) fn describe(tasks: &[Value]) -> String {
    if tasks.is_empty() {
        return "No tasks.".to_owned();
    }
    let header = ["ID", "TYPE", "STATUS", ">%", "RESOURCE", "VAULT", "STARTED (UTC)"];
    let row = |task: &Value| {
        vec![
            short_id(task),
            or_dash(text(task, "/operation_type")),
            or_dash(text(task, "/status")),
            number(task, "/extra_info/common/progress").to_string(),
            shorten(&or_dash(text(task, "/extra_info/resource/name")), NAME_WIDTH),
            shorten(&or_dash(text(task, "/vault_name")), NAME_WIDTH),
            date(task, "/started_at"),
        ]
    };
    table(&header, tasks.iter().map(row))
}
