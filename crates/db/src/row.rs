//! From what columns hold to what the model says, and the other way.

use strongroom_base::Timestamp;
use strongroom_model::Scope;

use crate::error::DbError;

/// A row's place, for what is wrong in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'static str,
    pub(crate) id: &'a str,
}

impl Row<'_> {
    /// What a column that holds something impossible is called.
    pub(crate) fn wrong(self, column: &'static str) -> DbError {
        DbError::Inconsistent { table: self.table, column, id: self.id.to_owned() }
    }

    /// What was read from a column.
    pub(crate) fn read<T, E>(self, column: &'static str, read: Result<T, E>) -> Result<T, DbError> {
        read.map_err(|_| self.wrong(column))
    }

    /// Reads a word or checked text.
    pub(crate) fn text<T: TryFrom<String>>(
        self,
        column: &'static str,
        text: String,
    ) -> Result<T, DbError> {
        self.read(column, T::try_from(text))
    }

    /// Reads a JSON document.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, DbError> {
        self.read(column, serde_json::from_str(text))
    }

    /// Reads an id.
    pub(crate) fn id<T: std::str::FromStr>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, DbError> {
        self.read(column, text.parse())
    }

    /// Reads a time.
    pub(crate) fn time(self, column: &'static str, micros: i64) -> Result<Timestamp, DbError> {
        self.read(column, u64::try_from(micros)).map(Timestamp)
    }

    /// Reads a time that may be absent.
    pub(crate) fn time_option(
        self,
        column: &'static str,
        micros: Option<i64>,
    ) -> Result<Option<Timestamp>, DbError> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }

    /// Reads an id that may be absent.
    pub(crate) fn id_option<T: std::str::FromStr>(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, DbError> {
        text.map(|text| self.id(column, text)).transpose()
    }

    /// Reads a word or checked text that may be absent.
    pub(crate) fn text_option<T: TryFrom<String>>(
        self,
        column: &'static str,
        text: Option<String>,
    ) -> Result<Option<T>, DbError> {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// Reads a number that is never below zero.
    pub(crate) fn number(self, column: &'static str, number: i64) -> Result<u64, DbError> {
        self.read(column, u64::try_from(number))
    }

    /// Reads a scope from its two columns.
    pub(crate) fn scope(self, kind: &str, id: &str) -> Result<Option<Scope>, DbError> {
        match kind {
            NO_SCOPE => Ok(None),
            PROJECT => self.id("scope_id", id).map(|id| Some(Scope::Project(id))),
            DOMAIN => self.id("scope_id", id).map(|id| Some(Scope::Domain(id))),
            _ => Err(self.wrong("scope_kind")),
        }
    }
}

/// So many rows are inserted by one statement; databases take some ten thousand values.
pub(crate) const ROWS: usize = 500;
/// So many rows are named by one statement, each by one value.
pub(crate) const NAMED: usize = 10_000;

pub(crate) const NO_SCOPE: &str = "none";
pub(crate) const PROJECT: &str = "project";
pub(crate) const DOMAIN: &str = "domain";

/// A scope as its two columns hold it.
pub(crate) fn scope_columns(scope: Option<Scope>) -> (String, String) {
    let (kind, id) = match scope {
        None => (NO_SCOPE, String::new()),
        Some(Scope::Project(id)) => (PROJECT, id.to_string()),
        Some(Scope::Domain(id)) => (DOMAIN, id.to_string()),
    };
    (kind.to_owned(), id)
}

/// A document as a column holds it.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what has text keys and no failing parts is always JSON")
}

/// A time as a column holds it; the year 294247 is the last.
pub(crate) fn micros(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// A number as a column holds it; beyond 2^63 nothing of ours counts.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Ids as columns hold them.
pub(crate) fn keys<I: ToString>(ids: &[I]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
