//! Tags and the queries by them (contract, 3.5 and 4.9).

use serde::Serialize;
use serde_json::Value;
use strongroom_control::cbr::TagChange;
use strongroom_model::filter::{Match, TagQuery, TagTerm};
use strongroom_model::tag::LooseKey;
use strongroom_model::vault::{CloudType, ObjectType};
use strongroom_model::{BindRules, FieldError, Quota, Tag, Tags};

use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::json::{Item, Object};
use crate::schema::{
    Schema, any_of, boolean, filled_list, list, list_of, named, number, number_of, object,
    object_with, one_of, pattern, request, text, text_of, word,
};

/// A tag as answers show it.
#[derive(Debug, Serialize)]
pub(crate) struct WireTag<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
}

/// Tags as answers show them.
pub(crate) fn tags(tags: &[Tag]) -> Vec<WireTag<'_>> {
    tags.iter().map(|tag| WireTag { key: tag.key.as_str(), value: tag.value.as_str() }).collect()
}

/// Rules to bind by: `{}` without any.
#[derive(Debug, Serialize)]
pub(crate) struct WireBindRules<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<WireTag<'a>>,
}

impl<'a> WireBindRules<'a> {
    pub(crate) fn of(rules: &'a BindRules) -> Self {
        Self { tags: tags(rules.tags()) }
    }
}

/// [`WireTag`], described.
pub(crate) fn schema() -> Schema {
    named("Tag", object([("key", text()), ("value", text())]))
}

/// A key with all values that a project's vaults have for it.
pub(crate) fn project_schema() -> Schema {
    object([("key", text()), ("values", list(text()))])
}

/// [`WireBindRules`], described.
pub(super) fn bind_rules_schema() -> Schema {
    object_with([], [("tags", list(schema()))])
}

/// What is read of a tag; blanks around key and value do not count.
pub(super) fn new_schema() -> Schema {
    let letters = |more: &str, count: &str| {
        pattern(&format!(r"^\s*[A-Za-z0-9_{more}\u4e00-\u9fa5\uf900-\ufa2d-]{count}\s*$"))
    };
    named("NewTag", request([("key", letters("", "{1,36}"))], [("value", letters(".", "{0,43}"))]))
}

/// What [`read_bind_rules`] reads.
pub(super) fn new_bind_rules_schema() -> Schema {
    request([], [("tags", list_of(new_schema(), 0, 5))])
}

/// The body that puts a tag on a vault.
pub(crate) fn set_schema() -> Schema {
    request([("tag", new_schema())], [])
}

/// What [`read_change`] reads.
pub(crate) fn change_schema() -> Schema {
    let create = request([("action", word("create")), ("tags", list_of(new_schema(), 1, 20))], []);
    let loose = request([("key", text_of(1, 127))], [("value", text_of(0, 255))]);
    let delete = request([("action", word("delete")), ("tags", filled_list(loose))], []);
    any_of([create, delete])
}

/// What [`read_query`] reads.
pub(crate) fn query_schema() -> Schema {
    let terms = || {
        let values = list_of(text_of(0, 255), 0, MOST_TERMS);
        list_of(request([("key", text_of(1, 127))], [("values", values)]), 0, MOST_TERMS)
    };
    let digits = || pattern("^[0-9]+$");
    let name = request([("key", word("resource_name"))], [("value", text_of(0, 255))]);
    request(
        [("action", one_of(["filter", "count"]))],
        [
            ("limit", any_of([digits(), number_of(1, 1000)])),
            ("offset", any_of([digits(), number()])),
            ("matches", list_of(name, 1, 1)),
            ("cloud_type", one_of(CloudType::ALL)),
            ("object_type", one_of(ObjectType::ALL)),
            ("without_any_tag", boolean()),
            ("tags", terms()),
            ("tags_any", terms()),
            ("not_tags", terms()),
            ("not_tags_any", terms()),
        ],
    )
}

/// Reads a tag; a value that is absent is empty.
pub(crate) fn read_tag(tag: &Object<'_>) -> Result<Tag, Invalid> {
    let (key, value) = key_and_value(tag)?;
    Tag::parse(key, value).map_err(|error| Invalid::at(&tag.path(error.field), error))
}

fn key_and_value<'a>(tag: &Object<'a>) -> Result<(&'a str, Option<&'a str>), Invalid> {
    Ok((tag.require("key", tag.text("key")?)?, tag.text("value")?))
}

fn read_each<T>(
    items: &[Item<'_>],
    read: impl Fn(&Object<'_>) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    items.iter().map(|item| read(&item.object()?)).collect()
}

/// Reads the tags of a new vault; a list that is there is not empty.
pub(crate) fn read_tags(object: &Object<'_>, quota: &Quota) -> Result<Tags, Invalid> {
    let Some(items) = object.list("tags")? else { return Ok(Tags::default()) };
    let tags = read_each(&items, read_tag)?;
    Tags::parse_request(tags, quota).map_err(|error| object.invalid("tags", error.allowed))
}

/// Reads `bind_rules`; `{}` and an empty list clear them.
pub(crate) fn read_bind_rules(object: &Object<'_>) -> Result<Option<BindRules>, Invalid> {
    let Some(rules) = object.object("bind_rules")? else { return Ok(None) };
    let tags = read_each(&rules.list("tags")?.unwrap_or_default(), read_tag)?;
    BindRules::new(tags).map(Some).map_err(|error| rules.invalid("tags", error.allowed))
}

/// Reads the body of `tags/action`.
pub(crate) fn read_change(body: &Value, quota: &Quota) -> Result<TagChange, Failure> {
    let root = Object::root(body)?;
    let action = root.require("action", root.text("action")?)?;
    let items = root.require("tags", root.list("tags")?)?;
    match action {
        "create" => Ok(TagChange::Create(read_tags(&root, quota)?)),
        "delete" => {
            if items.is_empty() {
                return Err(root.invalid("tags", "a list of at least one tag").into());
            }
            let read = |tag: &Object<'_>| {
                let (key, value) = key_and_value(tag)?;
                LooseKey::parse(key, value)
                    .map_err(|error| Invalid::at(&tag.path(error.field), error))
            };
            Ok(TagChange::Delete(read_each(&items, read)?))
        }
        _ => Err(root.invalid("action", "create or delete").into()),
    }
}

/// What a query by tags answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A page of vaults.
    Rows { limit: u16, offset: u64 },
    /// How many there are.
    Count,
}

/// The most terms of one filter, and values of one term (contract, 4.9).
const MOST_TERMS: usize = 20;

/// Reads the body of `resource_instances/action`.
pub(crate) fn read_query(body: &Value) -> Result<(Wanted, TagQuery), Failure> {
    let root = Object::root(body)?;
    let wanted = match root.require("action", root.text("action")?)? {
        "filter" => Wanted::Rows {
            limit: read_limit(&root)?,
            offset: read_number(&root, "offset")?.unwrap_or(0),
        },
        "count" => Wanted::Count,
        _ => return Err(root.invalid("action", "filter or count").into()),
    };
    let query = TagQuery {
        name: read_match(&root)?,
        cloud_type: root.parse("cloud_type", CloudType::parse)?,
        object: root.parse("object_type", ObjectType::parse)?,
        is_untagged: root.boolean("without_any_tag")?.unwrap_or(false),
        tags: read_terms(&root, "tags")?,
        tags_any: read_terms(&root, "tags_any")?,
        not_tags: read_terms(&root, "not_tags")?,
        not_tags_any: read_terms(&root, "not_tags_any")?,
    };
    Ok((wanted, query))
}

fn read_limit(root: &Object<'_>) -> Result<u16, Invalid> {
    let Some(limit) = read_number(root, "limit")? else { return Ok(1000) };
    let fits = u16::try_from(limit).ok().filter(|limit| (1..=1000).contains(limit));
    fits.ok_or_else(|| root.invalid("limit", "1 to 1000"))
}

/// A number that is written as a string; a plain one is taken too.
fn read_number(root: &Object<'_>, key: &'static str) -> Result<Option<u64>, Invalid> {
    match root.value(key) {
        None => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_| root.invalid(key, "a number of at least 0"))
        }
        Some(value) => {
            value.as_u64().map(Some).ok_or_else(|| root.invalid(key, "a number of at least 0"))
        }
    }
}

/// `matches`: one entry about the name; an empty value fits an empty name alone.
fn read_match(root: &Object<'_>) -> Result<Option<Match>, Invalid> {
    let Some(items) = root.list("matches")? else { return Ok(None) };
    let allowed = "a list of one entry with the key resource_name";
    let [item] = items.as_slice() else { return Err(root.invalid("matches", allowed)) };
    let entry = item.object()?;
    if entry.text("key")? != Some("resource_name") {
        return Err(entry.invalid("key", "resource_name"));
    }
    let value = entry.text("value")?.unwrap_or_default();
    if value.chars().count() > 255 {
        return Err(entry.invalid("value", "at most 255 characters"));
    }
    Ok(Some(if value.is_empty() {
        Match::Is(String::new())
    } else {
        Match::Contains(value.to_owned())
    }))
}

fn read_terms(root: &Object<'_>, key: &'static str) -> Result<Vec<TagTerm>, Invalid> {
    let Some(items) = root.list(key)? else { return Ok(Vec::new()) };
    if items.len() > MOST_TERMS {
        return Err(root.invalid(key, "a list of at most 20 entries"));
    }
    read_each(&items, read_term)
}

fn read_term(term: &Object<'_>) -> Result<TagTerm, Invalid> {
    let key = term.require("key", term.text("key")?)?.trim();
    if !(1..=127).contains(&key.chars().count()) {
        return Err(term.invalid("key", "1 to 127 characters"));
    }
    let values = term.list("values")?.unwrap_or_default();
    let texts = values.iter().map(Item::text).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = texts.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if texts.len() > MOST_TERMS || sorted.len() < texts.len() {
        return Err(term.invalid("values", "a list of at most 20 different values"));
    }
    let values = texts.iter().map(|text| read_value(text)).collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|error| term.invalid("values", error.allowed))?;
    Ok(TagTerm { key: key.to_owned(), values })
}

/// A star in front asks for the rest anywhere in the value.
fn read_value(text: &str) -> Result<Match, FieldError> {
    let error = FieldError::new("values", "a list of texts of at most 255 characters, none just *");
    if text.chars().count() > 255 || text == "*" {
        return Err(error);
    }
    Ok(match text.strip_prefix('*') {
        Some(rest) => Match::Contains(rest.to_owned()),
        None => Match::Is(text.to_owned()),
    })
}

#[cfg(test)]
mod tests;
