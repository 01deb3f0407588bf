//! Where the services are.

use serde_json::json;
use strongroom_control::Caller;

use super::tokens::catalog_of;
use super::wire::directory::link_schema;
use super::wire::{catalog as wire, directory};
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::schema::{Schema, named, null, object, text};

pub(super) async fn get(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let link = format!("{}/iam/v3/auth/catalog", call.base());
    Ok(Answer::ok(&json!({
        "catalog": catalog_of(call, caller),
        "links": {"self": link, "next": null, "previous": null},
    })))
}

pub(super) async fn endpoints(call: &Call, _: &Caller) -> Result<Answer, Failure> {
    let found = wire::endpoints(call.service().settings(), call.query.text("interface"));
    Ok(Answer::ok(&directory::list("endpoints", &found, call.base(), "endpoints")))
}

pub(super) async fn services(call: &Call, _: &Caller) -> Result<Answer, Failure> {
    let found = wire::services(call.service().settings());
    Ok(Answer::ok(&directory::list("services", &found, call.base(), "services")))
}

pub(super) async fn regions(call: &Call, _: &Caller) -> Result<Answer, Failure> {
    let region = &call.service().settings().region;
    let link = format!("{}/iam/v3/regions/{region}", call.base());
    let found = json!({
        "id": region,
        "type": "public",
        "description": "",
        "parent_region_id": null,
        "locales": {"en-us": region},
        "links": {"self": link},
    });
    Ok(Answer::ok(&directory::list("regions", &[found], call.base(), "regions")))
}

/// A region, described.
pub(super) fn region_schema() -> Schema {
    let region = object([
        ("id", text()),
        ("type", text()),
        ("description", text()),
        ("parent_region_id", null()),
        ("locales", object([("en-us", text())])),
        ("links", link_schema()),
    ]);
    named("Region", region)
}
