//! The connections to one database.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, TransactionTrait as _,
};

use crate::dialect::Dialect;
use crate::error::OpenError;
use crate::iam::Holders;
use crate::migration;
use crate::reader::Readers;

/// Connections to a server that write; more than a few a core only queue there instead of here.
const WRITERS: u32 = 8;
/// Connections to a server that read: two for each core, these at least and at most. Beside a server
/// on the same two cores 4 were answered as often as 8, and 99 of 100 sooner by a fifth (the loads of
/// `cargo xtask bench api`).
const SERVER_READERS: RangeInclusive<usize> = 4..=16;
/// Connections that only read a file; the one that writes is counted apart.
const READERS: u32 = 4;
/// Whoever gets no connection within this time is told so instead of waiting with its client.
const ACQUIRE: Duration = Duration::from_secs(10);

/// Where a database is: `sqlite:///path` or `postgres://user[:password]@host[:port]/name`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: String,
    dialect: Dialect,
}

impl DatabaseUrl {
    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

impl FromStr for DatabaseUrl {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        let dialect = if url.starts_with("sqlite:///") {
            Dialect::Sqlite
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Dialect::Postgres
        } else {
            return Err(OpenError::Address { given: without_password(url) });
        };
        Ok(Self { url: url.to_owned(), dialect })
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&without_password(&self.url))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The address with `***` in place of a password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let place = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(place);
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host)))
    {
        Some((user, host)) => format!("{scheme}://{user}:***@{host}{path}"),
        None => url.to_owned(),
    }
}

/// An open database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) read: Readers,
    pub(crate) write: DatabaseConnection,
    pub(crate) dialect: Dialect,
    pub(crate) holders: Arc<Holders>,
}

impl Db {
    /// Connects, and brings the tables to this program's version.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let db = Self::connect(url).await?;
        let migrated = migration::up(&db.write, db.dialect).await;
        migrated.map_err(|source| OpenError::Migrate { at: url.to_string(), source })?;
        Ok(db)
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Begins a transaction that sees one moment, for what `query` reads. With a server it has one of
    /// the connections that write: those that only read answer one statement each.
    pub(crate) async fn begin_reading(
        &self,
        query: &'static str,
    ) -> Result<DatabaseTransaction, crate::DbError> {
        let pool = match &self.read {
            Readers::Pool(pool) => pool,
            Readers::Server(_) => &self.write,
        };
        let begun = pool.begin_with_options(self.dialect.reading()).await;
        begun.map_err(crate::DbError::of(query))
    }

    /// Ends all connections.
    pub async fn close(self) -> Result<(), crate::DbError> {
        self.read.close().await.map_err(crate::DbError::of("close"))?;
        self.write.close().await.map_err(crate::DbError::of("close"))
    }

    /// What is asked over these connections; it remembers nothing yet.
    pub(crate) fn of(read: Readers, write: DatabaseConnection, dialect: Dialect) -> Self {
        Self { read, write, dialect, holders: Arc::default() }
    }

    async fn connect(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let dialect = url.dialect;
        match dialect {
            Dialect::Postgres => {
                // Two pools: whoever reads while its transaction is open waits for readers only,
                // and readers wait for nobody.
                let write = pool(url, WRITERS).await?;
                let read = Readers::of_server(&url.url, server_readers(), ACQUIRE);
                let failed = |source| OpenError::Connect { at: url.to_string(), source };
                Ok(Self::of(read.map_err(failed)?, write, dialect))
            }
            Dialect::Sqlite => {
                // The writer first: it makes the file.
                let write = pool(url, 1).await?;
                Ok(Self::of(Readers::Pool(pool(url, READERS).await?), write, dialect))
            }
        }
    }
}

/// How many connections of this process read from a server.
fn server_readers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (2 * cores).clamp(*SERVER_READERS.start(), *SERVER_READERS.end())
}

async fn pool(url: &DatabaseUrl, size: u32) -> Result<DatabaseConnection, OpenError> {
    let mut options = ConnectOptions::new(&url.url);
    options.max_connections(size).acquire_timeout(ACQUIRE).sqlx_logging(false);
    // A broken connection shows in its next statement; asking before each would double their number.
    options.test_before_acquire(false);
    url.dialect.prepare(&mut options);
    // The future of a connection is large: SQLx holds both databases' in it.
    let connected = Box::pin(Database::connect(options)).await;
    connected.map_err(|source| OpenError::Connect { at: url.to_string(), source })
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::DbError;
    use crate::testing::Scratch;

    /// The first column of the first row, as text.
    async fn ask(connection: &impl ConnectionTrait, question: &str) -> String {
        let statement =
            sea_orm::Statement::from_string(connection.get_database_backend(), question);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        let number = row.try_get_by_index::<i64>(0).map(|number| number.to_string());
        number.or_else(|_| row.try_get_by_index::<String>(0)).unwrap()
    }

    // proves: DB-2
    #[tokio::test]
    async fn commits_wait_for_the_disk() {
        let scratch = Scratch::new(Dialect::Sqlite).await;
        let (read, write) = (&scratch.db.read, &scratch.db.write);
        for (question, answer) in [
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA synchronous", "2"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA temp_store", "2"),
        ] {
            assert_eq!(ask(read, question).await, answer, "{question}");
            assert_eq!(ask(write, question).await, answer, "{question}");
        }
        let scratch = Scratch::new(Dialect::Postgres).await;
        assert_eq!(ask(&scratch.db.write, "SHOW synchronous_commit").await, "on");
    }

    // proves: DB-3
    #[tokio::test]
    async fn row_that_nobody_of_us_wrote_is_named() {
        let scratch = Scratch::new(Dialect::Sqlite).await;
        let id = "0".repeat(32);
        let insert = format!("INSERT INTO iam_domain VALUES ('{id}', '', true, 0)");
        scratch.db.write.execute_unprepared(&insert).await.unwrap();
        let found = scratch.db.domain_get(id.parse().unwrap()).await;
        let Err(DbError::Inconsistent { table, column, id: named }) = found else {
            panic!("{found:?}")
        };
        assert_eq!((table, column, named), ("iam_domain", "name", id));
    }

    #[test]
    fn url_is_shown_without_its_password() {
        let check = |url: &str, shown: Option<&str>| {
            let parsed = url.parse::<DatabaseUrl>().map(|url| url.to_string()).ok();
            assert_eq!(parsed.as_deref(), shown, "{url}");
        };
        check("sqlite:///var/lib/db", Some("sqlite:///var/lib/db"));
        check("postgres://a:b:c@host:1/name", Some("postgres://a:***@host:1/name"));
        check("postgres://a@host/name", Some("postgres://a@host/name"));
        check("postgresql://a:p@q@host/x@y", Some("postgresql://a:***@host/x@y"));
        check("sqlite::memory:", None);
        check("mysql://host/name", None);
        check("", None);
        let error = "mysql://me:secret@host/x".parse::<DatabaseUrl>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
