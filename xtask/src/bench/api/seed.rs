//! Fills a database, once.
//!
//! # Why
//! The program makes the tables and the first administrator; the rows are written past it. Indexes
//! are made at the end, and nobody checks what names what: both take hours otherwise.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::database::{Database, Kind};
use super::postgres::Mode;
use super::rows::{COUNTERS, MADE_VAULT, TABLES, accounts};
use super::scale::Scale;
use super::server::Server;

/// Makes sure that a database with all rows is in `work`.
pub(super) fn prepare(kind: Kind, program: &Path, work: &Path, scale: &Scale) -> Result<()> {
    let marker = work.join("filled");
    if marker.exists() {
        return Ok(());
    }
    eprintln!("{}: filling a database", kind.word());
    Database::remove(kind, work)?;
    fs::create_dir_all(work).with_context(|| format!("making {}", work.display()))?;
    let database = Database::open(kind, work, Mode::Filling)?;
    Server::start(program, &database, work, None)?.stop()?;
    fill(&database, scale)?;
    drop(database);
    File::create(&marker).context("marking a database as filled")?;
    Ok(())
}

/// Takes away what an earlier bench made through the service.
pub(super) fn clean(database: &Database) -> Result<()> {
    database.ask(&format!("DELETE FROM cbr_vault WHERE name = '{MADE_VAULT}'"))?;
    database.ask("DELETE FROM audit_record")?;
    database.ask("DELETE FROM iam_token")?;
    if let Database::Postgres(_) = database {
        database.ask("VACUUM (ANALYZE)")?;
        database.ask("CHECKPOINT")?;
    }
    Ok(())
}

fn fill(database: &Database, scale: &Scale) -> Result<()> {
    let (begin, indexes, end) = match database {
        Database::Postgres(_) => (
            "SET session_replication_role = replica;\n",
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'by\\_%'",
            "",
        ),
        Database::Sqlite(_) => (
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;\n\
             BEGIN;\n",
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name LIKE 'by\\_%' ESCAPE '\\'",
            // The journal of such a catalogue has long said all of it. Then as the program does when it
            // closes a database.
            "DELETE FROM journal_change; COMMIT;\n\
             PRAGMA analysis_limit = 400; ANALYZE; PRAGMA journal_mode = WAL;\n",
        ),
    };
    let indexes = database.ask(indexes)?;
    let indexes: Vec<_> = indexes.lines().filter_map(|line| line.split_once('\t')).collect();
    database.fill(|to| {
        to.write_all(begin.as_bytes())?;
        for (name, _) in &indexes {
            writeln!(to, "DROP INDEX {name};")?;
        }
        to.write_all(accounts().as_bytes())?;
        for table in TABLES {
            database.write_table(to, scale, table)?;
        }
        to.write_all(COUNTERS.as_bytes())?;
        for (_, definition) in &indexes {
            writeln!(to, "{definition};")?;
        }
        Ok(to.write_all(end.as_bytes())?)
    })
}
