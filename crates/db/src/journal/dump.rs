//! All rows of all followed tables, as they are at one moment.

use sea_orm::{DatabaseTransaction, EntityTrait as _};

use super::ROWS;
use super::record::JournalRecord;
use super::table::TABLES;
use crate::entity::journal_owner;
use crate::{Db, DbError};

/// All rows, page by page.
#[derive(Debug)]
pub struct JournalDump {
    tx: DatabaseTransaction,
    table: usize,
    after: Option<String>,
}

impl Db {
    /// Begins to read all rows.
    pub async fn journal_dump(&self) -> Result<JournalDump, DbError> {
        let tx = self.begin_reading("journal_dump").await?;
        Ok(JournalDump { tx, table: 0, after: None })
    }

    /// Whether no followed table has a row and no journal is known: a catalogue that nobody has
    /// used.
    pub async fn journal_is_new(&self) -> Result<bool, DbError> {
        let query = "journal_is_new";
        let tx = self.begin_reading(query).await?;
        for table in TABLES {
            if table.count(&tx).await? > 0 {
                return Ok(false);
            }
        }
        let owner = journal_owner::Entity::find().one(&tx).await.map_err(DbError::of(query))?;
        Ok(owner.is_none())
    }
}

impl JournalDump {
    /// The next rows; none at the end.
    pub async fn page(&mut self) -> Result<Vec<JournalRecord>, DbError> {
        while let Some(table) = TABLES.get(self.table) {
            let rows = table.page(&self.tx, self.after.as_deref(), ROWS as u64).await?;
            if let Some((last, _)) = rows.last() {
                self.after = Some(last.clone());
                let record = |(key, row)| JournalRecord {
                    table: table.name().to_owned(),
                    key,
                    row: Some(row),
                };
                return Ok(rows.into_iter().map(record).collect());
            }
            self.table += 1;
            self.after = None;
        }
        Ok(Vec::new())
    }
}
