//! Statements that every request makes: their text is built once.
//!
//! # Why
//! The builder takes longer to write a select down than to send it, and the text is the same each
//! time.
//!
//! # Invariants
//! - The values of a call are those that the builder would give, in its order. A test of each
//!   statement compares them.

use std::sync::OnceLock;

use sea_orm::sea_query::{SelectStatement, Value, Values};
use sea_orm::{DbBackend, Statement};

/// A select without its values.
pub(crate) struct Prepared {
    build: fn() -> SelectStatement,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Prepared {
    /// What `build` builds, whatever the values in it.
    pub(crate) const fn new(build: fn() -> SelectStatement) -> Self {
        Self { build, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// The statement with these values.
    pub(crate) fn with(&self, backend: DbBackend, values: Vec<Value>) -> Statement {
        let text = if backend == DbBackend::Sqlite { &self.sqlite } else { &self.postgres };
        let sql = text.get_or_init(|| backend.build(&(self.build)()).sql).clone();
        Statement { sql, values: Some(Values(values)), db_backend: backend }
    }
}

/// Fails unless a prepared statement with its values is what the builder builds.
#[cfg(test)]
pub(crate) fn check(prepared: &Prepared, values: &[Value], built: &SelectStatement) {
    for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
        assert_eq!(prepared.with(backend, values.to_vec()), backend.build(built));
    }
}
