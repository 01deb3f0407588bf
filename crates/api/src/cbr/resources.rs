//! Resources of a vault: putting in, taking out.

use serde_json::json;
use strongroom_control::OpContext;
use strongroom_model::ResourceId;

use super::wire::resource::read_resources;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::json::Object;

const NOT_EMPTY: &str = "a list of 1 to 256 entries";

pub(super) async fn add(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let vault = call.id("vault_id")?;
    let body = call.json()?;
    let root = Object::root(&body)?;
    let items = root.require("resources", root.list("resources")?)?;
    if items.is_empty() {
        return Err(root.invalid("resources", NOT_EMPTY).into());
    }
    let resources = read_resources(&items)?;
    let ids = call.service().vault_add_resources(cx, vault, resources).await?;
    Ok(Answer::ok(&json!({"add_resource_ids": ids})))
}

pub(super) async fn remove(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let vault = call.id("vault_id")?;
    let body = call.json()?;
    let root = Object::root(&body)?;
    let ids: Vec<ResourceId> = root.ids("resource_ids")?;
    if ids.is_empty() || ids.len() > 256 {
        return Err(root.invalid("resource_ids", NOT_EMPTY).into());
    }
    let ids = call.service().vault_remove_resources(cx, vault, ids).await?;
    Ok(Answer::ok(&json!({"remove_resource_ids": ids})))
}
