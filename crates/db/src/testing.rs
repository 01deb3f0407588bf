//! Real databases for tests.
//!
//! # Why
//! A fake database would only prove what its author believed. `SQLite` is a file, so that each test
//! has its own; one `PostgreSQL` is started for each test binary, and each test has its own database
//! in it.

mod open_work;
mod plan;
mod postgres;

use std::path::Path;

use sea_orm::{ConnectionTrait as _, DbErr};

pub use open_work::OpenWork;
pub use plan::Watched;
pub use postgres::{Postgres, PostgresError};

use crate::dialect::Dialect;
use crate::{Db, OpenError};

/// A new, empty database, which goes with the test.
#[derive(Debug)]
pub struct Scratch {
    /// Open connections to it.
    pub db: Db,
    _folder: tempfile::TempDir,
}

impl Scratch {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no such database to be had: a test without it proves nothing.
    pub async fn new(dialect: Dialect) -> Self {
        let folder = tempfile::tempdir().expect("tests may write temporary files");
        Self::in_folder(dialect, folder).await
    }

    /// The same in memory where the machine has a folder for that: for tests that commit often.
    ///
    /// # Panics
    /// As [`Scratch::new`].
    pub async fn quick(dialect: Dialect) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::in_folder(dialect, folder.expect("tests may write temporary files")).await
    }

    async fn in_folder(dialect: Dialect, folder: tempfile::TempDir) -> Self {
        let url = match dialect {
            Dialect::Sqlite => sqlite_url(folder.path()),
            Dialect::Postgres => {
                Postgres::shared().new_catalogue().await.expect("the server makes databases")
            }
        };
        let opened: Result<Db, OpenError> = async { Db::open(&url.parse()?).await }.await;
        Self { db: opened.expect("a new database opens"), _folder: folder }
    }

    /// Lets the planner know what is in the tables.
    pub async fn tidy(&self) -> Result<(), DbErr> {
        let tidy = match self.db.dialect() {
            Dialect::Sqlite => "ANALYZE",
            Dialect::Postgres => "VACUUM (ANALYZE)",
        };
        execute(&self.db, tidy).await
    }
}

/// Does something that no query of ours does.
pub async fn execute(db: &Db, statements: &str) -> Result<(), DbErr> {
    db.write.execute_unprepared(statements).await.map(|_| ())
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}/db.sqlite", folder.display())
}
