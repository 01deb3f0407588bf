//! `strongroom verify`: lets the service check what it stores.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::{service, task_show};
use crate::client::{Area, Noun, Request, check_outcomes, seek, text, wait};
use crate::failure::{Failure, Kind};
use crate::output::Printer;
use crate::service_context::{ServiceContext, ServiceOptions};

const EXAMPLES: &str = "\
Examples:
  strongroom verify web --wait
  strongroom verify before-upgrade --wait";

/// Checks that a backup, or every backup of a vault, can be restored.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    options: ServiceOptions,
    /// A vault or a backup: a name, an id or the beginning of one
    #[arg(value_name = "VAULT|BACKUP")]
    what: String,
    /// Wait for the result
    #[arg(long)]
    wait: bool,
}

impl Verify {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let options = self.options.clone();
        service::run(&options, printer, async move |cx| self.verify(cx).await).await
    }

    async fn verify(self, cx: &ServiceContext) -> Result<()> {
        let (noun, found) = self.find(cx).await?;
        let request = Request::post(Area::Extension, &[noun.many, text(&found, "/id"), "verify"]);
        let answer = cx.session.send(&request).await?;
        let id = text(&answer, "/task_id").to_owned();
        if !self.wait {
            return cx.printer.print(&answer, |_| {
                format!("Checking. `strongroom task wait {id}` waits for the result.")
            });
        }
        let tasks = wait(cx, &format!("verify {}", text(&found, "/name")), &[id]).await?;
        task_show::print(cx, &tasks)?;
        check_outcomes(&tasks)
    }

    async fn find(&self, cx: &ServiceContext) -> Result<(Noun, Value)> {
        let vault = seek(&cx.session, Noun::VAULT, &self.what).await?;
        let backup = seek(&cx.session, Noun::BACKUP, &self.what).await?;
        match (vault, backup) {
            (Some(vault), None) => Ok((Noun::VAULT, vault)),
            (None, Some(backup)) => Ok((Noun::BACKUP, backup)),
            (Some(vault), Some(backup)) => {
                let message = format!("a vault and a backup are called {:?}", self.what);
                let (vault, backup) = (text(&vault, "/id"), text(&backup, "/id"));
                let hint = format!("give the id: {vault} is the vault, {backup} the backup");
                Err(Failure::usage(message).hint(hint).into())
            }
            (None, None) => {
                let message = format!("there is no vault and no backup {:?}", self.what);
                let hint = "`strongroom vault list` and `strongroom backup list` show them";
                Err(Failure::new(Kind::NotFound, message).hint(hint).into())
            }
        }
    }
}
