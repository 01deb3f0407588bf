//! Descriptions of the APIs, from the table that answers requests (`OpenAPI` 3.0).
//!
//! # Why
//! Tests call every operation of the descriptions as nobody, as another project and as a user
//! without rights; an operation that is not described would escape them. So nothing is written by
//! hand: what is served is what is described.
//!
//! # Not here
//! The fields of bodies: the wire types and the contract have them.

use serde_json::{Map, Value, json};

use crate::json::extended;
use crate::route::Route;
use crate::surface::Surface;
use crate::table;

/// The names of the descriptions: `openapi/<name>.json`.
pub const DOCUMENTS: [&str; 5] = ["cbr", "iam", "evs", "ecs", "strongroom"];

/// One description.
pub fn document(name: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in table::routes().filter(|route| route.surface.document() == name) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(operations) = path.as_object_mut() {
            operations.insert(route.method.to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": format!("Strongroom: {name}"), "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "signature": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
            "schemas": {"Error": error_schema(name)},
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
    let parameters: Vec<Value> = route.parameters().map(parameter).collect();
    if !parameters.is_empty() {
        described = extended(described, [("parameters", json!(parameters))]);
    }
    if matches!(route.method, "POST" | "PUT") && !route.path.ends_with("/cancel") {
        let body = json!({
            "required": true,
            "content": {"application/json": {"schema": {"type": "object"}}},
        });
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

fn parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

/// The status of success, and those of the errors that any request can meet.
fn responses(route: &Route) -> Value {
    let body = |schema: Value| json!({"application/json": {"schema": schema}});
    let error = || body(json!({"$ref": "#/components/schemas/Error"}));
    let mut responses = Map::new();
    let mut success = json!({"description": "Done, or begun."});
    if route.status != 204 {
        success = extended(success, [("content", body(json!({"type": "object"})))]);
    }
    responses.insert(route.status.to_string(), success);
    for (status, description, is_possible) in [
        ("400", "A rule refuses the request.", true),
        ("401", "The caller did not show who it is.", !route.is_open()),
        ("403", "The caller may not do this.", !route.is_open()),
        ("404", "There is no such thing.", route.parameters().next().is_some()),
        ("500", "The service failed.", true),
        ("503", "The service cannot do this now.", true),
    ] {
        if is_possible {
            let response = json!({"description": description, "content": error()});
            responses.insert(status.to_owned(), response);
        }
    }
    Value::Object(responses)
}

/// What the errors of a service have in common.
fn error_schema(name: &str) -> Value {
    let has_two_shapes = [Surface::Cbr, Surface::Strongroom].iter().any(|s| s.document() == name);
    if has_two_shapes {
        let text = json!({"type": "string"});
        return json!({
            "type": "object",
            "properties": {"error_code": text, "error_msg": text, "unauthorized": {"type": "object"}},
        });
    }
    json!({"type": "object"})
}
