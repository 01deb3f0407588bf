//! IMS: images. Only the document by which clients find the version (related-services, 1.4), which
//! `openstack` wants before it makes a disk.

use std::future::ready;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::form::{Form, Gives, all, nothing};
use crate::route::{Access, Route};
use crate::schema::{list, object, text};
use crate::surface::Surface;

pub(crate) const ROUTES: &[Route] = &[Route {
    surface: Surface::Ims,
    method: "GET",
    path: "/",
    status: 300,
    summary: "Lists the versions.",
    access: Access::Open(|call| Box::pin(ready(Ok(versions(call))))),
    form: Form { takes: nothing, gives: listed },
}];

fn versions(call: &Call) -> Answer {
    let href = format!("{}/ims/v2/", call.base());
    let version = |id: &str, status: &str| -> Value {
        json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]})
    };
    let versions = [version("v2.2", "CURRENT"), version("v2.0", "SUPPORTED")];
    Answer::json(StatusCode::MULTIPLE_CHOICES, &json!({"versions": versions}))
}

/// The answer of [`versions`], described.
fn listed() -> Gives {
    let link = object([("href", text()), ("rel", text())]);
    all("versions", object([("id", text()), ("status", text()), ("links", list(link))]))
}
