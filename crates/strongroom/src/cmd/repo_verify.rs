//! `strongroom repo verify`: looks for damage and names what it hits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde::Serialize;
use strongroom_base::{CancelToken, Progress};
use strongroom_repo::{VerifyLevel, VerifyOptions, VerifyReport};

use super::repo_backup::requests;
use crate::backup_document::size;
use crate::cancel::until_cancelled;
use crate::context::{Context, OpenStore};
use crate::date;
use crate::expectation::Expectation;
use crate::failure::{Failure, Kind};
use crate::output::facts;
use crate::progress_line::{rate_of, show};
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom repo verify
  strongroom repo verify --level structure
  strongroom repo verify --write-expect ~/web.expect
  strongroom repo verify --expect ~/web.expect

What is damaged is noted in the repository: later backups store it again. A list written with
--write-expect and kept elsewhere shows whether a whole backup, hold, deletion or key slot has
vanished, which the store itself cannot tell.";

/// Looks for damage; ends with code 6 when there is any
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// How closely to look
    #[arg(long, value_enum, default_value_t)]
    level: Level,
    /// Compare with a list that --write-expect wrote
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the list of what is there, if nothing is wrong
    #[arg(long, value_name = "FILE")]
    write_expect: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Level {
    /// Everything but the content of packs
    Structure,
    /// Also the seal of every frame
    Authenticate,
    /// Also unpack everything and name it anew
    #[default]
    Full,
}

#[derive(Debug, Serialize)]
struct Document {
    repository: String,
    level: String,
    sound: bool,
    backups: u64,
    packs: u64,
    read_bytes: u64,
    duration_ms: u64,
    damaged: Vec<DamagedDocument>,
    affected: Vec<AffectedDocument>,
    /// What the list of --expect names and the repository lacks.
    missing: Vec<String>,
    requests: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct DamagedDocument {
    key: String,
    what: String,
}

#[derive(Debug, Serialize)]
struct AffectedDocument {
    id: String,
    created: String,
    lost_units: u64,
    #[serde(skip)]
    created_short: String,
}

impl Verify {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let cancel = CancelToken::new();
        until_cancelled(&cancel, Box::pin(self.verify(context, &cancel))).await
    }

    async fn verify(&self, context: &Context, cancel: &CancelToken) -> Result<()> {
        let listed = self.expect.as_deref().map(Expectation::read).transpose()?;
        let (repository, store) = context.open_to_read().await?;
        let began = context.clock.monotonic();
        let progress = Progress::new();
        let level = match self.level {
            Level::Structure => VerifyLevel::Structure,
            Level::Authenticate => VerifyLevel::Authenticate,
            Level::Full => VerifyLevel::Full,
        };
        let options = VerifyOptions { level, cancel: cancel.clone(), progress: progress.clone() };
        let work = repository.verify(&options);
        let report = show(context.display(), "verify", &*context.clock, &progress, work)
            .await
            .context("verifying")?;
        let present = Expectation::of(&repository).await?;
        let missing = listed.map_or_else(Vec::new, |listed| listed.missing_in(&present));
        let took = context.clock.monotonic().saturating_sub(began);
        let document = self.document(repository.id().to_string(), &report, missing, took, &store);
        context.printer.print(&document, describe)?;
        if !document.sound {
            return Err(unsound(&document).into());
        }
        if let Some(path) = &self.write_expect {
            present.write(path)?;
        }
        Ok(())
    }

    fn document(
        &self,
        repository: String,
        report: &VerifyReport,
        missing: Vec<String>,
        took: Duration,
        store: &OpenStore,
    ) -> Document {
        let damaged = report.damaged.iter().map(|object| DamagedDocument {
            key: object.key.to_string(),
            what: object.what.clone(),
        });
        let affected = report.affected.iter().map(|backup| AffectedDocument {
            id: backup.id.to_string(),
            created: backup.manifest.created.to_string(),
            lost_units: backup.lost,
            created_short: date::show(backup.manifest.created),
        });
        let level = self.level.to_possible_value();
        Document {
            repository,
            level: level.map(|value| value.get_name().to_owned()).unwrap_or_default(),
            sound: report.is_sound() && missing.is_empty(),
            backups: report.backups,
            packs: report.packs,
            read_bytes: report.read,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            damaged: damaged.collect(),
            affected: affected.collect(),
            missing,
            requests: requests(&store.usage()),
        }
    }
}

/// The document has told everything; programs that read it need no second one.
fn unsound(document: &Document) -> Failure {
    let message = format!(
        "the repository is damaged: {} objects, {} backups affected, {} missing",
        document.damaged.len(),
        document.affected.len(),
        document.missing.len()
    );
    let failure = Failure::new(Kind::Corruption, message).told();
    let failure = if document.damaged.is_empty() {
        failure
    } else {
        failure.hint(
            "backups that are not named can be restored; a new backup of the same disk \
                      stores again what it finds missing",
        )
    };
    if document.missing.is_empty() {
        failure
    } else {
        failure.hint("if you removed these yourself, write the list anew with --write-expect")
    }
}

fn describe(document: &Document) -> String {
    let duration = Duration::from_millis(document.duration_ms);
    let sound = if document.sound { "nothing is wrong" } else { "DAMAGED" };
    let mut lines = vec![facts([
        ("verify", format!("{} ({})", sound, document.level)),
        ("backups", document.backups.to_string()),
        ("packs", document.packs.to_string()),
        ("read", size(document.read_bytes)),
        ("duration", span::show(duration)),
        ("rate", rate_of(document.read_bytes, duration)),
    ])];
    for object in &document.damaged {
        lines.push(format!("damaged: {}: {}", object.key, object.what));
    }
    for backup in &document.affected {
        lines.push(format!(
            "affected: backup {} of {}: {} units lost",
            backup.id, backup.created_short, backup.lost_units
        ));
    }
    for line in &document.missing {
        lines.push(format!("missing: {line}"));
    }
    lines.join("\n")
}
