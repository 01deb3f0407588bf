//! The documents by which clients find the version (related-services, 1.4).

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::schema::{self, Schema, named, object, text, zulu_time};

pub(super) async fn list(call: &Call) -> Result<Answer, Failure> {
    let body = json!({"versions": {"values": [version(call)]}});
    Ok(Answer::json(StatusCode::MULTIPLE_CHOICES, &body))
}

pub(super) async fn get(call: &Call) -> Result<Answer, Failure> {
    Ok(Answer::ok(&json!({"version": version(call)})))
}

fn version(call: &Call) -> Value {
    json!({
        "id": "v3.6",
        "status": "stable",
        "updated": "2013-03-06T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/iam/v3/", call.base())}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

/// [`version`], described.
pub(super) fn schema() -> Schema {
    let link = object([("rel", text()), ("href", text())]);
    let media_type = object([("base", text()), ("type", text())]);
    named(
        "Version",
        object([
            ("id", text()),
            ("status", text()),
            ("updated", zulu_time()),
            ("links", schema::list(link)),
            ("media-types", schema::list(media_type)),
        ]),
    )
}

/// What [`list`] has under its key, described.
pub(super) fn values_schema() -> Schema {
    object([("values", schema::list(self::schema()))])
}
