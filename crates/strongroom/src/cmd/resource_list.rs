//! `strongroom resource list`: the disks and servers that were made known.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use strongroom_base::ByteCount;

use crate::client::{Noun, items, number, or_dash, short_id, text};
use crate::output::{shorten, table};
use crate::service_context::ServiceContext;

/// What a name may take of a line of 80 columns.
const NAME_WIDTH: usize = 30;

const EXAMPLES: &str = "\
Examples:
  strongroom resource list
  strongroom resource list --output json | jq -r '.resources[].id'";

/// Lists the disks and servers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {}

impl List {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let resources = Noun::RESOURCE.list(&cx.session, &Noun::RESOURCE.get(""), None).await?;
        cx.printer.print(&json!({ "resources": resources }), |_| describe(&resources))
    }
}

fn describe(resources: &[Value]) -> String {
    if resources.is_empty() {
        return "No resources.".to_owned();
    }
    let header = ["ID", "NAME", "TYPE", ">SIZE", ">DISKS", "STATUS"];
    let row = |resource: &Value| {
        vec![
            short_id(resource),
            shorten(text(resource, "/name"), NAME_WIDTH),
            or_dash(text(resource, "/type")),
            size(resource).to_string(),
            items(resource, "/disks").count().max(1).to_string(),
            or_dash(text(resource, "/status")),
        ]
    };
    table(&header, resources.iter().map(row))
}

/// A disk says its size itself, a server is as large as its disks.
pub(super) fn size(resource: &Value) -> ByteCount {
    let own = number(resource, "/size_bytes");
    let disks = items(resource, "/disks").map(|disk| number(disk, "/size_bytes"));
    let sum = if own > 0 { own } else { disks.sum() };
    // Whole GB are better than nothing.
    ByteCount(if sum > 0 { sum } else { number(resource, "/size_gb").saturating_mul(1 << 30) })
}
