//! Tags on the command line: `key=value`, or a key alone.

use serde_json::{Value, json};

/// A tag. What keys and values may hold is the service's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagArgument {
    key: String,
    value: String,
}

impl TagArgument {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            return Err("write KEY=VALUE".to_owned());
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }

    pub(crate) fn json(&self) -> Value {
        json!({"key": self.key, "value": self.value})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_keys_with_and_without_values() {
        let json = |text| TagArgument::parse(text).map(|tag| tag.json());
        assert_eq!(json("a=b=c"), Ok(json!({"key": "a", "value": "b=c"})));
        assert_eq!(json("a"), Ok(json!({"key": "a", "value": ""})));
        assert!(json("=b").is_err());
    }
}
