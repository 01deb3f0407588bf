use serde_json::json;

use super::*;

fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Invalid(invalid) => invalid.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn change_is_strict_with_what_comes_and_lenient_with_what_goes() {
    let read = |body: Value| read_change(&body, &Quota::default());
    let tag = json!({"key": " k ", "value": "v"});
    let TagChange::Create(tags) = read(json!({"action": "create", "tags": [tag]})).unwrap() else {
        panic!()
    };
    assert_eq!(tags.as_slice()[0].key.as_str(), "k");
    let odd = json!([{"key": "a=b", "value": "<>"}, {"key": "a=b"}]);
    let delete = read(json!({"action": "delete", "tags": odd.clone()})).unwrap();
    assert!(matches!(delete, TagChange::Delete(keys) if keys.len() == 2));
    for (body, expected) in [
        (json!({"tags": []}), "action must be present"),
        (json!({"action": "create"}), "tags must be present"),
        (json!({"action": "drop", "tags": []}), "action must be create or delete"),
        (json!({"action": "delete", "tags": []}), "tags must be a list of at least one tag"),
        (
            json!({"action": "delete", "tags": [{"key": "x".repeat(128)}]}),
            "tags[0].key must be 1 to 127 characters",
        ),
        (
            json!({"action": "create", "tags": odd}),
            "tags[0].key must be 1 to 36 letters, digits, hyphens or underscores",
        ),
        (
            json!({"action": "create", "tags": [{"key": "a"}, {"key": "a"}]}),
            "tags must be a list without the same key twice",
        ),
    ] {
        assert_eq!(message(read(body.clone())), expected, "{body}");
    }
}

#[test]
fn query_reads_numbers_as_texts_and_plainly() {
    for (body, expected) in [
        (json!({"action": "filter"}), Wanted::Rows { limit: 1000, offset: 0 }),
        (
            json!({"action": "filter", "limit": "10", "offset": "2"}),
            Wanted::Rows { limit: 10, offset: 2 },
        ),
        (
            json!({"action": "filter", "limit": 10, "offset": 2}),
            Wanted::Rows { limit: 10, offset: 2 },
        ),
        (json!({"action": "count", "limit": "x"}), Wanted::Count),
    ] {
        assert_eq!(read_query(&body).unwrap().0, expected, "{body}");
    }
}

#[test]
fn query_reads_terms() {
    let (_, query) = read_query(&json!({
        "action": "filter",
        "matches": [{"key": "resource_name", "value": "web"}],
        "without_any_tag": true,
        "tags": [{"key": "a", "values": ["x", "*y"]}],
        "not_tags_any": [{"key": "b", "values": []}],
    }))
    .unwrap();
    assert_eq!(query.name, Some(Match::Contains("web".to_owned())));
    assert!(query.is_untagged);
    assert_eq!(query.tags[0].values, [Match::Is("x".to_owned()), Match::Contains("y".to_owned())]);
    assert!(query.not_tags_any[0].values.is_empty());
    let empty = json!({"action": "count", "matches": [{"key": "resource_name"}]});
    assert_eq!(read_query(&empty).unwrap().1.name, Some(Match::Is(String::new())));
}

// proves: API-8
#[test]
fn query_names_what_is_wrong() {
    let term = |term: Value| json!({"action": "count", "tags": [term]});
    for (body, expected) in [
        (json!({}), "action must be present"),
        (json!({"action": "list"}), "action must be filter or count"),
        (json!({"action": "filter", "limit": "0"}), "limit must be 1 to 1000"),
        (json!({"action": "filter", "limit": 1001}), "limit must be 1 to 1000"),
        (json!({"action": "filter", "offset": "-1"}), "offset must be a number of at least 0"),
        (json!({"action": "count", "object_type": "file"}), "object_type must be one of"),
        (json!({"action": "count", "matches": []}), "matches must be a list of one entry"),
        (
            json!({"action": "count", "matches": [{"key": "name", "value": ""}]}),
            "matches[0].key must be resource_name",
        ),
        (term(json!({})), "tags[0].key must be present"),
        (term(json!({"key": ""})), "tags[0].key must be 1 to 127 characters"),
        (term(json!({"key": "a", "values": ["*"]})), "tags[0].values must be a list of texts"),
        (
            term(json!({"key": "a", "values": ["x", "x"]})),
            "tags[0].values must be a list of at most 20 different values",
        ),
        (
            json!({"action": "count", "tags": vec![json!({"key": "a"}); 21]}),
            "tags must be a list of at most 20 entries",
        ),
    ] {
        let found = message(read_query(&body));
        assert!(found.starts_with(expected), "{body}: {found}");
    }
}
