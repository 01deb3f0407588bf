//! `strongroom vault add-resource`: puts disks or servers into a vault.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::client::{Area, Noun, Request, items, text};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom vault add-resource web root data
  strongroom vault add-resource web 3fa94c01-0000-4000-8000-000000000000";

/// Puts disks or servers into a vault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AddResource {
    /// The vault: a name, an id or the beginning of one
    vault: String,
    /// The disks or servers: names, ids or beginnings of ids
    #[arg(required = true, value_name = "RESOURCE")]
    resources: Vec<String>,
}

impl AddResource {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let vault = cx.find(Noun::VAULT, &self.vault).await?;
        let object = text(&vault, "/billing/object_type");
        let resources = bodies(cx, object, &self.resources).await?;
        let request = Request::post(Area::Cbr, &["vaults", text(&vault, "/id"), "addresources"]);
        let answer = cx.session.send(&request.body(json!({ "resources": resources }))).await?;
        cx.printer.print(&answer, |answer| {
            let count = items(answer, "/add_resource_ids").count();
            format!("Added {count} resource(s) to the vault {}.", text(&vault, "/name"))
        })
    }
}

/// What requests say about resources of a vault for `object` (cbr-v3, 3.4 and 5.1).
pub(super) async fn bodies(
    cx: &ServiceContext,
    object: &str,
    names: &[String],
) -> Result<Vec<Value>> {
    let (noun, kind) = match object {
        "server" => (Noun::SERVER, "OS::Nova::Server"),
        _ => (Noun::DISK, "OS::Cinder::Volume"),
    };
    let mut bodies = Vec::new();
    for name in names {
        let resource = cx.find(noun, name).await?;
        let (id, name) = (text(&resource, "/id"), text(&resource, "/name"));
        bodies.push(json!({"id": id, "type": kind, "name": name}));
    }
    Ok(bodies)
}
