//! Brings the tables to this program's version.
//!
//! Until the first release there is one migration, which is edited in place; from then on one file
//! for each change, which is never edited again.

mod m0001_init;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, TransactionTrait as _};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::dialect::Dialect;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_init::Migration)]
    }
}

/// Runs what is missing, all or nothing; a second process that does the same waits.
pub(crate) async fn up(connection: &DatabaseConnection, dialect: Dialect) -> Result<(), DbErr> {
    let tx = connection.begin_with_options(dialect.writing()).await?;
    if let Some(lock) = dialect.lock_migrations() {
        tx.execute_unprepared(&lock).await?;
    }
    Migrator::up(&tx, None).await?;
    tx.commit().await
}
