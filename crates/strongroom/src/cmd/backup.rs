//! `strongroom backup`: backups of the service.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{backup_create, backup_delete, backup_list, backup_show, service};
use crate::output::Printer;
use crate::service_context::ServiceOptions;

const EXAMPLES: &str = "\
Examples:
  strongroom backup create web --wait
  strongroom backup list --vault web
  strongroom restore before-upgrade --wait
  strongroom export before-upgrade --format qcow2 -o root.qcow2";

/// Works on backups.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    #[command(flatten)]
    options: ServiceOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(backup_create::Create),
    List(backup_list::List),
    Show(backup_show::Show),
    Delete(backup_delete::Delete),
}

impl Backup {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let verb = self.verb;
        service::run(&self.options, printer, async move |cx| match verb {
            Verb::Create(create) => create.run(cx).await,
            Verb::List(list) => list.run(cx).await,
            Verb::Show(show) => show.run(cx).await,
            Verb::Delete(delete) => delete.run(cx).await,
        })
        .await
    }
}
