//! Descriptions of the APIs, from the table that answers requests (`OpenAPI` 3.1, whose schemas are
//! those of JSON Schema 2020-12).
//!
//! # Why
//! Tests call every operation of the descriptions as nobody, as another project and as a user
//! without rights; an operation that is not described would escape them. So nothing is written by
//! hand: what is served is what is described. What bodies look like is described beside the code that
//! writes and reads them (`schema.rs`).
//!
//! # Not here
//! The answers to paths and methods that are not served: 404 and 405 in the service's words.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::form::{Gives, Takes, parameter};
use crate::health;
use crate::json::extended;
use crate::route::Route;
use crate::schema::{Schema, collect, id, plain_id, text};
use crate::table;

/// The names of the descriptions: `openapi/<name>.json`.
pub const DOCUMENTS: [&str; 6] = ["cbr", "iam", "evs", "ecs", "ims", "strongroom"];

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// One description.
///
/// # Panics
/// When two different schemas have one name.
pub fn document(name: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas: Map<String, Value> = Map::new();
    for route in table::routes().filter(|route| route.surface.document() == name) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(operations) = path.as_object_mut() {
            let operation = collect(operation(route), &mut schemas);
            operations.insert(route.method.to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": format!("Strongroom: {name}"), "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "signature": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut described = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": responses(route),
        "security": if route.is_open() { json!([]) } else { json!([{"token": []}, {"signature": []}]) },
    });
    let Takes { parameters, body } = (route.form.takes)();
    let parameters: Vec<Value> = route.parameters().map(path_parameter).chain(parameters).collect();
    if !parameters.is_empty() {
        described = extended(described, [("parameters", json!(parameters))]);
    }
    if let Some(body) = body {
        let body = json!({"required": true, "content": {JSON: {"schema": body}}});
        described = extended(described, [("requestBody", body)]);
    }
    if let Some(action) = route.action() {
        described = extended(described, [("x-action", json!(action))]);
    }
    described
}

/// Method and path as one word: unique, and the same as long as the path is.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.', '-']).filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once(route.method).chain(words).collect();
    words.join("_").to_lowercase()
}

/// A parameter of the path: an id, but for a tag's key, a type of resource, and what identity calls
/// an id, which has no dashes.
fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "project_id" | "id" => plain_id(),
        name if name.ends_with("_id") => id(),
        _ => text(),
    };
    parameter("path", name, true, &schema)
}

/// The status of success, and those of the errors that a request can meet.
fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let mut put = |status: u16, description: &str, content: Option<(&str, Schema)>| {
        let mut response = json!({"description": description});
        if let Some((kind, schema)) = content {
            let content = json!({kind: {"schema": schema}});
            response = extended(response, [("content", content)]);
        }
        responses.insert(status.to_string(), response);
    };
    let bytes = || Some((BYTES, json!({"type": "string", "format": "binary"})));
    let gives = (route.form.gives)();
    let is_download = matches!(gives, Gives::Disk);
    if is_download {
        put(206, "A part of it.", bytes());
    }
    let content = match gives {
        Gives::Nothing => None,
        Gives::Json(schema) => Some((JSON, schema)),
        Gives::Disk => bytes(),
    };
    put(route.status, "Done, or begun.", content);
    for (status, description) in errors(route, is_download) {
        put(status.as_u16(), description, Some((JSON, error_schema(route, status))));
    }
    Value::Object(responses)
}

fn errors(route: &Route, is_download: bool) -> impl Iterator<Item = (StatusCode, &'static str)> {
    let is_write = route.method != "GET";
    // Whoever asks for a token shows a password.
    let is_known = !route.is_open() || is_write;
    [
        (StatusCode::BAD_REQUEST, "A rule refuses the request.", true),
        (StatusCode::UNAUTHORIZED, "The caller did not show who it is.", is_known),
        (StatusCode::FORBIDDEN, "The caller may not do this.", is_known),
        (StatusCode::NOT_FOUND, "There is no such thing.", is_known),
        (StatusCode::REQUEST_TIMEOUT, "The body did not come in time.", true),
        (StatusCode::CONFLICT, "Another request was faster.", is_write),
        (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.", true),
        (StatusCode::RANGE_NOT_SATISFIABLE, "There is no such part.", is_download),
        (StatusCode::INTERNAL_SERVER_ERROR, "The service failed.", true),
        (StatusCode::SERVICE_UNAVAILABLE, "The service cannot do this now.", true),
    ]
    .into_iter()
    .filter_map(|(status, description, is_possible)| is_possible.then_some((status, description)))
}

fn error_schema(route: &Route, status: StatusCode) -> Schema {
    if route.path == health::READYZ && status == StatusCode::SERVICE_UNAVAILABLE {
        return health::unavailable_schema();
    }
    route.surface.dialect(status).schema(status)
}
