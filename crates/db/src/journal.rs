//! What the journal in the object store is told of the catalogue, and a catalogue made from it.
//!
//! # Responsibility
//! Triggers note which rows change ([`crate::entity::journal_change`]); a turn reads those rows as
//! they are now, and forgets the notes once they are in the store. A snapshot reads all rows. Rows
//! that come back from the store are put into empty tables.
//!
//! # Why
//! A trigger cannot be forgotten by new code, and its note is in the transaction of the change.
//! Which tables are followed stands once, in [`TABLES`]; a test holds it against the database.
//!
//! # Invariants
//! - JRN-6: every change of a followed table that was committed is noted until a turn that read the
//!   row at least as new has been written.
//! - JRN-7: what a turn or a snapshot reads is one committed state.
//!
//! # Concurrency and crash
//! Whoever begins a turn raises the fence, in a transaction of its own, before it reads. Notes are
//! forgotten only while the fence is still its own; then nobody has read since what it read.
//! Numbers of notes may be committed out of order: exactly those that were read are forgotten.
//!
//! # Not here
//! The store, and when anything of this happens.

mod aftermath;
mod dialect;
mod dump;
mod rebuild;
mod record;
mod table;
mod turn;

pub use dump::JournalDump;
pub use rebuild::{JournalRows, Rebuilt};
pub use record::{JournalRecord, JournalRow};
pub(crate) use table::TABLES;
pub use turn::{JournalNotes, JournalOwner};

/// Rows that one statement is about.
const ROWS: usize = 500;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::{ConnectionTrait as _, Statement};

    use super::TABLES;
    use crate::dialect::Dialect;
    use crate::testing::Scratch;

    /// What a recovered catalogue does without: who is logged in and what runs now, what follows
    /// from other tables, and the database's own.
    const NOT_FOLLOWED: [&str; 12] = [
        "cbr_count",
        "iam_token",
        "iam_version",
        "journal_change",
        "journal_owner",
        "seaql_migrations",
        "sqlite_sequence",
        "sqlite_stat1",
        "task",
        "task_held_key",
        "task_key",
        "task_log",
    ];

    // proves: JRN-6
    #[tokio::test]
    async fn every_table_is_followed_or_named_here() {
        let scratch = Scratch::new(Dialect::Sqlite).await;
        let ask = "SELECT name FROM sqlite_master WHERE type = 'table'";
        let ask = Statement::from_string(scratch.db.read.get_database_backend(), ask);
        let rows = scratch.db.read.query_all_raw(ask).await.unwrap();
        let followed: BTreeSet<_> = TABLES.iter().map(|table| table.name().to_owned()).collect();
        for row in rows {
            let name = row.try_get_by_index::<String>(0).unwrap();
            let is_left_out = NOT_FOLLOWED.contains(&name.as_str());
            assert!(followed.contains(&name) != is_left_out, "{name}");
        }
    }
}
