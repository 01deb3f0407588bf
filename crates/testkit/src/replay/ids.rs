//! Which recorded id is which real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

/// Recorded ids: those whose real ones are known, and those that nobody will ever give.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    known: BTreeMap<String, String>,
    lost: BTreeSet<String>,
    /// All text of all requests: what is in it will be needed.
    requests: Arc<str>,
}

impl Ids {
    /// From now on `real` stands for `recorded`. The first that is learned counts.
    pub(super) fn learn(&mut self, recorded: &str, real: &str) {
        if is_id(recorded) && is_id(real) {
            self.lost.remove(recorded);
            self.known.entry(recorded.to_owned()).or_insert_with(|| real.to_owned());
        }
    }

    /// These are the requests of the record.
    pub(super) fn expect(&mut self, requests: &[String]) {
        self.requests = requests.join("\n").into();
    }

    /// Whether a request needs an id that is not known and can still be given.
    pub(super) fn is_expected(&self, id: &str) -> bool {
        let is_open = !self.known.contains_key(id) && !self.lost.contains(id);
        is_open && self.requests.contains(id)
    }

    /// The real id, if it is known.
    pub(super) fn get(&self, recorded: &str) -> Option<&str> {
        self.known.get(recorded).map(String::as_str)
    }

    /// A text with real ids in place of recorded ones.
    pub(super) fn put_into(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (recorded, real)| {
            if text.contains(recorded.as_str()) { text.replace(recorded, real) } else { text }
        })
    }

    /// An answer was not given: the ids in it that are in no other are lost.
    pub(super) fn lose(&mut self, body: &Value, request: &str) {
        let mut found = Vec::new();
        collect(body, &mut found);
        for id in found {
            if !self.known.contains_key(&id) && !request.contains(&id) {
                self.lost.insert(id);
            }
        }
    }

    /// There is no such thing here.
    pub(super) fn give_up(&mut self, id: &str) {
        self.lost.insert(id.to_owned());
    }

    /// Whether nobody will ever give it.
    pub(super) fn is_lost(&self, id: &str) -> bool {
        self.lost.contains(id)
    }

    /// A lost id that a request mentions.
    pub(super) fn find_lost(&self, text: &str) -> Option<&str> {
        self.lost.iter().map(String::as_str).find(|id| text.contains(id))
    }
}

/// Whether a text is an id: a UUID, with dashes or without.
pub(super) fn is_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        32 => is_hex(text),
        36 => is_hex(&text.replace('-', "")) && text.matches('-').count() == 4,
        _ => false,
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_id(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    const OTHER: &str = "5cd85fb0-9ab2-4d28-9c76-2ae13d6e380d";

    #[test]
    fn ids_are_replaced_everywhere_and_the_first_counts() {
        let mut ids = Ids::default();
        ids.learn(OTHER, ONE);
        ids.learn(OTHER, OTHER);
        ids.learn("no id", ONE);
        assert_eq!(ids.put_into(&format!("/a/{OTHER}?b={OTHER}")), format!("/a/{ONE}?b={ONE}"));
        assert_eq!(ids.get("no id"), None);
    }

    #[test]
    fn lost_ids_are_those_that_only_the_answer_had() {
        let mut ids = Ids::default();
        ids.lose(&json!({"a": [{"id": ONE}], "b": OTHER}), OTHER);
        assert_eq!(ids.find_lost(ONE), Some(ONE));
        assert_eq!(ids.find_lost(OTHER), None);
        ids.learn(ONE, OTHER);
        assert_eq!(ids.find_lost(ONE), None);
    }
}
