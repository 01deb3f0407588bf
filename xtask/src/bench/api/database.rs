//! One of the two databases, asked and filled by its own shell.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::postgres::{Mode, Postgres};
use super::rows::{Table, Value};
use super::scale::Scale;
use crate::bench::measure::{command, run};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    Sqlite,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// A database that can be asked.
pub(super) enum Database {
    Postgres(Postgres),
    Sqlite(PathBuf),
}

impl Database {
    /// Starts it in `work`.
    pub(super) fn open(kind: Kind, work: &Path, mode: Mode) -> Result<Self> {
        Ok(match kind {
            Kind::Postgres => Self::Postgres(Postgres::start(&work.join("postgres"), mode)?),
            Kind::Sqlite => Self::Sqlite(work.join("catalogue.db")),
        })
    }

    /// Removes what lies in `work` of a database that was never filled to its end.
    pub(super) fn remove(kind: Kind, work: &Path) -> Result<()> {
        if kind == Kind::Postgres {
            Postgres::stop_left(&work.join("postgres"));
        }
        match fs::remove_dir_all(work) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", work.display()))
            }
            _ => Ok(()),
        }
    }

    /// As `strongroom serve --database` takes it.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url(),
            Self::Sqlite(file) => format!("sqlite://{}", file.display()),
        }
    }

    /// Its version and what it was told.
    pub(super) fn describe(&self) -> Result<String> {
        match self {
            Self::Postgres(server) => server.describe(),
            Self::Sqlite(_) => {
                let version = self.ask("SELECT sqlite_version()")?;
                Ok(format!("SQLite; the shell is {version}, the program has its own"))
            }
        }
    }

    /// Runs statements; the rows of their answers, values apart by tabs.
    pub(super) fn ask(&self, sql: &str) -> Result<String> {
        let mut shell = self.shell();
        match self {
            Self::Postgres(_) => shell.args(["-c", sql]),
            Self::Sqlite(_) => shell.arg(sql),
        };
        Ok(run(&mut shell)?.trim().to_owned())
    }

    /// The one number that `sql` asks for.
    pub(super) fn ask_number(&self, sql: &str) -> Result<u64> {
        let answer = self.ask(sql)?;
        answer.parse().with_context(|| format!("{sql} answered {answer:?}"))
    }

    fn shell(&self) -> Command {
        match self {
            Self::Postgres(server) => {
                let mut shell = server.client("psql");
                shell.args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"]);
                shell
            }
            Self::Sqlite(file) => {
                let mut shell = command("sqlite3");
                shell.args(["-batch", "-bail", "-tabs"]).arg(file);
                shell
            }
        }
    }

    /// Lets `write` write statements and rows, in one session of the shell.
    pub(super) fn fill(&self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let mut shell = self.shell();
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("starting the database's shell")?;
        let input = child.stdin.take().context("standard input was piped above")?;
        let mut input = BufWriter::with_capacity(1 << 20, input);
        let written = write(&mut input).and_then(|()| Ok(input.flush()?));
        drop(input);
        let status = child.wait().context("waiting for the database's shell")?;
        written?;
        ensure!(status.success(), "the database's shell ended with {status}");
        Ok(())
    }

    /// Writes all rows of a table.
    pub(super) fn write_table(
        &self,
        to: &mut dyn Write,
        scale: &Scale,
        table: &Table,
    ) -> Result<()> {
        let Table { name, columns, rows, row } = table;
        let numbers = 0..rows(scale);
        match self {
            Self::Postgres(_) => {
                writeln!(to, "COPY {name} ({columns}) FROM STDIN;")?;
                for number in numbers {
                    to.write_all(copied(&row(scale, number)).as_bytes())?;
                }
                writeln!(to, "\\.")?;
            }
            Self::Sqlite(_) => {
                for number in numbers {
                    let is_first = number % INSERTED_AT_ONCE == 0;
                    let end = if number > 0 { ";\n" } else { "" };
                    let before = if is_first {
                        format!("{end}INSERT INTO {name} ({columns}) VALUES\n")
                    } else {
                        ",\n".to_owned()
                    };
                    to.write_all(before.as_bytes())?;
                    to.write_all(inserted(&row(scale, number)).as_bytes())?;
                }
                writeln!(to, ";")?;
            }
        }
        Ok(())
    }
}

/// Rows of one statement: what the shell parses at once.
const INSERTED_AT_ONCE: u64 = 500;

/// A row as `COPY` reads it. No text of ours has what would have to be escaped.
fn copied(row: &[Value]) -> String {
    let values = row.iter().map(|value| match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Truth(truth) => if *truth { "t" } else { "f" }.to_owned(),
        Value::Null => "\\N".to_owned(),
    });
    values.collect::<Vec<_>>().join("\t") + "\n"
}

/// A row as `INSERT` takes it.
fn inserted(row: &[Value]) -> String {
    let values = row.iter().map(|value| match value {
        Value::Text(text) => format!("'{text}'"),
        Value::Number(number) => number.to_string(),
        Value::Truth(truth) => truth.to_string(),
        Value::Null => "NULL".to_owned(),
    });
    format!("({})", values.collect::<Vec<_>>().join(","))
}
