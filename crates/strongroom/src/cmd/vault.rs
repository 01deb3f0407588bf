//! `strongroom vault`: what holds backups.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{
    service, vault_add_resource, vault_create, vault_delete, vault_list, vault_remove_resource,
    vault_show, vault_update,
};
use crate::output::Printer;
use crate::service_context::ServiceOptions;

const EXAMPLES: &str = "\
Examples:
  strongroom vault create web --type disk --size 100 --resource root --resource data
  strongroom vault list
  strongroom vault add-resource web logs
  strongroom backup create web --wait";

/// Works on vaults, which hold the backups of resources.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Vault {
    #[command(flatten)]
    options: ServiceOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(vault_create::Create),
    List(vault_list::List),
    Show(vault_show::Show),
    Update(vault_update::Update),
    Delete(vault_delete::Delete),
    AddResource(vault_add_resource::AddResource),
    RemoveResource(vault_remove_resource::RemoveResource),
}

impl Vault {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let verb = self.verb;
        service::run(&self.options, printer, async move |cx| match verb {
            Verb::Create(create) => create.run(cx).await,
            Verb::List(list) => list.run(cx).await,
            Verb::Show(show) => show.run(cx).await,
            Verb::Update(update) => update.run(cx).await,
            Verb::Delete(delete) => delete.run(cx).await,
            Verb::AddResource(add) => add.run(cx).await,
            Verb::RemoveResource(remove) => remove.run(cx).await,
        })
        .await
    }
}
