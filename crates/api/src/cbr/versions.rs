//! The document that lists the versions (contract, 2.1 and 4.1).

use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::call::Call;
use crate::form::{Gives, all};
use crate::schema::{self, object, text};

pub(super) fn list(call: &Call) -> Answer {
    let href = format!("{}/v3", call.base());
    let version = json!({
        "id": "v3",
        "status": "CURRENT",
        "links": [{"href": href, "rel": "self"}],
    });
    Answer::json(StatusCode::MULTIPLE_CHOICES, &json!({"versions": [version]}))
}

/// The answer of [`list`], described.
pub(super) fn listed() -> Gives {
    let link = object([("href", text()), ("rel", text())]);
    all("versions", object([("id", text()), ("status", text()), ("links", schema::list(link))]))
}
