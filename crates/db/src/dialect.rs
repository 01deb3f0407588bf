//! Where the two databases differ.

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{ConnectOptions, DbBackend, SqliteTransactionMode, Statement, TransactionOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// A statement of `SQLite` waits so long for the one that writes before it fails; transactions here
/// take milliseconds, so that only a stuck process is noticed.
const BUSY: Duration = Duration::from_secs(30);

/// So many rows of each index does `SQLite` look at to learn what is in it: what its manual advises.
const ROWS_TO_LOOK_AT: Option<u32> = Some(400);

/// Key of the lock under which migrations run; any number that nobody else uses.
const MIGRATION_LOCK: i64 = 0x5354_524f_4e47;
/// Key of the lock under which the first domain is made; another one.
const FIRST_DOMAIN_LOCK: i64 = MIGRATION_LOCK + 1;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file of this machine.
    Sqlite,
    /// A server that several machines share.
    Postgres,
}

impl Dialect {
    /// The one that a connection of ours speaks.
    pub(crate) fn of(backend: DbBackend) -> Self {
        if backend == DbBackend::Sqlite { Self::Sqlite } else { Self::Postgres }
    }

    /// The database's time in microseconds since 1970; of `SQLite` in whole milliseconds.
    pub(crate) fn now(self) -> Statement {
        let (backend, micros) = match self {
            Self::Sqlite => (DbBackend::Sqlite, "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"),
            Self::Postgres => {
                (DbBackend::Postgres, "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            }
        };
        Statement::from_string(backend, format!("SELECT {micros} AS now"))
    }

    /// How a transaction begins. `SQLite` has one writer at a time: one that asks for it only with
    /// its first write may be refused after it has read.
    pub(crate) fn writing(self) -> TransactionOptions {
        TransactionOptions {
            sqlite_transaction_mode: (self == Self::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        }
    }

    /// What two processes that migrate at once agree by, if they can meet at all.
    pub(crate) fn lock_migrations(self) -> Option<String> {
        match self {
            // The transaction is the only one that writes.
            Self::Sqlite => None,
            Self::Postgres => Some(format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")),
        }
    }

    /// What two first starts agree by: no row is there that they could meet at.
    pub(crate) fn lock_first_domain(self) -> Option<String> {
        match self {
            // The transaction is the only one that writes.
            Self::Sqlite => None,
            Self::Postgres => Some(format!("SELECT pg_advisory_xact_lock({FIRST_DOMAIN_LOCK})")),
        }
    }

    /// What makes a column of text be ordered by its bytes, as the program does, wherever the server
    /// believes to be.
    pub(crate) fn order_by_bytes(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("COLLATE \"C\""),
        }
    }

    /// Whether `part` is somewhere in `text`, letter for letter; `LIKE` has letters that stand for
    /// others, and `SQLite`'s takes small ones for large ones.
    pub(crate) fn contains(self, text: Expr, part: &str) -> Expr {
        let place_in = match self {
            Self::Sqlite => "instr",
            Self::Postgres => "strpos",
        };
        Expr::expr(Func::cust(place_in).arg(text).arg(part)).gt(0)
    }

    /// Sets what every connection needs.
    pub(crate) fn prepare(self, options: &mut ConnectOptions) {
        if self == Self::Sqlite {
            options.map_sqlx_sqlite_opts(durable);
        }
    }
}

/// A write-ahead log, so that readers do not wait for the writer; synced at every commit (DB-2).
/// What a statement puts aside stays in memory: a process that dies would leave it behind in a
/// folder that others may read. Closing lets the planner know what is in the tables.
fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "MEMORY")
        .busy_timeout(BUSY)
        .create_if_missing(true)
        .optimize_on_close(true, ROWS_TO_LOOK_AT)
}
