//! Reading answers of the service. What is absent or of another type reads as nothing: tables show
//! less then, and JSON shows all that came.

use serde_json::Value;
use strongroom_base::ByteCount;

/// The text at `pointer`; empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at `pointer`; zero if there is none.
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// The elements of the list at `pointer`.
pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A text for a table, which has no empty places.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// A time of the service (`2021-02-09T12:03:42.554535`, UTC) to the minute.
pub(crate) fn date(value: &Value, pointer: &str) -> String {
    or_dash(&text(value, pointer).replace('T', " ").chars().take(16).collect::<String>())
}

/// A size that the service gives in GB, which are GiB.
pub(crate) fn gib(value: &Value, pointer: &str) -> String {
    ByteCount(number(value, pointer).saturating_mul(1 << 30)).to_string()
}

/// A size that the service gives in MB, which are MiB.
pub(crate) fn mib(value: &Value, pointer: &str) -> String {
    ByteCount(number(value, pointer).saturating_mul(1 << 20)).to_string()
}

/// As much of an id as a table has room for. Commands take it for the whole one.
pub(crate) fn short_id(value: &Value) -> String {
    text(value, "/id").chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_or_absent() {
        let value = json!({"a": {"b": "x", "n": 2}, "l": [1, 2], "t": "2021-02-09T12:03:42.55"});
        assert_eq!((text(&value, "/a/b"), text(&value, "/a/n"), text(&value, "/c")), ("x", "", ""));
        assert_eq!((number(&value, "/a/n"), number(&value, "/a/b")), (2, 0));
        assert_eq!((items(&value, "/l").count(), items(&value, "/a").count()), (2, 0));
        assert_eq!(
            (date(&value, "/t"), date(&value, "/u")),
            ("2021-02-09 12:03".into(), "-".into())
        );
        assert_eq!(
            (gib(&value, "/a/n"), mib(&value, "/a/n")),
            ("2.00 GiB".into(), "2.00 MiB".into())
        );
    }
}
