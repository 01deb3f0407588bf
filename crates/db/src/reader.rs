//! The connections that only read.
//!
//! # Why
//! `sqlx`'s pool asks each connection that comes back whether it still lives. To a server that is a
//! second round trip for each statement. So connections to a server are kept here, each as long as
//! its last statement was answered.
//!
//! # Concurrency and crash
//! A statement has a connection for itself. One that is dropped before its answer came takes the
//! connection with it, so that nobody reads somebody else's rows. An error of the connection lets all
//! idle ones go: a server that was started again has forgotten them too.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sea_orm::sea_query::Values;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement,
};
use sea_orm_migration::async_trait::async_trait;
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::{Semaphore, SemaphorePermit};

/// What reads. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) enum Readers {
    /// A pool of `sqlx`.
    Pool(DatabaseConnection),
    /// Connections to a server.
    Server(Arc<Server>),
}

/// Connections to a `PostgreSQL`.
pub(crate) struct Server {
    options: PgConnectOptions,
    places: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
    patience: Duration,
}

impl fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Readers {
    /// Up to `size` connections to the server at `url`; whoever gets none within `patience` is told.
    pub(crate) fn of_server(url: &str, size: usize, patience: Duration) -> Result<Self, DbErr> {
        let options = url.parse::<PgConnectOptions>().map_err(connection_error)?;
        Ok(Self::Server(Arc::new(Server {
            options: options.disable_statement_logging(),
            places: Semaphore::new(size),
            idle: Mutex::default(),
            patience,
        })))
    }

    /// Hands over each row of an answer as it comes, so that something is made of it while the server
    /// sends the next.
    pub(crate) async fn each(
        &self,
        statement: Statement,
        take: impl FnMut(QueryResult),
    ) -> Result<(), DbErr> {
        match self {
            Self::Pool(pool) => {
                pool.query_all_raw(statement).await?.into_iter().for_each(take);
                Ok(())
            }
            Self::Server(server) => server.each(statement, take).await,
        }
    }

    /// Ends all connections.
    pub(crate) async fn close(self) -> Result<(), DbErr> {
        match self {
            Self::Pool(pool) => pool.close().await,
            Self::Server(server) => {
                server.places.close();
                let idle = std::mem::take(&mut *server.idle());
                for connection in idle {
                    connection.close().await.map_err(connection_error)?;
                }
                Ok(())
            }
        }
    }
}

/// A connection with its place.
struct Lease<'a> {
    connection: PgConnection,
    _place: SemaphorePermit<'a>,
}

impl Server {
    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn lease(&self) -> Result<Lease<'_>, DbErr> {
        let leased = tokio::time::timeout(self.patience, async {
            let place = self.places.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let idle = self.idle().pop();
            let connection = match idle {
                Some(connection) => connection,
                None => self.options.connect().await?,
            };
            Ok(Lease { connection, _place: place })
        });
        let leased = leased.await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        leased.map_err(connection_error)
    }

    /// Keeps a connection if what came over it was an answer.
    fn give_back<T>(&self, lease: Lease<'_>, answer: &Result<T, sqlx::Error>) {
        if answer.as_ref().map_or_else(is_refusal, |_| true) {
            self.idle().push(lease.connection);
        } else {
            self.idle().clear();
        }
    }

    async fn each(
        &self,
        statement: Statement,
        mut take: impl FnMut(QueryResult),
    ) -> Result<(), DbErr> {
        let mut lease = self.lease().await?;
        let values = SqlxValues(statement.values.unwrap_or(Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let mut rows = query.fetch(&mut lease.connection);
        let ended = loop {
            match rows.try_next().await {
                Ok(Some(row)) => take(row.into()),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(rows);
        self.give_back(lease, &ended);
        ended.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut rows = Vec::new();
        self.each(statement, |row| rows.push(row)).await?;
        Ok(rows)
    }
}

/// Whether the server refused a statement and goes on: what it says as it ends a connection looks
/// alike but for its severity.
fn is_refusal(error: &sqlx::Error) -> bool {
    let told = error.as_database_error();
    let told = told.and_then(|told| told.try_downcast_ref::<PgDatabaseError>());
    told.is_some_and(|told| told.severity() == PgSeverity::Error)
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// What nobody does over a connection that reads.
fn reads_only() -> DbErr {
    DbErr::Custom("this connection only reads".to_owned())
}

#[async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pool(pool) => pool.get_database_backend(),
            Self::Server(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
        Err(reads_only())
    }

    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        Err(reads_only())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Pool(pool) => pool.query_one_raw(statement).await,
            Self::Server(server) => Ok(server.query_all(statement).await?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Pool(pool) => pool.query_all_raw(statement).await,
            Self::Server(server) => server.query_all(statement).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::testing::Scratch;

    async fn ask(readers: &Readers, sql: &str) -> Result<i32, DbErr> {
        let row = readers.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        row.unwrap().try_get_by_index(0)
    }

    #[tokio::test]
    async fn statement_that_is_given_up_leaves_no_rows_to_the_next() {
        let scratch = Scratch::new(Dialect::Postgres).await;
        let slow = ask(&scratch.db.read, "SELECT 7 FROM pg_sleep(5)");
        assert!(tokio::time::timeout(Duration::from_millis(300), slow).await.is_err());
        for number in 0..20 {
            assert_eq!(ask(&scratch.db.read, &format!("SELECT {number}")).await.unwrap(), number);
        }
    }

    #[tokio::test]
    async fn refused_statement_keeps_its_connection() {
        let scratch = Scratch::new(Dialect::Postgres).await;
        let own = "SELECT pg_backend_pid()";
        let before = ask(&scratch.db.read, own).await.unwrap();
        assert!(ask(&scratch.db.read, "SELECT 1 / 0").await.is_err());
        assert_eq!(ask(&scratch.db.read, own).await.unwrap(), before);
    }

    #[tokio::test]
    async fn connections_that_the_server_ended_are_replaced() {
        let scratch = Scratch::new(Dialect::Postgres).await;
        let read = &scratch.db.read;
        let many = (0..4).map(|_| ask(read, "SELECT 1 FROM pg_sleep(0.1)"));
        futures_util::future::try_join_all(many).await.unwrap();
        let end = "SELECT count(pg_terminate_backend(pid))::int4 FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        scratch.db.write.execute_unprepared(end).await.unwrap();
        assert!(ask(read, "SELECT 1").await.is_err(), "it learns of it by asking");
        assert_eq!(ask(read, "SELECT 1").await.unwrap(), 1);
    }

    #[tokio::test]
    async fn readers_are_no_more_than_they_may_be() {
        let scratch = Scratch::new(Dialect::Postgres).await;
        let many = (0..40).map(|_| ask(&scratch.db.read, "SELECT 1 FROM pg_sleep(0.01)"));
        futures_util::future::try_join_all(many).await.unwrap();
        let Readers::Server(server) = &scratch.db.read else { panic!("it is a server") };
        assert!((1..=16).contains(&server.idle().len()));
    }
}
