//! What the journal needs: its own tables, and triggers on those that it follows.

use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::SchemaManager;

use crate::dialect::Dialect;
use crate::entity::{journal_change, journal_owner};
use crate::journal::TABLES;

pub(super) async fn create(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    super::table(manager, journal_change::Entity, vec![]).await?;
    super::table(manager, journal_owner::Entity, vec![]).await?;
    let dialect = Dialect::of(manager.get_database_backend());
    for table in TABLES {
        for trigger in dialect.journal_triggers(table) {
            manager.get_connection().execute_unprepared(&trigger).await?;
        }
    }
    Ok(())
}
