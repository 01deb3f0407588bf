//! The catalogue: tables, queries and migrations, over `SQLite` and `PostgreSQL`.
//!
//! # Why
//! What the service knows, it knows from here: who may call, which vaults there are, what runs. One
//! machine needs no server for that, many machines need one that they share; so there is one set of
//! entities and queries, and both databases run it. Every difference stands in [`dialect`].
//!
//! # Invariants
//! - DB-1: what one operation of the service changes is in one transaction: its rows, its task and
//!   its audit record, or nothing of them. Only [`Tx`] changes anything.
//! - DB-2: what a transaction wrote is durable once it has committed, on both databases.
//! - DB-3: a row that holds what no code of ours writes is an error that names it.
//! - DB-7: text is ordered by its bytes on both databases, as the program orders it.
//! - DB-9: a vault with resources or backups stays, a run with backups stays, and a part of a backup
//!   goes with its whole: foreign keys say so.
//! - DB-10: every list, look-up and claim finds its rows by an index.
//!
//! # Concurrency and crash
//! Any number of processes may share a `PostgreSQL`; one process has a `SQLite` file. A transaction
//! that is dropped is rolled back; one whose process dies is, too.
//!
//! # Not here
//! Decisions. A query answers a question; what follows from the answer is decided by its caller.

mod audit;
mod cbr;
mod columns;
mod count;
pub mod dialect;
mod entity;
mod error;
mod host;
mod iam;
mod journal;
mod migration;
mod page;
mod pool;
mod prepared;
mod reader;
mod row;
mod task_store;
mod tx;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use cbr::{BackupList, StoredRepository, StoredVault, TaskList, TaskSubject, VaultList};
pub use error::{DbError, OpenError};
pub use host::{DiskList, ServerList};
pub use iam::{
    AccessKey, AccessKeyOwner, Login, LoginName, NewAccessKey, NewToken, NewUser, ProjectName,
    TokenHash, TokenHolder,
};
pub use journal::{
    JournalDump, JournalNotes, JournalOwner, JournalRecord, JournalRow, JournalRows, Rebuilt,
};
pub use pool::{DatabaseUrl, Db};
pub use task_store::{Completions, DbTaskStore};
pub use tx::Tx;
