//! The outer objects of answers: one thing under its name, or a list with its count.
//!
//! # Why
//! They write what is in them straight into the answer. A list of a thousand made as a
//! `serde_json::Value` first would allocate each key of each row.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use strongroom_model::page::Page;

use crate::query::limit_and_offset;

/// `{"vault": {..}}`.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) &'static str, pub(crate) T);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry(self.0, &self.1)?;
        object.end()
    }
}

/// `{"vaults": [..], "count": 1, "limit": 1000, "offset": 0}`.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    name: &'static str,
    rows: Vec<T>,
    count: u64,
    limit: u16,
    offset: u64,
}

impl<T> Listed<T> {
    /// The rows of a page, of `count` in all.
    pub(crate) fn new<I>(name: &'static str, rows: Vec<T>, count: u64, page: &Page<I>) -> Self {
        let (limit, offset) = limit_and_offset(page);
        Self { name, rows, count, limit, offset }
    }
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(4))?;
        object.serialize_entry(self.name, &self.rows)?;
        object.serialize_entry("count", &self.count)?;
        object.serialize_entry("limit", &self.limit)?;
        object.serialize_entry("offset", &self.offset)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_what_they_name() {
        let named = serde_json::to_value(Named("vault", [1])).unwrap();
        assert_eq!(named, json!({"vault": [1]}));
        let page = Page::<strongroom_model::VaultId>::new(Some(10), Some(3), None).unwrap();
        let listed = serde_json::to_value(Listed::new("vaults", vec![1, 2], 5, &page)).unwrap();
        assert_eq!(listed, json!({"vaults": [1, 2], "count": 5, "limit": 10, "offset": 3}));
    }
}
