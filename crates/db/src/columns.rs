//! Rows read by the places of their columns.
//!
//! # Why
//! A list has ten thousand rows. To look a column up by its name, to ask for its type, and to copy
//! its text before it is parsed takes longer than all the rest.
//!
//! # Invariants
//! - Nothing is asked for its type: whoever reads a place knows what the select has there.

use sea_orm::{DbErr, QueryResult, RuntimeErr};
use sqlx::Row as _;

/// A row.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a>(pub(crate) &'a QueryResult);

/// What the driver of whichever database decodes from a place.
macro_rules! decoded {
    ($row:expr, $place:expr, $kind:ty) => {{
        let (row, place) = ($row, $place);
        let decoded = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
            (Some(row), _) => row.try_get_unchecked::<$kind, _>(place),
            (None, Some(row)) => row.try_get_unchecked::<$kind, _>(place),
            (None, None) => Err(sqlx::Error::RowNotFound),
        };
        decoded.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }};
}

impl<'a> Columns<'a> {
    /// A text.
    pub(crate) fn text(self, place: usize) -> Result<&'a str, DbErr> {
        decoded!(self.0, place, &'a str)
    }

    /// A text that may be absent.
    pub(crate) fn text_option(self, place: usize) -> Result<Option<&'a str>, DbErr> {
        decoded!(self.0, place, Option<&'a str>)
    }

    /// A 64-bit number.
    pub(crate) fn number(self, place: usize) -> Result<i64, DbErr> {
        decoded!(self.0, place, i64)
    }
}
