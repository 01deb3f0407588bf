//! Turns: taking one, reading what is noted, forgetting it.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::ROWS;
use super::record::{JournalRecord, canonical};
use super::table::{TABLES, Table};
use crate::entity::journal_change::{Column as Note, Entity as Notes, Model as Noted};
use crate::entity::journal_owner::{ActiveModel, Column, Entity, Model};
use crate::row::Row;
use crate::{Db, DbError, Tx};

/// The key of the only row.
const ONLY: i32 = 1;

/// Who this catalogue is for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOwner {
    /// 32 hexadecimal digits.
    pub owner: String,
    /// Whose journal it was made from.
    pub replaces: Option<String>,
    /// The fence of the turn that was begun last.
    pub fence: u64,
    /// Whether the journal has seen a higher fence than this catalogue: this is an older state of it.
    pub is_behind: bool,
}

impl TryFrom<Model> for JournalOwner {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let fence = Row { table: "journal_owner", id: "" }.number("fence", row.fence)?;
        Ok(Self { owner: row.owner, replaces: row.replaces, fence, is_behind: false })
    }
}

impl Db {
    /// Whether nothing is noted.
    pub async fn journal_is_idle(&self) -> Result<bool, DbError> {
        let first = Notes::find().limit(1).count(&self.read).await;
        first.map(|count| count == 0).map_err(DbError::of("journal_is_idle"))
    }

    /// Begins a turn: raises the fence above what it was and what the journal has `seen`, in a
    /// transaction of its own. A catalogue without an owner's id takes `new`.
    pub async fn journal_begin(&self, new: &str, seen: u64) -> Result<JournalOwner, DbError> {
        let query = "journal_begin";
        let tx = self.begin().await?;
        let found = Entity::find_by_id(ONLY).lock_exclusive().one(&tx.0).await;
        let mut row = match found.map_err(DbError::of(query))? {
            Some(row) => row,
            None => tx.journal_own(new, None).await?,
        };
        let seen = crate::row::number(seen);
        let is_behind = row.fence < seen;
        row.fence = if is_behind { seen } else { row.fence }.saturating_add(1);
        let raise = Entity::update_many().col_expr(Column::Fence, Expr::value(row.fence));
        raise.exec(&tx.0).await.map_err(DbError::of(query))?;
        tx.commit().await?;
        Ok(JournalOwner { is_behind, ..row.try_into()? })
    }

    /// Forgets these notes as long as nobody begins another turn; whether it forgot all of them.
    /// Whoever dies on the way leaves the rest for another turn.
    pub async fn journal_forget(&self, fence: u64, notes: &[i64]) -> Result<bool, DbError> {
        // A transaction for each part: a store that was away for long leaves millions of notes, and
        // whoever else writes to a file waits for the one transaction.
        for part in notes.chunks(ROWS) {
            if !self.journal_forget_part(fence, part).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn journal_forget_part(&self, fence: u64, notes: &[i64]) -> Result<bool, DbError> {
        let query = "journal_forget";
        let tx = self.begin().await?;
        let found = Entity::find_by_id(ONLY).lock_exclusive().one(&tx.0).await;
        let owner = found.map_err(DbError::of(query))?.map(JournalOwner::try_from).transpose()?;
        if owner.is_none_or(|owner| owner.fence != fence) {
            return Ok(false);
        }
        let these = Note::Number.is_in(notes.iter().copied());
        Notes::delete_many().filter(these).exec(&tx.0).await.map_err(DbError::of(query))?;
        tx.commit().await?;
        Ok(true)
    }

    /// Begins to read what is noted, as it is at one moment.
    pub async fn journal_notes(&self) -> Result<JournalNotes, DbError> {
        let tx = self.begin_reading("journal_notes").await?;
        Ok(JournalNotes { tx, after: 0, read: Vec::new() })
    }
}

impl Tx {
    /// Makes this catalogue the one that goes on with a journal; nothing is noted of it until now.
    pub async fn journal_take_over(&self, owner: &str, replaces: &str) -> Result<(), DbError> {
        let query = "journal_take_over";
        Notes::delete_many().exec(&self.0).await.map_err(DbError::of(query))?;
        self.journal_own(owner, Some(replaces)).await.map(drop)
    }

    async fn journal_own(&self, owner: &str, replaces: Option<&str>) -> Result<Model, DbError> {
        let row = Model {
            id: ONLY,
            owner: owner.to_owned(),
            replaces: replaces.map(ToOwned::to_owned),
            fence: 0,
        };
        let Model { id, owner, replaces, fence } = row.clone();
        let new = ActiveModel {
            id: Set(id),
            owner: Set(owner),
            replaces: Set(replaces),
            fence: Set(fence),
        };
        let inserted = Entity::insert(new).exec_without_returning(&self.0).await;
        inserted.map(|_| row).map_err(DbError::of("journal_own"))
    }
}

/// What is noted, page by page.
#[derive(Debug)]
pub struct JournalNotes {
    tx: DatabaseTransaction,
    after: i64,
    read: Vec<i64>,
}

impl JournalNotes {
    /// The rows of the next notes, each as it is now; none at the end.
    pub async fn page(&mut self) -> Result<Vec<JournalRecord>, DbError> {
        let query = Notes::find()
            .filter(Note::Number.gt(self.after))
            .order_by_asc(Note::Number)
            .limit(ROWS as u64);
        let notes = query.all(&self.tx).await.map_err(DbError::of("journal_page_of_notes"))?;
        let Some(last) = notes.last() else { return Ok(Vec::new()) };
        self.after = last.number;
        self.read.extend(notes.iter().map(|note| note.number));
        let mut records = Vec::new();
        for (table, keys) in by_table(&notes)? {
            records.extend(records_of(&self.tx, table, keys).await?);
        }
        Ok(records)
    }

    /// The numbers of all notes that were read.
    pub fn read(self) -> Vec<i64> {
        self.read
    }
}

/// A table and keys of it.
type KeysOf = (&'static dyn Table, Vec<String>);

/// The keys that notes are about, each once.
fn by_table(notes: &[Noted]) -> Result<Vec<KeysOf>, DbError> {
    let mut keys = BTreeMap::<&str, Vec<String>>::new();
    for note in notes {
        let id = note.number.to_string();
        let at = Row { table: "journal_change", id: &id };
        let key = canonical(&note.row_key).ok_or(at.wrong("row_key"))?;
        let of_table = keys.entry(note.table_name.as_str()).or_default();
        if !of_table.contains(&key) {
            of_table.push(key);
        }
    }
    // A table that is not followed any more is left out.
    let keys_of = |table: &&'static dyn Table| Some((*table, keys.remove(table.name())?));
    Ok(TABLES.iter().filter_map(keys_of).collect())
}

async fn records_of(
    on: &DatabaseTransaction,
    table: &'static dyn Table,
    keys: Vec<String>,
) -> Result<Vec<JournalRecord>, DbError> {
    let mut found: BTreeMap<_, _> = table.find(on, &keys).await?.into_iter().collect();
    let record = |key: String| {
        let row = found.remove(&key);
        JournalRecord { table: table.name().to_owned(), key, row }
    };
    Ok(keys.into_iter().map(record).collect())
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::dialect::Dialect;
    use crate::testing::Scratch;

    // proves: JRN-6
    #[tokio::test]
    async fn turn_that_begins_while_notes_are_forgotten_keeps_the_rest() {
        let scratch = Scratch::new(Dialect::Sqlite).await;
        let db = &scratch.db;
        let fence = db.journal_begin("somebody", 0).await.unwrap().fence;
        let fill = format!(
            "WITH RECURSIVE note(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM note WHERE n < {}) \
             INSERT INTO journal_change (number, table_name, row_key) \
             SELECT n, 'cbr_vault', '[\"1\"]' FROM note",
            3 * ROWS
        );
        let other = format!(
            "CREATE TRIGGER other AFTER DELETE ON journal_change WHEN OLD.number = {ROWS} \
             BEGIN UPDATE journal_owner SET fence = fence + 1; END"
        );
        db.write.execute_unprepared(&fill).await.unwrap();
        db.write.execute_unprepared(&other).await.unwrap();
        let notes: Vec<_> = (1..).take(3 * ROWS).collect();
        assert!(!db.journal_forget(fence, &notes).await.unwrap());
        let left = Notes::find().count(&db.read).await.unwrap();
        assert_eq!(left, 2 * ROWS as u64);
        assert!(db.journal_forget(fence + 1, &notes).await.unwrap());
        assert!(db.journal_is_idle().await.unwrap());
    }
}
