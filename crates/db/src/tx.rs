//! A transaction that writes.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use strongroom_base::Timestamp;

use crate::dialect::Dialect;
use crate::error::DbError;
use crate::pool::Db;
use crate::row::Row;

/// An open transaction. Dropped, it is rolled back.
#[derive(Debug)]
pub struct Tx(pub(crate) DatabaseTransaction, pub(crate) Dialect);

impl Db {
    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let begun = self.write.begin_with_options(self.dialect.writing()).await;
        begun.map(|tx| Tx(tx, self.dialect)).map_err(DbError::of("begin"))
    }
}

impl Tx {
    /// The time of the database, which all processes share: what leases are measured by.
    pub(crate) async fn now(&self) -> Result<Timestamp, DbError> {
        let query = "now";
        let row = self.0.query_one_raw(self.1.now()).await.map_err(DbError::of(query))?;
        let at = Row { table: "the database's clock", id: query };
        let row = row.ok_or(at.wrong("now"))?;
        at.time("now", row.try_get("", "now").map_err(DbError::of(query))?)
    }

    /// Undoes everything that was written in it, and lets go of what it locked, before it returns.
    /// One that is dropped does the same a little later: who leaves out what is locked may not see
    /// it meanwhile.
    pub async fn rollback(self) {
        // A connection that cannot say it is broken, and its transaction is gone with it.
        drop(self.0.rollback().await);
    }

    /// Makes everything that was written in it durable at once.
    ///
    /// An error leaves open whether it is: the answer may have been lost.
    pub async fn commit(self) -> Result<(), DbError> {
        self.0.commit().await.map_err(DbError::of("commit"))
    }
}
