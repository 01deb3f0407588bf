use proptest::prelude::*;

use super::*;

fn tag(key: &str, value: &str) -> Tag {
    Tag::parse(key, Some(value)).unwrap()
}

fn tags(keys: &[&str]) -> Tags {
    Tags::new(keys.iter().map(|key| tag(key, "")).collect()).unwrap()
}

#[test]
fn key_is_trimmed_and_checked() {
    let check = |text: &str, key: Option<&str>| {
        let parsed = TagKey::parse(text).ok();
        assert_eq!(parsed.as_ref().map(TagKey::as_str), key, "{text:?}");
    };
    check(" a-B_9 ", Some("a-B_9"));
    check("标签", Some("标签"));
    check(&"k".repeat(36), Some(&"k".repeat(36)));
    check(&"k".repeat(37), None);
    check("  ", None);
    check("a.b", None);
    for forbidden in ["=", "*", "<", ">", "\\", ",", "|", "/", "\t"] {
        check(&format!("a{forbidden}b"), None);
    }
}

#[test]
fn value_may_be_empty_absent_and_dotted() {
    let check = |text: Option<&str>, value: Option<&str>| {
        let parsed = Tag::parse("k", text).ok();
        assert_eq!(parsed.as_ref().map(|tag| tag.value.as_str()), value, "{text:?}");
    };
    check(None, Some(""));
    check(Some("  "), Some(""));
    check(Some(" v1.2 "), Some("v1.2"));
    check(Some(&"v".repeat(43)), Some(&"v".repeat(43)));
    check(Some(&"v".repeat(44)), None);
    check(Some("a b"), None);
}

#[test]
fn request_to_add_is_neither_empty_nor_too_long_nor_twofold() {
    let quota = Quota { tags: 2, ..Quota::default() };
    let check = |keys: &[&str], ok: bool| {
        let list = keys.iter().map(|key| tag(key, "")).collect();
        assert_eq!(Tags::parse_request(list, &quota).is_ok(), ok, "{keys:?}");
    };
    check(&["a", "b"], true);
    check(&[], false);
    check(&["a", " a "], false);
    check(&["a", "b", "c"], false);
}

#[test]
fn add_overwrites_in_place_and_keeps_to_the_limit() {
    let quota = Quota { tags: 3, ..Quota::default() };
    let more = Tags::new(vec![tag("a", "new"), tag("c", "")]).unwrap();
    let all = tags(&["a", "b"]).add(&more, &quota).unwrap();
    assert_eq!(all.as_slice(), [tag("a", "new"), tag("b", ""), tag("c", "")]);
    assert_eq!(all.add(&tags(&["d"]), &quota), Err(Refusal::TooManyTags));
    assert_eq!(all.add(&tags(&["a", "b", "c"]), &quota), Ok(tags(&["a", "b", "c"])));
}

#[test]
fn remove_of_one_needs_it_and_of_many_does_not() {
    let all = tags(&["a", "b"]);
    assert_eq!(all.remove(&LooseKey::new(" a ")), Ok(tags(&["b"])));
    assert_eq!(all.remove(&LooseKey::new("*")), Err(Refusal::TagAbsent));
    let keys = [LooseKey::new("a"), LooseKey::new("a"), LooseKey::new("z")];
    assert_eq!(all.remove_all(&keys), tags(&["b"]));
}

#[test]
fn loose_key_is_checked_for_its_length_alone() {
    let check = |key: &str, value: Option<&str>, ok: bool| {
        assert_eq!(LooseKey::parse(key, value).is_ok(), ok);
    };
    check("<*>", None, true);
    check(&"k".repeat(127), Some(&"v".repeat(255)), true);
    check(&"k".repeat(128), None, false);
    check("k", Some(&"v".repeat(256)), false);
    check("", None, false);
}

#[test]
fn stored_tags_with_a_key_twice_are_refused() {
    let check = |text: &str, ok: bool| {
        assert_eq!(serde_json::from_str::<Tags>(text).is_ok(), ok, "{text}");
    };
    check(r#"[{"key":"a","value":""},{"key":"b","value":""}]"#, true);
    check(r#"[{"key":"a","value":""},{"key":"a","value":"x"}]"#, false);
    check(r#"[{"key":"a/b","value":""}]"#, false);
}

proptest! {
    #[test]
    fn key_that_is_read_reads_the_same_again(text in ".{0,40}") {
        if let Ok(key) = TagKey::parse(&text) {
            prop_assert_eq!(TagKey::parse(key.as_str()), Ok(key));
        }
    }

    #[test]
    fn what_was_added_can_be_removed(
        old in prop::collection::btree_set("[a-e]", 0..5),
        new in prop::collection::btree_set("[d-h]", 0..5),
    ) {
        let set = |keys: &std::collections::BTreeSet<String>| {
            Tags::new(keys.iter().map(|key| tag(key, "")).collect()).unwrap()
        };
        let all = set(&old).add(&set(&new), &Quota::default()).unwrap();
        prop_assert_eq!(all.as_slice().len(), old.union(&new).count());
        let keys: Vec<LooseKey> = new.iter().map(|key| LooseKey::new(key)).collect();
        let rest: Vec<String> = old.difference(&new).cloned().collect();
        let left: Vec<String> = all.remove_all(&keys).0.iter().map(|tag| tag.key.to_string()).collect();
        prop_assert_eq!(left, rest);
    }
}
