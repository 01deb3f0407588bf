//! `strongroom recover`: the service's catalogue, made anew from its store.
//!
//! # Why
//! A machine may be lost with all that is on it. The backups are in the store, and so is the journal
//! of the catalogue that says whose they are; with the master key both come back.
//!
//! # Concurrency and crash
//! The catalogue is made in one transaction. Killed before its end it is new still, and the same
//! command does all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, Rng};
use strongroom_control::{RecoverParts, RecoverReport, recover};
use strongroom_db::Db;

use crate::clock::TokioClock;
use crate::config::{Config, ConfigOptions};
use crate::failure::{Failure, Kind};
use crate::output::{Format, Printer, facts, warn};
use crate::serve::{log, parts};
use crate::{date, key_file};

const EXAMPLES: &str = "\
Examples:
  strongroom recover --data-dir ./data --store fs:///backups --key-file ~/master.key
  strongroom recover --database postgres://strongroom@db/strongroom \\
      --store 's3://backups/strongroom?endpoint=https://s3.example.org' --key-file ~/master.key

The catalogue must be new: an empty data directory, or an empty database. No process of the lost
service may run any more. Give the flags that `strongroom serve` was given, and start it with them
afterwards: passwords and access keys are as before, whoever was logged in logs in again.";

/// Makes the catalogue of a lost service anew from its store
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Recover {
    #[command(flatten)]
    options: ConfigOptions,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

#[derive(Debug, Serialize)]
struct Document {
    /// The database that is the catalogue now.
    database: String,
    /// Changes after this moment were not in the journal.
    until: String,
    /// Nothing was left out and everything could be read.
    whole: bool,
    /// How many of what there are now.
    catalogue: BTreeMap<&'static str, u64>,
    /// Newer than the journal, found by their manifests.
    added_backups: Vec<String>,
    /// Unfinished in the journal, whole in the store.
    completed_backups: Vec<String>,
    /// Deleted after the journal's end.
    removed_backups: Vec<String>,
    /// Were going on; they have failed now.
    failed_tasks: u64,
    /// Have repositories in the store, and nothing else is known of them.
    unknown_vaults: Vec<String>,
    /// Rows that name something that is not there.
    left_out: Vec<String>,
    unreadable: Vec<UnreadableDocument>,
    #[serde(skip)]
    until_short: String,
}

#[derive(Debug, Serialize)]
struct UnreadableDocument {
    what: String,
    why: String,
}

impl Recover {
    pub(crate) fn printer(&self) -> Printer {
        Printer { format: self.output, stdout_is_taken: false }
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let values = self.options.values()?;
        let config = Config::of(&values)?;
        log::start(&config);
        let master = key_file::read(&config.key_file)?;
        parts::make_data_dir(&config.data_dir)
            .with_context(|| format!("making the data directory {}", config.data_dir.display()))?;
        let db = Db::open(&config.database).await.context("opening the database")?;
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let rng: Arc<dyn Rng> = Arc::new(OsRng);
        let repositories = parts::repositories(&config, &values, &master, &clock, &rng)?;
        let recovering = RecoverParts { db, repositories: Arc::new(repositories), clock, rng };
        let report = recover(&recovering)
            .await
            .with_context(|| format!("recovering {} from {}", config.database, config.store))?;
        let document = Document::of(&config, &report);
        printer.print(&document, describe)?;
        for vault in &document.unknown_vaults {
            warn(&format!("vault {vault} is in the store and not in the journal"));
        }
        if report.unreadable.is_empty() && report.left_out.is_empty() {
            return Ok(());
        }
        Err(incomplete(&document).into())
    }
}

impl Document {
    fn of(config: &Config, report: &RecoverReport) -> Self {
        let texts =
            |ids: &[strongroom_model::BackupId]| ids.iter().map(ToString::to_string).collect();
        let unreadable = report
            .unreadable
            .iter()
            .map(|one| UnreadableDocument { what: one.what.clone(), why: one.why.clone() });
        Self {
            database: config.database.to_string(),
            until: report.until.to_string(),
            whole: report.is_whole(),
            catalogue: report.catalogue.iter().copied().collect(),
            added_backups: texts(&report.added),
            completed_backups: texts(&report.completed),
            removed_backups: texts(&report.removed),
            failed_tasks: report.failed_tasks,
            unknown_vaults: report.unknown_vaults.iter().map(ToString::to_string).collect(),
            left_out: report.left_out.clone(),
            unreadable: unreadable.collect(),
            until_short: date::show(report.until),
        }
    }
}

/// The document has told everything; programs that read it need no second one.
fn incomplete(document: &Document) -> Failure {
    let message = format!(
        "the catalogue is recovered, but not whole: {} objects could not be read, {} rows were left \
         out",
        document.unreadable.len(),
        document.left_out.len()
    );
    Failure::new(Kind::Corruption, message).told().hint(
        "check vaults, backups and above all users and their rights before you start the service: \
         the newest changes of what is damaged are missing",
    )
}

fn describe(document: &Document) -> String {
    let whole = if document.whole { "all of it" } else { "INCOMPLETE" };
    let mut rows = vec![
        ("recovered", format!("{} ({whole})", document.database)),
        ("until", document.until_short.clone()),
    ];
    let nouns: Vec<_> =
        document.catalogue.iter().map(|(noun, count)| (noun.replace('_', " "), count)).collect();
    rows.extend(nouns.iter().map(|(noun, count)| (noun.as_str(), count.to_string())));
    if document.failed_tasks > 0 {
        rows.push(("failed tasks", format!("{} (they were going on)", document.failed_tasks)));
    }
    let mut lines = vec![facts(rows)];
    let lists = [
        ("added (newer than the journal)", &document.added_backups),
        ("completed (unfinished in the journal)", &document.completed_backups),
        ("removed (deleted since)", &document.removed_backups),
    ];
    for (what, backups) in lists {
        lines.extend(backups.iter().map(|backup| format!("{what}: backup {backup}")));
    }
    lines.extend(document.left_out.iter().map(|row| format!("left out: {row}")));
    let unreadable = document.unreadable.iter();
    lines.extend(unreadable.map(|one| format!("unreadable: {}: {}", one.what, one.why)));
    lines
        .push("\nStart `strongroom serve` with the same settings. Passwords are as before.".into());
    lines.join("\n")
}
