//! Which way a database takes to the rows that a query wants.
//!
//! # Why
//! A query that reads a whole table answers rightly in every test and too late in a year. The
//! statements are those that the code really sends, and the plans those of the real planners.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, QueryResult, Statement};

use crate::Db;
use crate::dialect::Dialect;
use crate::reader::Readers;

/// A database whose statements are written down.
#[derive(Debug)]
pub struct Watched {
    /// Use this one.
    pub db: Db,
    quiet: Db,
    seen: Arc<Mutex<Vec<Statement>>>,
}

impl Watched {
    /// Watches what is asked over new clones of `db`.
    pub fn new(db: &Db) -> Self {
        let seen = Arc::<Mutex<Vec<Statement>>>::default();
        let watch = |connection: &DatabaseConnection| {
            let (mut connection, seen) = (connection.clone(), Arc::clone(&seen));
            connection.set_metric_callback(move |info| {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(info.statement.clone());
            });
            connection
        };
        let quiet = db.clone();
        let read = match &db.read {
            Readers::Pool(pool) => pool,
            // Its own readers have nothing that tells.
            Readers::Server(_) => &db.write,
        };
        let read = Readers::Pool(watch(read));
        let db = Db::of(read, watch(&db.write), db.dialect);
        Self { db, quiet, seen }
    }

    /// What was asked since this was called the last time, in order; what begins and ends
    /// transactions is not there.
    pub fn taken(&self) -> Vec<Statement> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often rows were looked for since this was asked the last time, and how the database goes
    /// about it: the nodes of the plans and the names of the indexes.
    pub async fn plans(&self) -> Result<Vec<String>, DbErr> {
        let seen = self.taken();
        let mut plans = Vec::new();
        for statement in seen {
            let looks =
                ["SELECT", "UPDATE", "DELETE"].iter().any(|it| statement.sql.starts_with(it));
            if looks && !statement.sql.ends_with("AS now") {
                plans.push(self.plan(statement).await?);
            }
        }
        Ok(plans)
    }

    async fn plan(&self, mut statement: Statement) -> Result<String, DbErr> {
        let dialect = self.quiet.dialect;
        let explain = match dialect {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN",
            Dialect::Postgres => "EXPLAIN (COSTS OFF)",
        };
        statement.sql = format!("{explain} {}", statement.sql);
        let rows = self.quiet.read.query_all_raw(statement).await?;
        match dialect {
            Dialect::Sqlite => of_sqlite(&rows),
            Dialect::Postgres => of_postgres(&rows),
        }
    }
}

/// Its plans name nodes by number, and each has that of the one it is below.
fn of_sqlite(rows: &[QueryResult]) -> Result<String, DbErr> {
    let (mut plan, mut above) = (String::new(), vec![0_i64]);
    for row in rows {
        let id: i64 = row.try_get("", "id")?;
        let parent: i64 = row.try_get("", "parent")?;
        let detail: String = row.try_get("", "detail")?;
        while above.len() > 1 && above.last() != Some(&parent) {
            above.pop();
        }
        writeln!(plan, "{}{detail}", "  ".repeat(above.len())).expect("a String takes all");
        above.push(id);
    }
    Ok(plan)
}

/// Its plans have a line for each node, and below it what it compares and how.
fn of_postgres(rows: &[QueryResult]) -> Result<String, DbErr> {
    let (mut plan, mut is_bounded) = (String::new(), true);
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(0));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    for (number, line) in lines.iter().enumerate() {
        let is_node = number == 0 || line.contains("->") || line.trim().ends_with("returns $0)");
        if line.contains("Index Cond:") {
            is_bounded = true;
        }
        if is_node {
            note_whole_index(&mut plan, is_bounded);
            is_bounded = !line.contains("Index");
            writeln!(plan, "  {line}").expect("a String takes all");
        }
    }
    note_whole_index(&mut plan, is_bounded);
    Ok(plan)
}

/// Says of the node that was written last that it goes over all of its index.
fn note_whole_index(plan: &mut String, is_bounded: bool) {
    if !is_bounded {
        plan.pop();
        plan.push_str(" (all of it)\n");
    }
}
