//! Finding what a command names: by id, by name, or by the beginning of an id.

use anyhow::Result;
use serde_json::Value;

use super::request::{Area, Request};
use super::session::Session;
use super::wire_value::{items, text};
use crate::failure::{Failure, Kind};

/// Fewer letters would rather be a name.
const SHORTEST_BEGINNING: usize = 4;

/// A kind of things that the service lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    area: Area,
    path: &'static [&'static str],
    /// The key of one, in answers.
    pub(crate) one: &'static str,
    /// The key of a list, in answers.
    pub(crate) many: &'static str,
    /// The most that a page has.
    page: usize,
    /// The parameter that filters by name, if there is one.
    by_name: Option<&'static str>,
    /// How to see what there is.
    hint: &'static str,
}

impl Noun {
    pub(crate) const VAULT: Self = Self {
        name: "vault",
        area: Area::Cbr,
        path: &["vaults"],
        one: "vault",
        many: "vaults",
        page: 1000,
        by_name: Some("name"),
        hint: "`strongroom vault list` shows the vaults",
    };
    pub(crate) const BACKUP: Self = Self {
        name: "backup",
        area: Area::Cbr,
        path: &["backups"],
        one: "backup",
        many: "backups",
        page: 1000,
        by_name: Some("name"),
        hint: "`strongroom backup list` shows the backups",
    };
    pub(crate) const TASK: Self = Self {
        name: "task",
        area: Area::Cbr,
        path: &["operation-logs"],
        one: "operation_log",
        many: "operation_logs",
        page: 1000,
        by_name: None,
        hint: "`strongroom task list` shows the tasks",
    };
    /// What was made known by `resource add`.
    pub(crate) const RESOURCE: Self = Self {
        name: "resource",
        area: Area::Extension,
        path: &["resources"],
        one: "resource",
        many: "resources",
        page: 1000,
        by_name: None,
        hint: "`strongroom resource list` shows the resources",
    };
    /// A disk, wherever it comes from.
    pub(crate) const DISK: Self = Self {
        name: "disk",
        area: Area::Cbr,
        path: &["protectables", "disk", "instances"],
        one: "instance",
        many: "instances",
        page: 50,
        by_name: Some("name"),
        hint: "`strongroom resource list` shows the disks and servers",
    };
    /// A server, wherever it comes from.
    pub(crate) const SERVER: Self =
        Self { name: "server", path: &["protectables", "server", "instances"], ..Self::DISK };

    /// A request about one of them, or with an empty id about all.
    pub(crate) fn get(self, id: &str) -> Request {
        let path: Vec<_> = self.path.iter().copied().chain(Some(id)).collect();
        Request::get(self.area, path.strip_suffix(&[""]).unwrap_or(&path))
    }

    /// A request to delete one.
    pub(crate) fn delete(self, id: &str) -> Request {
        let path: Vec<_> = self.path.iter().copied().chain([id]).collect();
        Request::delete(self.area, &path)
    }

    /// All that `request` selects.
    pub(crate) async fn list(
        self,
        session: &Session,
        request: &Request,
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        Ok(session.list(request, self.many, self.page, limit).await?)
    }
}

/// The one that `wanted` names.
pub(crate) async fn find(session: &Session, noun: Noun, wanted: &str) -> Result<Value> {
    let found = seek(session, noun, wanted).await?;
    Ok(found.ok_or_else(|| absent(noun, wanted))?)
}

/// The one that `wanted` names, if there is one. Several are an error.
pub(crate) async fn seek(session: &Session, noun: Noun, wanted: &str) -> Result<Option<Value>> {
    if is_id(wanted) {
        return match session.send(&noun.get(wanted)).await {
            Ok(mut answer) => Ok(answer.get_mut(noun.one).map(Value::take)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    if let Some(parameter) = noun.by_name {
        let request = noun.get("").query(parameter, Some(wanted));
        let found = noun.list(session, &request, None).await?;
        let called: Vec<_> = found.into_iter().filter(|it| text(it, "/name") == wanted).collect();
        if !called.is_empty() {
            return only(noun.name, wanted, called);
        }
    }
    if noun.by_name.is_some() && !is_beginning(wanted) {
        return Ok(None);
    }
    let all = noun.list(session, &noun.get(""), None).await?;
    choose(noun.name, wanted, all)
}

/// The member of `parent`'s list `{noun}s` that `wanted` names: a resource of a vault.
pub(crate) fn find_member(parent: &Value, noun: &str, wanted: &str) -> Result<Value> {
    let members: Vec<_> = items(parent, &format!("/{noun}s")).cloned().collect();
    let names: Vec<_> = members.iter().map(|it| text(it, "/name").to_owned()).collect();
    let found = choose(noun, wanted, members)?;
    found.ok_or_else(|| no_member(text(parent, "/name"), noun, wanted, &names))
}

/// The backup of one disk within the backup of a server: by the disk's name or id, or as backups
/// are named.
pub(crate) fn find_child(backup: &Value, wanted: &str) -> Result<Value> {
    let children = || items(backup, "/children").cloned();
    let is_of = |child: &Value| {
        ["/resource_id", "/resource_name"].iter().any(|at| text(child, at) == wanted)
    };
    let of_disk: Vec<_> = children().filter(is_of).collect();
    let found = if of_disk.is_empty() {
        choose("disk", wanted, children().collect())?
    } else {
        only("disk", wanted, of_disk)?
    };
    let names: Vec<_> = children().map(|it| text(&it, "/resource_name").to_owned()).collect();
    found.ok_or_else(|| no_member(text(backup, "/name"), "disk", wanted, &names))
}

fn no_member(parent: &str, noun: &str, wanted: &str, names: &[String]) -> anyhow::Error {
    let message = format!("{parent} has no {noun} {wanted:?}");
    let hint =
        format!("it has: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    Failure::new(Kind::NotFound, message).hint(hint).into()
}

/// By id, else by name, else by the beginning of an id.
fn choose(noun: &str, wanted: &str, all: Vec<Value>) -> Result<Option<Value>> {
    let (exact, rest): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|it| text(it, "/name") == wanted || text(it, "/id") == wanted);
    if !exact.is_empty() {
        return only(noun, wanted, exact);
    }
    let begins = |it: &Value| is_beginning(wanted) && text(it, "/id").starts_with(wanted);
    only(noun, wanted, rest.into_iter().filter(begins).collect())
}

fn only(noun: &str, wanted: &str, mut found: Vec<Value>) -> Result<Option<Value>> {
    if found.len() > 1 {
        let ids: Vec<_> = found.iter().map(|it| text(it, "/id")).collect();
        let message = format!("{} {noun}s are called {wanted:?}", found.len());
        let hint = format!("give one of the ids: {}", ids.join(", "));
        return Err(Failure::usage(message).hint(hint).into());
    }
    Ok(found.pop())
}

fn absent(noun: Noun, wanted: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no {} {wanted:?}", noun.name)).hint(noun.hint)
}

/// Whether it has the form of an id, with dashes or without.
fn is_id(text: &str) -> bool {
    let digits = text.chars().filter(|c| *c != '-').count();
    digits == 32 && matches!(text.len(), 32 | 36) && is_beginning(text)
}

fn is_beginning(text: &str) -> bool {
    text.len() >= SHORTEST_BEGINNING && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choose_prefers_names_to_beginnings() {
        let all = || {
            vec![
                json!({"id": "abcd1111", "name": "beef"}),
                json!({"id": "beef2222", "name": "two"}),
                json!({"id": "abcd3333", "name": "two"}),
            ]
        };
        let found = |wanted| choose("task", wanted, all());
        let check = |wanted, expected: Option<&str>| {
            let found = found(wanted).expect("not several");
            assert_eq!(found.as_ref().map(|it| text(it, "/id")), expected, "{wanted}");
        };
        check("beef", Some("abcd1111"));
        check("beef2", Some("beef2222"));
        check("abcd3333", Some("abcd3333"));
        check("abc", None);
        check("x", None);
        for wanted in ["two", "abcd"] {
            let said = found(wanted).expect_err("several").to_string();
            assert!(said.contains("2 tasks are called"), "{said}");
        }
    }

    #[test]
    fn ids_have_their_form() {
        assert!(is_id("0123456789abcdef0123456789abcdef"));
        assert!(is_id("01234567-89ab-cdef-0123-456789abcdef"));
        assert!(!is_id("01234567-89ab-cdef-0123-456789abcdeg"));
        assert!(!is_id("0123"));
    }
}
