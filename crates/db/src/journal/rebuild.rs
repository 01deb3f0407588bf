//! A catalogue made from the rows of a journal.
//!
//! # Invariants
//! - JRN-8: what a journal gave back whole is in the tables as it was; a row that names one which
//!   the journal did not give back is left out and named.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use serde_json::Value as Json;

use super::ROWS;
use super::record::{JournalRecord, JournalRow, written};
use super::table::{TABLES, Table};
use crate::count::Counted;
use crate::dialect::Dialect;
use crate::entity::{cbr_backup, cbr_task};
use crate::{DbError, Tx};

/// The newest state of every row, as records of a journal come in. They are kept as text: about
/// half a kilobyte for each row.
#[derive(Debug, Default)]
pub struct JournalRows {
    rows: BTreeMap<(usize, String), String>,
    /// Tables that nobody here knows.
    unknown: BTreeSet<String>,
}

/// What was made of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many rows there are now.
    pub rows: u64,
    /// Rows that had no place, as `table key`: one that they name is not there, or another one is in
    /// their place. There are none if the journal was whole.
    pub left_out: Vec<String>,
    /// Tables of the journal that this version does not have.
    pub unknown: Vec<String>,
}

impl JournalRows {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.unknown.clear();
    }

    /// Takes the next record: it says more than earlier ones about its row.
    pub fn put(&mut self, record: JournalRecord) {
        let Some(table) = position(&record.table) else {
            self.unknown.insert(record.table);
            return;
        };
        match record.row {
            Some(row) => self.rows.insert((table, record.key), Json::Object(row).to_string()),
            None => self.rows.remove(&(table, record.key)),
        };
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The keys of a table that has one column for a key of text.
    pub fn ids(&self, table: &str) -> Vec<String> {
        let keys = position(table).into_iter().flat_map(|table| self.of_table(table));
        let id = |(key, _): (&String, _)| serde_json::from_str::<[String; 1]>(key).ok();
        keys.filter_map(id).map(|[id]| id).collect()
    }

    fn of_table(&self, table: usize) -> impl Iterator<Item = (&String, &String)> {
        let from = (table, String::new());
        let of_table = self.rows.range(from..).take_while(move |((at, _), _)| *at == table);
        of_table.map(|((_, key), row)| (key, row))
    }

    /// Removes the rows of a table that name one which is not there; their keys.
    fn drop_orphans(&mut self, at: usize, table: &dyn Table) -> Result<Vec<String>, DbError> {
        let mut gone = Vec::new();
        loop {
            let mut orphans = Vec::new();
            for (key, row) in self.of_table(at) {
                let row = parsed(table, key, row)?;
                if !table.parents().iter().all(|parent| self.has(&row, *parent)) {
                    orphans.push(key.clone());
                }
            }
            if orphans.is_empty() {
                return Ok(gone);
            }
            for key in orphans {
                gone.push(format!("{} {key}", table.name()));
                self.rows.remove(&(at, key));
            }
        }
    }

    fn has(&self, row: &JournalRow, (column, table): (&str, &str)) -> bool {
        match row.get(column) {
            None | Some(Json::Null) => true,
            Some(id) => {
                let key = written(vec![id.clone()]);
                position(table).is_some_and(|table| self.rows.contains_key(&(table, key)))
            }
        }
    }
}

fn position(name: &str) -> Option<usize> {
    TABLES.iter().position(|table| table.name() == name)
}

fn parsed(table: &dyn Table, key: &str, row: &str) -> Result<JournalRow, DbError> {
    crate::row::Row { table: table.name(), id: key }.json("row", row)
}

/// Whether a row names one of its own table.
fn is_child(table: &dyn Table, row: &JournalRow) -> bool {
    let is_named = |column| row.get(column).is_some_and(|id| !id.is_null());
    table.parents().iter().any(|(column, of)| *of == table.name() && is_named(*column))
}

impl Tx {
    /// Puts rows into the empty tables of this catalogue.
    pub async fn journal_rebuild(&self, mut rows: JournalRows) -> Result<Rebuilt, DbError> {
        let unknown = std::mem::take(&mut rows.unknown).into_iter().collect();
        let mut rebuilt = Rebuilt { unknown, ..Rebuilt::default() };
        for (at, table) in TABLES.into_iter().enumerate() {
            rebuilt.left_out.extend(rows.drop_orphans(at, table)?);
            for is_second in [false, true] {
                let mut part = Vec::new();
                for (key, row) in rows.of_table(at) {
                    let row = parsed(table, key, row)?;
                    if is_child(table, &row) == is_second {
                        part.push((key.clone(), row));
                    }
                    if part.len() == ROWS {
                        self.add(table, &std::mem::take(&mut part), &mut rebuilt).await?;
                    }
                }
                self.add(table, &part, &mut rebuilt).await?;
            }
        }
        self.count_all().await?;
        let dialect = Dialect::of(self.0.get_database_backend());
        if let Some(statement) = dialect.count_on("audit_record", "id") {
            let counted = self.0.execute_unprepared(&statement).await;
            counted.map_err(DbError::of("journal_rebuild"))?;
        }
        Ok(rebuilt)
    }

    /// How many rows each followed table has.
    pub async fn journal_count(&self) -> Result<Vec<(&'static str, u64)>, DbError> {
        let mut counts = Vec::new();
        for table in TABLES {
            counts.push((table.name(), table.count(&self.0).await?));
        }
        Ok(counts)
    }

    async fn add(
        &self,
        table: &dyn Table,
        rows: &[(String, JournalRow)],
        rebuilt: &mut Rebuilt,
    ) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        let added = table.insert(&self.0, rows).await?;
        rebuilt.rows += added;
        if added < rows.len() as u64 {
            let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
            let there: BTreeSet<_> =
                table.find(&self.0, &keys).await?.into_iter().map(|(key, _)| key).collect();
            let missing = keys.into_iter().filter(|key| !there.contains(key));
            rebuilt.left_out.extend(missing.map(|key| format!("{} {key}", table.name())));
        }
        Ok(())
    }

    /// Counts what has counters.
    async fn count_all(&self) -> Result<(), DbError> {
        let query = "journal_count_all";
        let backups = cbr_backup::Entity::find()
            .select_only()
            .column(cbr_backup::Column::ProjectId)
            .column_as(cbr_backup::Column::Id.count(), "count")
            .filter(cbr_backup::Column::ParentId.is_null())
            .group_by(cbr_backup::Column::ProjectId)
            .into_tuple::<(String, i64)>();
        for (project, count) in backups.all(&self.0).await.map_err(DbError::of(query))? {
            self.count_add(&project, Counted::Backups, count).await?;
        }
        let tasks = cbr_task::Entity::find()
            .select_only()
            .column(cbr_task::Column::ProjectId)
            .column_as(cbr_task::Column::Id.count(), "count")
            .group_by(cbr_task::Column::ProjectId)
            .into_tuple::<(String, i64)>();
        for (project, count) in tasks.all(&self.0).await.map_err(DbError::of(query))? {
            self.count_add(&project, Counted::Tasks, count).await?;
        }
        Ok(())
    }
}
