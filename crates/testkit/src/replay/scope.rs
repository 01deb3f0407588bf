//! What a recorded request needs that is not served yet, and what it would have changed.
//!
//! Rows of these tables go when the service grows; the counts in `golden/replay.txt` grow then.

use serde_json::Value;

use super::ground::SECOND;
use super::ids::Ids;
use super::mentioned;
use crate::trace::{Exchange, QueryValue, Request};

/// Kinds of vaults that are served.
const VAULTS: [&str; 2] = ["server", "disk"];
/// Kinds of resources that are served.
const RESOURCES: [&str; 2] = ["OS::Nova::Server", "OS::Cinder::Volume"];
/// Ends of the paths of requests that are not served yet, and the keys whose values they change.
const CHANGES: [(&str, &[&str]); 3] = [
    ("/vaults/batch-update", &["threshold", "smn_notify"]),
    ("/migrateresources", &["resources", "remove_resource_ids"]),
    ("/order", &["size"]),
];

/// Why a request is left out, if it is.
pub(super) fn needs(request: &Request, ids: &Ids) -> Option<String> {
    if let Some(lost) = ids.find_lost(&mentioned(request)) {
        return Some(format!("needs {lost}, which nobody gave"));
    }
    let body = request.body.as_ref().unwrap_or(&Value::Null);
    if let Some(kind) = body.pointer("/vault/billing/object_type").and_then(Value::as_str)
        && !VAULTS.contains(&kind)
    {
        return Some(format!("needs vaults of {kind}"));
    }
    let resources = body.pointer("/vault/resources").or(body.get("resources"));
    for resource in resources.and_then(Value::as_array).into_iter().flatten() {
        if let Some(kind) = resource["type"].as_str().filter(|kind| !RESOURCES.contains(kind)) {
            return Some(format!("needs resources of {kind}"));
        }
    }
    is_of_a_share(request).then(|| "needs sharing".to_owned())
}

/// Whether the second project asks for what the first one shared with it.
fn is_of_a_share(request: &Request) -> bool {
    let is_second = SECOND.iter().any(|project| request.path.contains(project));
    let owner = request.query.get("own_type");
    let is_shared = matches!(owner, Some(QueryValue::One(own)) if own != "private");
    let is_thing = request.path.contains("/backups/") || request.path.contains("/volumes/");
    is_second && (is_thing || is_shared)
}

/// The keys whose values a request would have changed that is left out.
pub(super) fn changed_by(request: &Request) -> impl Iterator<Item = &'static str> {
    let found = CHANGES.iter().filter(|(end, _)| request.path.ends_with(end));
    found.flat_map(|(_, keys)| keys.iter().copied())
}

/// A request without what cannot be had here, if it has any of that: the rest of the flow needs its
/// answer.
pub(super) fn freed(exchange: &Exchange, ids: &Ids) -> Option<Exchange> {
    let mut freed = exchange.clone();
    let is_freed = drop_policy(&mut freed.request, ids).is_some();
    (drop_increments(&mut freed.request) || is_freed).then_some(freed)
}

/// A vault is made without the policy that nobody could make.
fn drop_policy(request: &mut Request, ids: &Ids) -> Option<()> {
    let body = request.body.as_mut()?;
    let vault = body.get_mut("vault")?.as_object_mut()?;
    if !ids.is_lost(vault.get("backup_policy_id")?.as_str()?) {
        return None;
    }
    vault.remove("backup_policy_id");
    request.raw_body = request.raw_body.take().map(|_| body.to_string());
    Some(())
}

/// Lists are asked for all backups: the stand-in calls increments what was asked for so, and the
/// first one is a full one here (R63).
fn drop_increments(request: &mut Request) -> bool {
    let is_other = |pair: &&str| !pair.starts_with("incremental=");
    let rest: Vec<&str> = request.raw_query.split('&').filter(is_other).collect();
    request.raw_query = rest.join("&");
    request.query.remove("incremental").is_some()
}
