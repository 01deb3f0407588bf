//! `strongroom task cancel`: asks tasks to stop.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::client::{Area, Noun, Request, text};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom task cancel 3fa94c01

A cancelled backup disappears. A cancelled restore leaves disks that are partly old and partly new:
restore them again.";

/// Asks tasks to stop
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Cancel {
    /// The tasks: ids or beginnings of ids
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
}

impl Cancel {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        // All names are looked up before anything is stopped.
        let mut ids = Vec::new();
        for task in &self.tasks {
            ids.push(text(&cx.find(Noun::TASK, task).await?, "/id").to_owned());
        }
        for id in &ids {
            cx.session.send(&Request::post(Area::Extension, &["tasks", id, "cancel"])).await?;
        }
        cx.printer.print(&json!({ "cancelling": ids }), |_| {
            format!("Asked to stop. `strongroom task wait {}` waits for the end.", ids.join(" "))
        })
    }
}
