//! `strongroom backup create`: backs up what is in a vault.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::backup_list;
use crate::client::{Area, Noun, Request, check_outcomes, find_member, items, text, wait};
use crate::failure::{Failure, Kind};
use crate::json_object::{given, object};
use crate::output::warn;
use crate::service_context::ServiceContext;

/// More tasks than one run of a vault has: a vault holds 256 resources (cbr-v3, R1).
const NEWEST_TASKS: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  strongroom backup create web --wait
  strongroom backup create web --resource root --name before-upgrade --keep-days 30
  strongroom backup create web --wait --output json | jq -r '.backups[].id'";

/// Backs up what is in a vault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Create {
    /// The vault: a name, an id or the beginning of one
    vault: String,
    /// Only this disk or server of the vault: a name, an id or the beginning of one
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<String>,
    /// The name of the backup; several get a number each
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Read everything, not only what changed
    #[arg(long)]
    full: bool,
    /// Delete it after so many days
    #[arg(long, value_name = "N")]
    keep_days: Option<u32>,
    /// Wait until it is there
    #[arg(long)]
    wait: bool,
}

impl Create {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let vault = cx.find(Noun::VAULT, &self.vault).await?;
        let request = Request::post(Area::Cbr, &["checkpoints"]).body(self.body(&vault)?);
        let answer = cx.session.send(&request).await?;
        let checkpoint = answer.get("checkpoint").cloned().unwrap_or_default();
        for skipped in items(&checkpoint, "/vault/skipped_resources") {
            let (name, reason) = (text(skipped, "/name"), text(skipped, "/reason"));
            warn(&format!("{name} is left out: {reason} ({})", text(skipped, "/code")));
        }
        let mut tasks = tasks_of(cx, text(&vault, "/id"), text(&checkpoint, "/id")).await?;
        if self.wait {
            if tasks.is_empty() {
                return Err(Failure::new(Kind::Failed, "the service shows no task to wait for")
                    .hint("`strongroom backup list` shows what became of it")
                    .into());
            }
            let ids: Vec<_> = tasks.iter().map(|task| text(task, "/id").to_owned()).collect();
            tasks = wait(cx, &format!("backup {}", text(&vault, "/name")), &ids).await?;
        }
        let request = Noun::BACKUP.get("").query("checkpoint_id", Some(text(&checkpoint, "/id")));
        let backups = Noun::BACKUP.list(&cx.session, &request, None).await?;
        let document =
            json!({"checkpoint": checkpoint, "backups": backups, "operation_logs": tasks});
        cx.printer.print(&document, |_| describe(&backups, &tasks, self.wait))?;
        if self.wait { check_outcomes(&tasks) } else { Ok(()) }
    }

    /// The body (cbr-v3, 4.4).
    fn body(&self, vault: &Value) -> Result<Value> {
        let found = self.resources.iter().map(|name| find_member(vault, "resource", name));
        let resources = found.collect::<Result<Vec<Value>>>()?;
        let ids: Vec<_> = resources.iter().map(|it| text(it, "/id")).collect();
        let parameters = object([
            ("auto_trigger", Some(json!(false))),
            ("incremental", Some(json!(!self.full))),
            ("resources", (!ids.is_empty()).then(|| json!(ids))),
            ("name", given(self.name.as_ref())),
            ("description", given(self.description.as_ref())),
            ("retention_duration_days", self.keep_days.map(Value::from)),
        ]);
        let checkpoint = json!({"vault_id": text(vault, "/id"), "parameters": parameters});
        Ok(json!({ "checkpoint": checkpoint }))
    }
}

/// The tasks of one run; the newest come first.
async fn tasks_of(cx: &ServiceContext, vault: &str, checkpoint: &str) -> Result<Vec<Value>> {
    let request = Noun::TASK.get("").query("vault_id", Some(vault));
    let request = request.query("operation_type", Some("backup"));
    let mut tasks = Noun::TASK.list(&cx.session, &request, Some(NEWEST_TASKS)).await?;
    tasks.retain(|task| text(task, "/checkpoint_id") == checkpoint);
    Ok(tasks)
}

fn describe(backups: &[Value], tasks: &[Value], is_over: bool) -> String {
    let shown = backup_list::describe(backups);
    if is_over || tasks.is_empty() {
        return shown;
    }
    let ids: Vec<_> = tasks.iter().map(|task| text(task, "/id")).collect();
    format!("{shown}\n\n`strongroom task wait {}` waits for the end.", ids.join(" "))
}
