//! Saying what a piece of JSON is (JSON Schema 2020-12, as `OpenAPI` 3.1 has it).
//!
//! # Why
//! What is described stands beside what is written and read, key by key, in the words of this file;
//! that both agree is found out by looking at every answer of every test (API-14).
//!
//! # Invariants
//! - An object of an answer has the keys that are described, all of them, and no other.
//! - An object of a request may have more keys, and null wherever a key may be absent.

#![expect(clippy::needless_pass_by_value, reason = "a schema is made where it is passed")]

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::json::extended;

/// What a piece of JSON is.
pub(crate) type Schema = Value;

/// A key with what stands under it.
pub(crate) type Key<'a> = (&'a str, Schema);

/// Any text.
pub(crate) fn text() -> Schema {
    json!({"type": "string"})
}

/// A text of so many characters.
pub(crate) fn text_of(least: u32, most: u32) -> Schema {
    json!({"type": "string", "minLength": least, "maxLength": most})
}

/// A text that a regular expression of ECMA 262 fits.
pub(crate) fn pattern(expression: &str) -> Schema {
    json!({"type": "string", "pattern": expression})
}

/// One of these words.
pub(crate) fn one_of(words: impl Serialize) -> Schema {
    json!({"type": "string", "enum": words})
}

/// This word and no other.
pub(crate) fn word(word: &str) -> Schema {
    one_of([word])
}

/// A whole number that is not negative.
pub(crate) fn number() -> Schema {
    json!({"type": "integer", "minimum": 0})
}

/// A whole number from `least` to `most`.
pub(crate) fn number_of(least: i64, most: i64) -> Schema {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// True or false.
pub(crate) fn boolean() -> Schema {
    json!({"type": "boolean"})
}

/// Nothing, ever: a key that clients look for.
pub(crate) fn null() -> Schema {
    json!({"type": "null"})
}

/// An id with dashes.
pub(crate) fn id() -> Schema {
    json!({"type": "string", "format": "uuid"})
}

/// An id of a project, domain, user or role: without dashes.
pub(crate) fn plain_id() -> Schema {
    pattern("^[0-9a-f]{32}$")
}

/// [`crate::time::TimeForm::NaiveMicros`], which is no time of RFC 3339.
pub(crate) fn naive_time() -> Schema {
    pattern(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$")
}

/// A time of RFC 3339.
pub(crate) fn zulu_time() -> Schema {
    json!({"type": "string", "format": "date-time"})
}

/// A time as clients send it: with or without a fraction and an offset.
pub(crate) fn any_time() -> Schema {
    pattern(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$")
}

/// Something, or null.
pub(crate) fn nullable(schema: Schema) -> Schema {
    let is_plain = ["enum", "title"].iter().all(|key| schema.get(key).is_none());
    match schema.get("type").and_then(Value::as_str) {
        Some(kind) if is_plain => {
            let kinds = json!([kind, "null"]);
            extended(schema, [("type", kinds)])
        }
        _ => any_of([schema, null()]),
    }
}

/// One of several forms.
pub(crate) fn any_of<const N: usize>(forms: [Schema; N]) -> Schema {
    json!({"anyOf": forms.to_vec()})
}

/// A list of such entries.
pub(crate) fn list(entry: Schema) -> Schema {
    json!({"type": "array", "items": entry})
}

/// A list of so many entries.
pub(crate) fn list_of(entry: Schema, least: usize, most: usize) -> Schema {
    extended(list(entry), [("minItems", json!(least)), ("maxItems", json!(most))])
}

/// A list of at least one entry.
pub(crate) fn filled_list(entry: Schema) -> Schema {
    extended(list(entry), [("minItems", json!(1))])
}

/// A list without entries.
pub(crate) fn empty_list() -> Schema {
    json!({"type": "array", "maxItems": 0})
}

/// An object with keys of the client's choice.
pub(crate) fn map(value: Schema) -> Schema {
    json!({"type": "object", "additionalProperties": value})
}

/// An object of an answer with all these keys.
pub(crate) fn object<const N: usize>(keys: [Key<'_>; N]) -> Schema {
    object_with(keys, [])
}

/// An object of an answer with all these keys, and some of those.
pub(crate) fn object_with<const N: usize, const M: usize>(
    keys: [Key<'_>; N],
    optional: [Key<'_>; M],
) -> Schema {
    let required: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    let mut object = json!({"type": "object", "additionalProperties": false});
    if !required.is_empty() {
        object = extended(object, [("required", json!(required))]);
    }
    extended(object, [("properties", properties(keys.into_iter().chain(optional)))])
}

/// An object of an answer with more keys that are always there.
pub(crate) fn with_keys<const N: usize>(mut object: Schema, keys: [Key<'_>; N]) -> Schema {
    if let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
        required.extend(keys.iter().map(|(key, _)| json!(key)));
    }
    if let Some(known) = object.get_mut("properties").and_then(Value::as_object_mut) {
        known.extend(keys.map(|(key, schema)| (key.to_owned(), schema)));
    }
    object
}

/// An object of a request that needs these keys, and may have those.
pub(crate) fn request<const N: usize, const M: usize>(
    keys: [Key<'_>; N],
    optional: [Key<'_>; M],
) -> Schema {
    let required: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    let optional = optional.into_iter().map(|(key, schema)| (key, nullable(schema)));
    let object =
        json!({"type": "object", "properties": properties(keys.into_iter().chain(optional))});
    if required.is_empty() {
        return object;
    }
    extended(object, [("required", json!(required))])
}

fn properties<'a>(keys: impl Iterator<Item = Key<'a>>) -> Value {
    Value::Object(keys.map(|(key, schema)| (key.to_owned(), schema)).collect())
}

/// A schema with a name, under which descriptions have it once.
pub(crate) fn named(name: &str, schema: Schema) -> Schema {
    extended(schema, [("title", json!(name))])
}

/// Whatever has this name.
pub(crate) fn reference(name: &str) -> Schema {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Puts all schemas with names that stand in `schema` among `components`, and references in their
/// place.
///
/// # Panics
/// When two different schemas have one name.
pub(crate) fn collect(schema: Schema, components: &mut Map<String, Value>) -> Schema {
    match schema {
        Value::Array(values) => {
            values.into_iter().map(|value| collect(value, components)).collect()
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, collect(value, components)));
            let mut fields: Map<String, Value> = fields.collect();
            // A key called "title" is described by an object.
            let Some(name) = fields.get("title").and_then(Value::as_str).map(str::to_owned) else {
                return Value::Object(fields);
            };
            fields.remove("title");
            let place = reference(&name);
            let schema = Value::Object(fields);
            let known = components.entry(&name).or_insert_with(|| schema.clone());
            assert_eq!(*known, schema, "two schemas are called {name}");
            place
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_schemas_are_collected_once_wherever_they_stand() {
        let tag = || named("Tag", object([("title", text())]));
        let vault = named("Vault", object([("tags", list(tag())), ("first", nullable(tag()))]));
        let mut components = Map::new();
        assert_eq!(collect(list(vault), &mut components), list(reference("Vault")));
        assert_eq!(components["Tag"], object([("title", text())]));
        let keys = [("tags", list(reference("Tag"))), ("first", nullable(reference("Tag")))];
        assert_eq!(components["Vault"], object(keys));
    }

    #[test]
    #[should_panic(expected = "two schemas are called Tag")]
    fn one_name_is_one_schema() {
        collect(json!([named("Tag", text()), named("Tag", number())]), &mut Map::new());
    }

    #[test]
    fn null_is_allowed_beside_words_and_references() {
        assert_eq!(nullable(text()), json!({"type": ["string", "null"]}));
        for schema in [word("a"), reference("Tag"), named("Tag", text())] {
            assert_eq!(nullable(schema.clone()), json!({"anyOf": [schema, {"type": "null"}]}));
        }
    }

    #[test]
    fn request_may_have_null_where_a_key_may_be_absent() {
        let body = request([("id", id())], [("name", text())]);
        assert_eq!(body["required"], json!(["id"]));
        assert_eq!(body["properties"]["id"]["type"], "string");
        assert_eq!(body["properties"]["name"]["type"], json!(["string", "null"]));
        assert_eq!(body["additionalProperties"], Value::Null);
    }
}
