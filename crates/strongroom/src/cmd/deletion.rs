//! What `vault delete` and `backup delete` have in common.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Noun, text, wait_until_gone};
use crate::confirmation;
use crate::service_context::ServiceContext;

/// Options of a deletion.
#[derive(Debug, Args)]
pub(super) struct Deletion {
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
    /// Wait until they are gone
    #[arg(long)]
    wait: bool,
}

impl Deletion {
    /// Deletes what is named, after showing it line by line and asking.
    pub(super) async fn run(
        self,
        cx: &ServiceContext,
        noun: Noun,
        names: &[String],
        line: impl Fn(&Value) -> String,
    ) -> Result<()> {
        // All names are looked up before anything is deleted.
        let mut found: Vec<Value> = Vec::new();
        for name in names {
            let one = cx.find(noun, name).await?;
            if found.iter().all(|other| text(other, "/id") != text(&one, "/id")) {
                found.push(one);
            }
        }
        if !self.yes {
            let lines: Vec<_> = found.iter().map(line).collect();
            confirmation::ask(&lines, &format!("Delete {} {}(s)?", found.len(), noun.name))?;
        }
        for one in &found {
            cx.session.send(&noun.delete(text(one, "/id"))).await?;
        }
        if self.wait {
            for one in &found {
                wait_until_gone(cx, noun, text(one, "/id")).await?;
            }
        }
        let ids: Vec<_> = found.iter().map(|one| text(one, "/id")).collect();
        cx.printer.print(&json!({ "deleted": ids }), |_| {
            let lines = found.iter().map(|one| {
                let (name, id) = (text(one, "/name"), text(one, "/id"));
                let done = if self.wait { "Deleted" } else { "Deleting" };
                format!("{done} {} {name} ({id}).", noun.name)
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}
