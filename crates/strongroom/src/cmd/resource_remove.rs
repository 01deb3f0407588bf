//! `strongroom resource remove`: makes the service forget disks or servers.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::client::{Noun, text};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom resource remove web

Files, devices and backups stay as they are.";

/// Makes the service forget disks or servers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Remove {
    /// The disks or servers: names, ids or beginnings of ids
    #[arg(required = true, value_name = "RESOURCE")]
    resources: Vec<String>,
}

impl Remove {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        // All names are looked up before anything is removed.
        let mut found = Vec::new();
        for name in &self.resources {
            found.push(cx.find(Noun::RESOURCE, name).await?);
        }
        for resource in &found {
            cx.session.send(&Noun::RESOURCE.delete(text(resource, "/id"))).await?;
        }
        let ids: Vec<_> = found.iter().map(|it| text(it, "/id")).collect();
        cx.printer.print(&json!({ "removed": ids }), |_| {
            let line = |it| format!("Removed {} ({}).", text(it, "/name"), text(it, "/id"));
            found.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }
}
