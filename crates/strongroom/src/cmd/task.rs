//! `strongroom task`: what the service is doing and has done.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{service, task_cancel, task_list, task_show, task_wait};
use crate::output::Printer;
use crate::service_context::ServiceOptions;

const EXAMPLES: &str = "\
Examples:
  strongroom task list --status running
  strongroom task wait 3fa94c01
  strongroom task cancel 3fa94c01";

/// Works on tasks, which backups, restores and deletions are.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Task {
    #[command(flatten)]
    options: ServiceOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(task_list::List),
    Show(task_show::Show),
    Wait(task_wait::Wait),
    Cancel(task_cancel::Cancel),
}

impl Task {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let verb = self.verb;
        service::run(&self.options, printer, async move |cx| match verb {
            Verb::List(list) => list.run(cx).await,
            Verb::Show(show) => show.run(cx).await,
            Verb::Wait(wait) => wait.run(cx).await,
            Verb::Cancel(cancel) => cancel.run(cx).await,
        })
        .await
    }
}
