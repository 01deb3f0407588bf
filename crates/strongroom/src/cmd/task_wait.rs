//! `strongroom task wait`: waits for the end of tasks.

use anyhow::Result;
use clap::Args;

use super::task_show;
use crate::client::{Noun, check_outcomes, text, wait};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom task wait 3fa94c01
  strongroom task wait 3fa94c01 9be20c44 --output json

Ends with 0 when all tasks were a success. Ctrl-C stops the waiting only.";

/// Waits for the end of tasks
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Wait {
    /// The tasks: ids or beginnings of ids
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
}

impl Wait {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let mut ids = Vec::new();
        for task in &self.tasks {
            ids.push(text(&cx.find(Noun::TASK, task).await?, "/id").to_owned());
        }
        let tasks = wait(cx, "task", &ids).await?;
        task_show::print(cx, &tasks)?;
        check_outcomes(&tasks)
    }
}
