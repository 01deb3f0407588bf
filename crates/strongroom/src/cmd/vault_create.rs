//! `strongroom vault create`: makes a vault.

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{vault_add_resource, vault_show};
use crate::client::{Area, Noun, Request};
use crate::json_object::{given, object};
use crate::service_context::ServiceContext;
use crate::tag_argument::TagArgument;

const EXAMPLES: &str = "\
Examples:
  strongroom vault create web --type server --size 500 --resource web-1 --resource web-2
  strongroom vault create data --type disk --size 100 --tag team=db --auto-expand

--lock cannot be undone: backups that a policy made cannot be deleted before they expire.";

/// Makes a vault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Create {
    /// Its name: 1 to 64 letters, digits, - and _
    name: String,
    /// What it protects
    #[arg(long = "type", value_enum)]
    object: ObjectType,
    /// How much its backups may take, in GB
    #[arg(long, value_name = "GB")]
    size: u64,
    /// A tag
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = TagArgument::parse)]
    tags: Vec<TagArgument>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Grow it when it is full
    #[arg(long)]
    auto_expand: bool,
    /// Lock it for ever
    #[arg(long)]
    lock: bool,
    /// A disk or server to protect: an id or a name
    #[arg(long = "resource", value_name = "ID")]
    resources: Vec<String>,
}

/// What a vault protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ObjectType {
    Disk,
    Server,
}

impl ObjectType {
    /// The service's word (cbr-v3, 5.1).
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Server => "server",
        }
    }
}

impl Create {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let object = self.object.word();
        let resources = vault_add_resource::bodies(cx, object, &self.resources).await?;
        let request = Request::post(Area::Cbr, &["vaults"]).body(self.body(&resources));
        let answer = cx.session.send(&request).await?;
        let vault = answer.get(Noun::VAULT.one).unwrap_or(&Value::Null);
        cx.printer.print(&answer, |_| vault_show::describe(vault))
    }

    /// The body (cbr-v3, 4.2).
    fn body(&self, resources: &[Value]) -> Value {
        let billing = json!({
            "object_type": self.object.word(),
            "protect_type": "backup",
            "consistent_level": "crash_consistent",
            "cloud_type": "public",
            "charging_mode": "post_paid",
            "size": self.size,
        });
        let tags: Vec<_> = self.tags.iter().map(TagArgument::json).collect();
        let vault = object([
            ("name", Some(json!(self.name))),
            ("billing", Some(billing)),
            ("resources", Some(json!(resources))),
            ("auto_expand", Some(json!(self.auto_expand))),
            ("locked", Some(json!(self.lock))),
            ("description", given(self.description.as_ref())),
            // An empty list of tags is refused.
            ("tags", (!tags.is_empty()).then(|| json!(tags))),
        ]);
        json!({ "vault": vault })
    }
}
