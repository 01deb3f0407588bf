//! `strongroom resource`: disks and servers that the service knows.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{resource_add, resource_list, resource_remove, resource_show, service};
use crate::output::Printer;
use crate::service_context::ServiceOptions;

const EXAMPLES: &str = "\
Examples:
  strongroom resource add disk /images/root.qcow2
  strongroom resource add server web --disk /images/root.qcow2 --disk data=/dev/vg/data
  strongroom resource list

Paths are those of the host of the service.";

/// Works on disks and servers: what can be put into a vault.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resource {
    #[command(flatten)]
    options: ServiceOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(resource_add::Add),
    List(resource_list::List),
    Show(resource_show::Show),
    Remove(resource_remove::Remove),
}

impl Resource {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let verb = self.verb;
        service::run(&self.options, printer, async move |cx| match verb {
            Verb::Add(add) => add.run(cx).await,
            Verb::List(list) => list.run(cx).await,
            Verb::Show(show) => show.run(cx).await,
            Verb::Remove(remove) => remove.run(cx).await,
        })
        .await
    }
}
