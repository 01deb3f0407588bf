//! What can go wrong with a database.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use strongroom_base::ErrorClass;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is none of ours.
    #[error("a database is sqlite:///path or postgres://user@host/name, not {given}")]
    Address {
        /// What was given, without its password.
        given: String,
    },
    /// No connection came about.
    #[error("connecting to {at}")]
    Connect {
        /// The address without its password.
        at: String,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The tables could not be brought to this program's version.
    #[error("preparing the tables of {at}")]
    Migrate {
        /// The address without its password.
        at: String,
        /// Why.
        #[source]
        source: DbErr,
    },
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The database refused, broke off or could not be reached.
    #[error("{query}: no answer from the database")]
    Driver {
        /// The query's name.
        query: &'static str,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// A row holds what no code of ours writes.
    #[error("row {id} of {table}: {column} holds what it must not")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// Something unique is there already.
    #[error("{query}: it is there already")]
    Conflict {
        /// The query's name.
        query: &'static str,
    },
    /// A write met another number of rows than it must.
    #[error("{query}: {actual} rows were changed, not {expected}")]
    Affected {
        /// The query's name.
        query: &'static str,
        /// How many it must change.
        expected: u64,
        /// How many it changed.
        actual: u64,
    },
}

impl DbError {
    /// Names the query that failed.
    pub(crate) fn of(query: &'static str) -> impl Fn(DbErr) -> Self {
        move |source| match source.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict { query },
            _ => Self::Driver { query, source },
        }
    }

    /// Checks that a write met as many rows as it must.
    pub(crate) fn check_affected(
        query: &'static str,
        expected: u64,
        actual: u64,
    ) -> Result<(), Self> {
        if actual == expected { Ok(()) } else { Err(Self::Affected { query, expected, actual }) }
    }

    /// What a caller may do about it: repeat when the database could not be reached or two
    /// transactions met.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Driver { source, .. } if is_passing(source) => ErrorClass::Retryable,
            Self::Inconsistent { .. } => ErrorClass::Corruption,
            _ => ErrorClass::Permanent,
        }
    }
}

/// States of `PostgreSQL` after which the same transaction may succeed: two met (40001, 40P01), the
/// server is starting or stopping (57P01 to 57P03), too many connections (53300).
const PASSING: [&str; 6] = ["40001", "40P01", "57P01", "57P02", "57P03", "53300"];

fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => is_passing_in_driver(error),
        _ => false,
    }
}

fn is_passing_in_driver(error: &sea_orm::SqlxError) -> bool {
    match error {
        sea_orm::SqlxError::Io(_)
        | sea_orm::SqlxError::PoolTimedOut
        | sea_orm::SqlxError::PoolClosed
        | sea_orm::SqlxError::WorkerCrashed => true,
        // SQLite's own code for "another one writes" is 5.
        sea_orm::SqlxError::Database(error) => {
            error.code().is_some_and(|code| PASSING.contains(&code.as_ref()) || code == "5")
        }
        _ => false,
    }
}
