//! JSON objects for requests: what is not given is left out.

use serde_json::Value;

/// An object of the fields that have a value.
pub(crate) fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect())
}

/// A text, if there is one.
pub(crate) fn given(text: Option<&String>) -> Option<Value> {
    text.cloned().map(Value::String)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn object_leaves_out_what_is_not_given() {
        let name = "n".to_owned();
        let fields = [("a", Some(json!(1))), ("b", None), ("c", given(Some(&name)))];
        assert_eq!(object(fields), json!({"a": 1, "c": "n"}));
    }
}
