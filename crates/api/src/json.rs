//! Reading the JSON of requests, field by field.
//!
//! # Why
//! Each field has a rule and a code of its own, and a client that got one wrong wants to read which
//! (contract, R107). A derived reader gives up at the first wrong type with a text about positions;
//! so requests are read from a value, and every error names its path.
//!
//! # Invariants
//! - `null` is read as absent, everywhere: clients write down what they leave out.
//! - Fields that nobody asks for are ignored.

use serde_json::{Map, Value};
use strongroom_model::FieldError;

use crate::invalid::Invalid;

/// An object of an answer with more fields.
pub(crate) fn extended<const N: usize>(mut object: Value, more: [(&str, Value); N]) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
    }
    object
}

/// An object of a request, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Object<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

/// An entry of a list, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    value: &'a Value,
    field: &'static str,
    path: String,
}

impl<'a> Object<'a> {
    /// The whole body.
    pub(crate) fn root(body: &'a Value) -> Result<Self, Invalid> {
        let fields = body.as_object().ok_or_else(Invalid::json)?;
        Ok(Self { fields, path: String::new() })
    }

    /// The object that the whole body holds under `key`.
    pub(crate) fn inside(body: &'a Value, key: &'static str) -> Result<Self, Invalid> {
        let root = Self::root(body)?;
        root.require(key, root.object(key)?)
    }

    /// The field's name with the names of all that it stands in.
    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value that a field must have.
    pub(crate) fn require<T>(&self, key: &'static str, value: Option<T>) -> Result<T, Invalid> {
        value.ok_or_else(|| Invalid::missing(key, &self.path(key)))
    }

    /// An error about a field.
    pub(crate) fn invalid(&self, key: &'static str, allowed: &str) -> Invalid {
        Invalid::new(key, &self.path(key), allowed)
    }

    /// A field as it is; absent if null.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        key: &'static str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let Some(value) = self.value(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.invalid(key, kind))
    }

    /// A text.
    pub(crate) fn text(&self, key: &'static str) -> Result<Option<&'a str>, Invalid> {
        self.read(key, "a string", Value::as_str)
    }

    /// A whole number.
    pub(crate) fn integer(&self, key: &'static str) -> Result<Option<i64>, Invalid> {
        self.read(key, "an integer", Value::as_i64)
    }

    /// True or false.
    pub(crate) fn boolean(&self, key: &'static str) -> Result<Option<bool>, Invalid> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// An object.
    pub(crate) fn object(&self, key: &'static str) -> Result<Option<Self>, Invalid> {
        let fields = self.read(key, "an object", Value::as_object)?;
        Ok(fields.map(|fields| Self { fields, path: self.path(key) }))
    }

    /// A list.
    pub(crate) fn list(&self, key: &'static str) -> Result<Option<Vec<Item<'a>>>, Invalid> {
        let Some(values) = self.read(key, "a list", Value::as_array)? else { return Ok(None) };
        let path = self.path(key);
        let items = values.iter().enumerate();
        Ok(Some(
            items
                .map(|(at, value)| Item { value, field: key, path: format!("{path}[{at}]") })
                .collect(),
        ))
    }

    /// A list, or an object that stands for a list of one.
    pub(crate) fn list_or_one(&self, key: &'static str) -> Result<Option<Vec<Item<'a>>>, Invalid> {
        match self.value(key) {
            Some(value @ Value::Object(_)) => {
                Ok(Some(vec![Item { value, field: key, path: self.path(key) }]))
            }
            _ => self.list(key),
        }
    }

    /// A text with a rule.
    pub(crate) fn parse<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(text).map(Some).map_err(|error| self.invalid(key, error.allowed))
    }

    /// A text with a rule that must be there.
    pub(crate) fn parse_required<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Result<T, Invalid> {
        self.require(key, self.parse(key, parse)?)
    }

    /// An id.
    pub(crate) fn id<I: std::str::FromStr>(&self, key: &'static str) -> Result<Option<I>, Invalid> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.invalid(key, "a UUID"))
    }

    /// An id that must be there.
    pub(crate) fn id_required<I: std::str::FromStr>(
        &self,
        key: &'static str,
    ) -> Result<I, Invalid> {
        self.require(key, self.id(key)?)
    }

    /// A list of ids; empty if absent.
    pub(crate) fn ids<I: std::str::FromStr>(&self, key: &'static str) -> Result<Vec<I>, Invalid> {
        let items = self.list(key)?.unwrap_or_default();
        items.iter().map(Item::id).collect()
    }
}

impl<'a> Item<'a> {
    /// An error about the entry.
    pub(crate) fn invalid(&self, allowed: &str) -> Invalid {
        Invalid::new(self.field, &self.path, allowed)
    }

    /// The entry as an object.
    pub(crate) fn object(&self) -> Result<Object<'a>, Invalid> {
        let fields = self.value.as_object().ok_or_else(|| self.invalid("an object"))?;
        Ok(Object { fields, path: self.path.clone() })
    }

    /// The entry as a text.
    pub(crate) fn text(&self) -> Result<&'a str, Invalid> {
        self.value.as_str().ok_or_else(|| self.invalid("a string"))
    }

    /// The entry as an id.
    pub(crate) fn id<I: std::str::FromStr>(&self) -> Result<I, Invalid> {
        self.text()?.parse().map_err(|_| self.invalid("a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strongroom_model::{Name, ResourceId};

    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T, Invalid>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn every_error_names_the_path() {
        let body =
            json!({"vault": {"size": "10", "name": "a b", "on": 1, "at": {"ids": [7, "x"]}}});
        let vault = Object::inside(&body, "vault").unwrap();
        assert_eq!(message(vault.integer("size")), "vault.size must be an integer");
        assert_eq!(message(vault.boolean("on")), "vault.on must be true or false");
        assert_eq!(message(vault.list("name")), "vault.name must be a list");
        assert!(
            message(vault.parse("name", Name::parse)).starts_with("vault.name must be 1 to 64")
        );
        assert_eq!(message(vault.parse_required("no", Name::parse)), "vault.no must be present");
        let inner = vault.object("at").unwrap().unwrap();
        assert_eq!(message(inner.ids::<ResourceId>("ids")), "vault.at.ids[0] must be a string");
        let ids = inner.list("ids").unwrap().unwrap();
        assert_eq!(message(ids[1].id::<ResourceId>()), "vault.at.ids[1] must be a UUID");
        assert_eq!(message(Object::inside(&body, "other")), "other must be present");
        assert_eq!(message(Object::root(&json!([]))), "the body must be a JSON object");
    }

    #[test]
    fn null_is_absent() {
        let body = json!({"a": null});
        let root = Object::root(&body).unwrap();
        assert_eq!(root.text("a").unwrap(), None);
        assert!(root.list("a").unwrap().is_none());
        assert!(root.object("a").unwrap().is_none());
    }

    #[test]
    fn object_stands_for_a_list_of_one() {
        let body = json!({"one": {"id": 1}, "many": [{}, {}], "none": 3});
        let root = Object::root(&body).unwrap();
        assert_eq!(root.list_or_one("one").unwrap().unwrap().len(), 1);
        assert_eq!(root.list_or_one("many").unwrap().unwrap().len(), 2);
        assert_eq!(message(root.list_or_one("none")), "none must be a list");
    }
}
