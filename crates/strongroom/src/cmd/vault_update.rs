//! `strongroom vault update`: changes a vault.

use anyhow::Result;
use clap::{ArgAction, Args};
use serde_json::{Value, json};

use super::vault_show;
use crate::client::{Area, Noun, Request, text};
use crate::failure::Failure;
use crate::json_object::{given, object};
use crate::service_context::ServiceContext;
use crate::tag_argument::TagArgument;

const EXAMPLES: &str = "\
Examples:
  strongroom vault update web --size 200
  strongroom vault update web --name web-old --auto-expand true
  strongroom vault update web --tag team=db --untag owner

--lock cannot be undone: backups that a policy made cannot be deleted before they expire.";

/// Changes a vault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Update {
    /// The vault: a name, an id or the beginning of one
    vault: String,
    /// Its new name
    #[arg(long)]
    name: Option<String>,
    /// How much its backups may take, in GB
    #[arg(long, value_name = "GB")]
    size: Option<u64>,
    /// Whether it grows when it is full
    #[arg(long, action = ArgAction::Set, value_name = "BOOL")]
    auto_expand: Option<bool>,
    /// At which percentage of its size a notice is sent
    #[arg(long, value_name = "PERCENT")]
    threshold: Option<u64>,
    /// Lock it for ever
    #[arg(long)]
    lock: bool,
    /// A tag to set
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = TagArgument::parse)]
    tags: Vec<TagArgument>,
    /// A tag to take away
    #[arg(long = "untag", value_name = "KEY")]
    untags: Vec<String>,
}

impl Update {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let changes = self.changes();
        let is_changed = changes != json!({});
        if !is_changed && self.tags.is_empty() && self.untags.is_empty() {
            let failure = Failure::usage("nothing was given to change");
            return Err(failure.hint("`strongroom vault update --help` shows what can").into());
        }
        let vault = cx.find(Noun::VAULT, &self.vault).await?;
        let id = text(&vault, "/id");
        if is_changed {
            let request = Request::put(Area::Cbr, &["vaults", id]);
            cx.session.send(&request.body(json!({ "vault": changes }))).await?;
        }
        let untags = self.untags.iter().map(|key| json!({ "key": key })).collect();
        change_tags(cx, id, "delete", untags).await?;
        let tags = self.tags.iter().map(TagArgument::json).collect();
        change_tags(cx, id, "create", tags).await?;
        let answer = cx.session.send(&Noun::VAULT.get(id)).await?;
        let vault = answer.get(Noun::VAULT.one).unwrap_or(&Value::Null);
        cx.printer.print(&answer, |_| vault_show::describe(vault))
    }

    /// What the body has: absent is unchanged (cbr-v3, 4.2).
    fn changes(&self) -> Value {
        object([
            ("name", given(self.name.as_ref())),
            ("billing", self.size.map(|size| json!({ "size": size }))),
            ("auto_expand", self.auto_expand.map(Value::from)),
            ("threshold", self.threshold.map(Value::from)),
            ("locked", self.lock.then_some(Value::Bool(true))),
        ])
    }
}

/// Changes tags (cbr-v3, 4.9); `path` there is `vault`, not `vaults`.
async fn change_tags(cx: &ServiceContext, id: &str, action: &str, tags: Vec<Value>) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let request = Request::post(Area::Cbr, &["vault", id, "tags", "action"]);
    cx.session.send(&request.body(json!({"action": action, "tags": tags}))).await?;
    Ok(())
}
