//! What a request of a route has beside its path, and what its answer has: for descriptions.

use serde_json::{Value, json};
use strongroom_model::page::MOST_ROWS;

use crate::schema::{Key, Schema, id, list, number, number_of, object};

/// What a request has. Written in the tables of routes as `query([..])` or `body(..)`.
#[derive(Debug, Default)]
pub(crate) struct Takes {
    /// As `OpenAPI` has them.
    pub(crate) parameters: Vec<Value>,
    pub(crate) body: Option<Schema>,
}

/// What an answer of success has.
#[derive(Debug)]
pub(crate) enum Gives {
    /// No body.
    Nothing,
    Json(Schema),
    /// The bytes of a disk, of which a client may ask for a part.
    Disk,
}

/// What a route takes and gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) takes: fn() -> Takes,
    pub(crate) gives: fn() -> Gives,
}

/// Nothing beside the path.
pub(crate) fn nothing() -> Takes {
    Takes::default()
}

/// A body of JSON.
pub(crate) fn body(schema: Schema) -> Takes {
    Takes { body: Some(schema), ..Takes::default() }
}

/// Parameters of the query that may be left out.
pub(crate) fn query<const N: usize>(keys: [Key<'_>; N]) -> Takes {
    nothing().and_query(keys)
}

/// The parameters of a list in pages.
pub(crate) fn paged<const N: usize>(filters: [Key<'_>; N]) -> Takes {
    let most = i64::from(MOST_ROWS);
    let page = [("limit", number_of(1, most)), ("offset", number()), ("marker", id())];
    query(page).and_query(filters)
}

impl Takes {
    /// With more parameters of the query that may be left out.
    pub(crate) fn and_query<const N: usize>(mut self, keys: [Key<'_>; N]) -> Self {
        let parameter = |(name, schema)| parameter("query", name, false, &schema);
        self.parameters.extend(keys.into_iter().map(parameter));
        self
    }

    /// With a parameter that must be there; it stands in a `query` or a `header`.
    pub(crate) fn and_needed(mut self, place: &str, name: &str, schema: &Schema) -> Self {
        self.parameters.push(parameter(place, name, true, schema));
        self
    }
}

/// A parameter as `OpenAPI` has it.
pub(crate) fn parameter(place: &str, name: &str, is_needed: bool, schema: &Schema) -> Value {
    json!({"name": name, "in": place, "required": is_needed, "schema": schema})
}

/// An object with one key.
pub(crate) fn one(key: &str, schema: Schema) -> Gives {
    Gives::Json(object([(key, schema)]))
}

/// An object with a list under one key.
pub(crate) fn all(key: &str, entry: Schema) -> Gives {
    one(key, list(entry))
}

/// A page of a list as CBR has it.
pub(crate) fn page(key: &str, entry: Schema) -> Gives {
    Gives::Json(object([
        (key, list(entry)),
        ("count", number()),
        ("limit", number_of(1, i64::from(MOST_ROWS))),
        ("offset", number()),
    ]))
}
