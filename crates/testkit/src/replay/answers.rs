//! Comparing a recorded answer with a real one: status, keys, types, and what was echoed.

use serde_json::{Map, Value};

use super::ids::{Ids, is_id};
use crate::exchange::Answer;
use crate::trace::Exchange;

/// What a comparison found, and the ids that it learned.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) ids: Ids,
    pub(super) differences: Vec<String>,
}

/// What is no echo of a request: texts for people, what depends on the disks, on the machine they
/// are on, or on what was there before, and what the stand-in counted in its own way. Of these only
/// the type counts, and whatever is inside does not. (Versions: related-services 1.4 has more than
/// the stand-in.)
const NOT_COMPARED: [&str; 35] = [
    "allocated",
    "app_consistency",
    "architecture",
    "availability_zone",
    "backup_count",
    "backup_size",
    "catalog",
    "count",
    "detail",
    "error_msg",
    "href",
    "incremental",
    "links",
    "media-types",
    "message",
    "metadata",
    "multiattach",
    "offset",
    "password_expires_at",
    "progress",
    "pwd_status",
    "request_id",
    "resource_az",
    "roles",
    "snapshot_id",
    "spec_code",
    "support_lld",
    "task_id",
    "total_count",
    "updated",
    "url",
    "used",
    "user-agent",
    "user_id",
    "versions",
];

/// Keys that the contract leaves out or lets be null where the stand-in had a value: 3.10 (what two
/// clients want to be of different types), 3.11 (no vault).
const MAY_BE_ABSENT: [&str; 6] = [
    "/extra_info/backup/app_consistency_error_code",
    "/extra_info/backup/app_consistency_error_message",
    "/extra_info/backup/app_consistency_status",
    "/extra_info/backup/incremental",
    "/extra_info/resource/extra_info",
    "/protectable/vault",
];

/// Values that the stand-in decided otherwise than the contract: whether what is in a vault can be
/// protected (3.11), and the size of a server of which disks are left out (3.3).
const DECIDED_OTHERWISE: [(&str, &str); 3] =
    [("/protectable", "/result"), ("/protectable", "/code"), ("/resources", "/size")];

/// States of servers that run and of servers that do not: adopted ones do not.
const POWER: [&str; 2] = ["ACTIVE", "SHUTOFF"];
/// Names that servers make up begin so (R71).
const MADE_UP: &str = "manualbk_";

/// States that pass by themselves: whoever is further is right, too.
const PASSING: [&str; 9] = [
    "creating",
    "deleting",
    "protecting",
    "removing",
    "restoring",
    "running",
    "waiting",
    "waiting_protect",
    "waiting_restore",
];

/// Compares the real answer with the recorded one.
pub(super) fn compare(ids: &Ids, exchange: &Exchange, answer: &Answer) -> Comparison {
    let mut found = Comparison { ids: ids.clone(), differences: Vec::new() };
    let recorded = &exchange.response;
    if recorded.status != answer.status {
        let text = answer.text().chars().take(300).collect::<String>();
        found.differ("status", &recorded.status.to_string(), &format!("{} {text}", answer.status));
        return found;
    }
    match &recorded.body {
        // The shape of a refusal by the gateway is the contract's (6.1), not the stand-in's.
        Some(_) if recorded.status == 401 => {}
        Some(body) => found.value("", body, &answer.json()),
        None if !answer.body.is_empty() => found.differ("body", "nothing", &answer.text()),
        None => {}
    }
    found
}

impl Comparison {
    fn differ(&mut self, path: &str, recorded: &str, real: &str) {
        self.differences.push(format!("{path}: recorded {recorded}, found {real}"));
    }

    fn value(&mut self, path: &str, recorded: &Value, real: &Value) {
        match (recorded, real) {
            // What was not there may be there.
            (Value::Null, _) => {}
            (_, Value::Null) if may_be_absent(path) => {}
            _ if !is_compared(path) && is_same_kind(recorded, real) => {}
            (Value::Object(recorded), Value::Object(real)) => self.object(path, recorded, real),
            (Value::Array(recorded), Value::Array(real)) => self.list(path, recorded, real),
            (Value::String(recorded), Value::String(real)) => self.text(path, recorded, real),
            (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => {
                if recorded != real {
                    self.differ(path, &recorded.to_string(), &real.to_string());
                }
            }
            _ => self.differ(path, &recorded.to_string(), &real.to_string()),
        }
    }

    fn object(&mut self, path: &str, recorded: &Map<String, Value>, real: &Map<String, Value>) {
        for (key, recorded) in recorded {
            let path = format!("{path}/{key}");
            match real.get(key) {
                Some(real) => self.value(&path, recorded, real),
                None if may_be_absent(&path) || !is_compared(&path) => {}
                None => self.differ(&path, &recorded.to_string(), "no such key"),
            }
        }
    }

    fn text(&mut self, path: &str, recorded: &str, real: &str) {
        if is_id(recorded) && is_id(real) {
            self.ids.learn(recorded, real);
            return;
        }
        let passes = path.ends_with("status") && PASSING.contains(&recorded);
        let is_power = POWER.contains(&recorded) && POWER.contains(&real);
        let is_made_up = recorded.starts_with(MADE_UP) && real.starts_with(MADE_UP);
        let is_free = passes || is_power || is_made_up || is_time(recorded);
        if is_free || recorded.contains("$BASE") || self.ids.put_into(recorded) == real {
            return;
        }
        self.differ(path, &format!("{recorded:?}"), &format!("{real:?}"));
    }

    /// Pairs the entries of two lists and compares the pairs. A recorded entry without a partner
    /// differs, unless it is of an object that was there before the record began.
    fn list(&mut self, path: &str, recorded: &[Value], real: &[Value]) {
        let mut left: Vec<&Value> = real.iter().collect();
        for (at, entry) in recorded.iter().enumerate() {
            let path = format!("{path}/{at}");
            match self.take_partner(entry, &mut left) {
                Some(partner) => self.value(&path, entry, partner),
                None if self.is_from_before(entry) => {}
                None => self.differ(&path, &entry.to_string(), "no such entry"),
            }
        }
        let is_whole_list = path.matches('/').count() == 1;
        for entry in left.iter().filter(|_| is_whole_list) {
            self.differ(path, "no such entry", &entry.to_string());
        }
    }

    fn is_from_before(&self, entry: &Value) -> bool {
        let id = entry["id"].as_str().or(entry["resource_id"].as_str());
        let is_unknown = |id: &str| is_id(id) && self.ids.get(id).is_none();
        id.is_some_and(|id| is_unknown(id) && !self.ids.is_expected(id))
    }

    /// The real entry that is most like a recorded one. One whose id is known has one partner.
    fn take_partner<'a>(&self, entry: &Value, left: &mut Vec<&'a Value>) -> Option<&'a Value> {
        let id = entry["id"].as_str().or(entry.as_str()).unwrap_or_default();
        let known = self.ids.get(id);
        if self.ids.is_lost(id) {
            // What may not be here at all is not taken for something else.
            let name = self.ids.put_into(entry["name"].as_str()?);
            let at = left.iter().position(|real| real["name"] == name.as_str())?;
            return Some(left.remove(at));
        }
        let at = if let Some(id) = known {
            left.iter().position(|real| real["id"].as_str().or(real.as_str()) == Some(id))?
        } else {
            let likeness = left.iter().map(|real| self.likeness(entry, real));
            // The first of the best.
            let best = likeness.enumerate().rev().max_by_key(|(_, likeness)| *likeness)?;
            best.0
        };
        Some(left.remove(at))
    }

    /// How many of an entry's own fields are the same.
    fn likeness(&self, recorded: &Value, real: &Value) -> usize {
        let is_same = |recorded: &Value, real: &Value| match recorded {
            Value::String(text) => real.as_str() == Some(&self.ids.put_into(text)),
            other => other == real,
        };
        match recorded {
            Value::Object(fields) => {
                fields.iter().filter(|(key, value)| is_same(value, &real[key.as_str()])).count()
            }
            other => usize::from(is_same(other, real)),
        }
    }
}

fn may_be_absent(path: &str) -> bool {
    MAY_BE_ABSENT.iter().any(|end| path.ends_with(end))
}

/// Whether both are of one JSON type.
fn is_same_kind(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn is_compared(path: &str) -> bool {
    let is_decided = |(within, end): &(&str, &str)| path.contains(within) && path.ends_with(end);
    let is_free = path.split('/').any(|key| NOT_COMPARED.contains(&key));
    !is_free && !DECIDED_OTHERWISE.iter().any(is_decided)
}

/// Whether a text begins like a time: `2026-11-22T16:17` or with a space in the middle.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00";
    text.len() >= form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'T' => byte == b'T' || byte == b' ',
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RECORDED: &str = "5cd85fb0-9ab2-4d28-9c76-2ae13d6e380d";
    const REAL: &str = "9b3b3ad6-c704-48ec-96fd-1b2f0f58b6af";

    fn differences(recorded: &Value, real: &Value) -> Vec<String> {
        let mut found = Comparison { ids: Ids::default(), differences: Vec::new() };
        found.value("", recorded, real);
        found.differences
    }

    #[test]
    fn keys_types_and_values_count() {
        let recorded = json!({"a": {"name": "x", "size": 1, "on": true, "list": []}});
        assert!(differences(&recorded, &recorded).is_empty());
        let added = json!({"a": {"name": "x", "size": 1, "on": true, "list": [], "more": 1}});
        assert!(differences(&recorded, &added).is_empty());
        for (wrong, path) in [
            (json!({"a": {"name": "y", "size": 1, "on": true, "list": []}}), "/a/name"),
            (json!({"a": {"name": "x", "size": "1", "on": true, "list": []}}), "/a/size"),
            (json!({"a": {"name": "x", "size": 1, "on": null, "list": []}}), "/a/on"),
            (json!({"a": {"name": "x", "size": 1, "on": true, "list": null}}), "/a/list"),
            (json!({"a": {"name": "x", "size": 1, "on": true}}), "/a/list"),
        ] {
            let found = differences(&recorded, &wrong);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(path)), "{found:?}");
        }
    }

    #[test]
    fn times_ids_texts_and_passing_states_do_not_count() {
        let recorded = json!({"id": RECORDED, "at": "2026-11-22T16:17:15", "status": "protecting",
            "error_msg": "no", "used": 3, "href": "$BASE/x"});
        let real = json!({"id": REAL, "at": "2020-01-01T00:00:00.000000", "status": "available",
            "error_msg": "other", "used": 4, "href": "http://a/x"});
        assert!(differences(&recorded, &real).is_empty());
        assert_eq!(
            differences(&json!({"status": "available"}), &json!({"status": "error"})).len(),
            1
        );
    }

    #[test]
    fn entries_are_paired_by_what_they_share() {
        let recorded = json!({"disks": [{"id": RECORDED, "size": 40}, {"id": REAL, "size": 10}]});
        let one = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let other = "1a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let real = json!({"disks": [{"id": one, "size": 10}, {"id": other, "size": 40}]});
        let mut found = Comparison { ids: Ids::default(), differences: Vec::new() };
        found.value("", &recorded, &real);
        assert!(found.differences.is_empty());
        assert_eq!(found.ids.get(RECORDED), Some(other));
        assert_eq!(found.ids.get(REAL), Some(one));
    }

    #[test]
    fn lists_have_no_more_and_no_fewer_entries() {
        let entry = |name: &str| json!({"list": [{"name": name}]});
        assert_eq!(differences(&json!({"list": []}), &entry("a")).len(), 1);
        assert_eq!(differences(&entry("a"), &json!({"list": []})).len(), 1);
        let before = json!({"list": [{"id": RECORDED}]});
        assert!(differences(&before, &json!({"list": []})).is_empty());
    }
}
