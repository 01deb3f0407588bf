//! Tags of vaults.

use http::StatusCode;
use serde_json::{Value, json};
use strongroom_control::OpContext;
use strongroom_model::tag::LooseKey;
use strongroom_model::vault::VaultView;

use super::wire::tag::{self, Wanted, read_change, read_query, read_tag, tags};
use super::wire::vault::{self, WireVault};
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::Gives;
use crate::json::Object;
use crate::schema::{empty_list, id, list as list_of, named, number, object, object_with, text};

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let found = call.service().vault_tags(cx, call.id("vault_id")?).await?;
    Ok(Answer::ok(&json!({"tags": tags(found.as_slice())})))
}

pub(super) async fn set(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let vault = call.id("vault_id")?;
    let body = call.json()?;
    let tag = read_tag(&Object::inside(&body, "tag")?)?;
    call.service().vault_tag_set(cx, vault, tag).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn delete(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let key = LooseKey::new(call.parameter("key"));
    call.service().vault_tag_delete(cx, call.id("vault_id")?, &key).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn change(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let vault = call.id("vault_id")?;
    let change = read_change(&call.json()?, &call.service().settings().quota)?;
    call.service().vault_tags_change(cx, vault, change).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn list_of_project(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let found = call.service().project_tags(cx).await?;
    let tags: Vec<Value> =
        found.iter().map(|(key, values)| json!({"key": key, "values": values})).collect();
    Ok(Answer::ok(&json!({"tags": tags})))
}

pub(super) async fn find(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (wanted, query) = read_query(&call.json()?)?;
    let (limit, offset) = match wanted {
        Wanted::Rows { limit, offset } => (limit, offset),
        Wanted::Count => (1, 0),
    };
    let found = call.service().vault_find_by_tags(cx, &query, limit, offset).await?;
    if wanted == Wanted::Count {
        return Ok(Answer::ok(&json!({"total_count": found.count})));
    }
    let resources: Vec<Value> = found.vaults.iter().map(instance).collect();
    Ok(Answer::ok(&json!({"resources": resources, "total_count": found.count})))
}

/// The answer of [`find`], described.
pub(super) fn found() -> Gives {
    let instance = object([
        ("resource_id", id()),
        ("resource_name", text()),
        ("tags", list_of(tag::schema())),
        ("sys_tags", empty_list()),
        ("resource_detail", object([("vault", vault::schema())])),
    ]);
    let resources = list_of(named("TaggedVault", instance));
    Gives::Json(object_with([("total_count", number())], [("resources", resources)]))
}

/// A vault as the tag service names it. The detail is an object, not the list that the tables say
/// (contract, 4.9).
fn instance(view: &VaultView) -> Value {
    json!({
        "resource_id": view.vault.id,
        "resource_name": view.vault.name,
        "tags": tags(view.vault.tags.as_slice()),
        "sys_tags": [],
        "resource_detail": {"vault": WireVault::of(view)},
    })
}
