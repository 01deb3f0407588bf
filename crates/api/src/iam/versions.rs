//! The documents by which clients find the version (related-services, 1.4).

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;

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
