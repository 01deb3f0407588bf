//! What a command answers: a table for people or a JSON document for programs.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One document with stable keys. That of `repo` and `export` has sizes in bytes and times in
    /// RFC 3339; the others have what the service answers, as it answers.
    Json,
}

/// Where and how the answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    pub(crate) format: Format,
    /// Standard output carries a disk, so the answer goes to standard error.
    pub(crate) stdout_is_taken: bool,
}

impl Printer {
    /// Prints `document`: itself as JSON, or the text that `text` makes of it.
    pub(crate) fn print<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        let text = match self.format {
            Format::Table => text(document),
            Format::Json => {
                serde_json::to_string_pretty(document).context("writing the answer as JSON")?
            }
        };
        self.write(text.trim_end()).context("printing the answer")
    }

    /// Writes a text and a line end. A reader that went away (`| head`) is no failure.
    pub(crate) fn write(self, text: &str) -> io::Result<()> {
        let written = if self.stdout_is_taken {
            writeln!(io::stderr(), "{text}")
        } else {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{text}").and_then(|()| stdout.flush())
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

/// A table without lines. Columns whose header starts with `>` are aligned to the right.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|title| title.trim_start_matches('>')));
    table.add_rows(rows);
    for (column, title) in table.column_iter_mut().zip(header) {
        // One blank: a list of backups must fit 80 columns.
        column.set_padding((0, 1));
        if title.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// As much of `text` as `width` columns take.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Lines of a name and a value each.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let facts: Vec<_> = facts.into_iter().collect();
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = facts.iter().map(|(name, value)| format!("{name:width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes a warning to standard error.
pub(crate) fn warn(text: &str) {
    eprintln!("warning: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_aligns_its_columns() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["bcd".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["ID", ">SIZE"], rows), "ID  SIZE\na      1\nbcd   22");
    }

    #[test]
    fn facts_align_their_values() {
        assert_eq!(facts([("a", "1".to_owned()), ("bcd", "2".to_owned())]), "a    1\nbcd  2");
    }
}
