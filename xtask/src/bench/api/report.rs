//! The figures as tables for people and as JSON for programs.

use std::fmt;
use std::fmt::Write;

use serde_json::{Value, json};

use super::gate::Gate;
use super::limit::Against;
use super::operation::{Operation, Scope};
use super::run::{Measured, Row, What};
use crate::bench::gate::mebibytes;

/// Everything one bench found out.
pub(super) struct Report<'a> {
    pub(super) databases: &'a [Measured],
    pub(super) gates: &'a [Gate],
}

impl Report<'_> {
    /// Tables, one for each database and scope.
    pub(super) fn to_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        for measured in self.databases {
            write_database(&mut text, measured)?;
        }
        self.write_gates(&mut text)?;
        Ok(text)
    }

    fn write_gates(&self, text: &mut String) -> fmt::Result {
        if self.gates.is_empty() {
            return writeln!(text, "\nno gate judged: PostgreSQL was not measured");
        }
        writeln!(text, "\ngates")?;
        for gate in self.gates {
            writeln!(
                text,
                "  {} {:44} {:10.2}, at {} {:9.2}",
                if gate.passes() { "PASS" } else { "FAIL" },
                gate.name,
                gate.value,
                if gate.is_floor { "least" } else { "most " },
                gate.limit,
            )?;
        }
        Ok(())
    }

    /// The same for programs; sizes in bytes, times in milliseconds, rates in a second.
    pub(super) fn to_json(&self) -> Value {
        let gates = self.gates.iter().map(|gate| {
            json!({
                "name": gate.name,
                "value": gate.value,
                "limit": gate.limit,
                "is_floor": gate.is_floor,
                "pass": gate.passes(),
            })
        });
        json!({
            "databases": self.databases.iter().map(database_json).collect::<Value>(),
            "gates": gates.collect::<Value>(),
        })
    }
}

fn write_database(text: &mut String, measured: &Measured) -> fmt::Result {
    let scale = measured.scale;
    writeln!(text, "\n{}", measured.description)?;
    writeln!(
        text,
        "{} vaults, {} backups, {} tasks, {} tokens",
        scale.vaults, scale.backups, scale.tasks, measured.tokens
    )?;
    writeln!(text, "\nthis machine's limits{:48}        /s", "")?;
    for limit in &measured.limits {
        writeln!(text, "  {:66} {:10.0}", limit.of.title(), limit.rate)?;
    }
    for scope in Scope::ALL {
        let is_of = |row: &&Row| matches!(row.what, What::Operation(_, of) if of == scope);
        write_rows(text, measured, scope.title(), measured.rows.iter().filter(is_of))?;
    }
    let is_other = |row: &&Row| !matches!(row.what, What::Operation(..));
    write_rows(text, measured, "logins", measured.rows.iter().filter(is_other))?;
    write_statements(text, measured)?;
    let ceiling = if measured.has_ceiling { ", with a ceiling that the kernel keeps" } else { "" };
    writeln!(
        text,
        "\nmemory of the server: idle {:.0} MiB, at its peak {:.0} MiB{ceiling}",
        mebibytes(measured.idle_bytes),
        mebibytes(measured.peak_bytes)
    )
}

fn write_rows<'a>(
    text: &mut String,
    measured: &Measured,
    title: &str,
    rows: impl Iterator<Item = &'a Row>,
) -> fmt::Result {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    writeln!(
        text,
        "\n{title:42} conns        /s   p50 ms   p99 ms   max ms   KiB each  share of limits"
    )?;
    for row in rows {
        let figures = row.figures;
        writeln!(
            text,
            "  {:40} {:5} {:9.0} {:8.2} {:8.2} {:8.1} {:10.1}  {}",
            name_of(row.what),
            row.connections,
            figures.rate(),
            figures.p50_ms,
            figures.p99_ms,
            figures.longest_ms,
            figures.answer_bytes() as f64 / 1024.0,
            shares(measured, row)
        )?;
    }
    Ok(())
}

fn write_statements(text: &mut String, measured: &Measured) -> fmt::Result {
    if measured.statements.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nstatements of a request{:19}  queries   begin and end", "")?;
    for counted in &measured.statements {
        writeln!(
            text,
            "  {:40}  {:7}   {:13}",
            counted.name, counted.queries, counted.transactions
        )?;
    }
    if let Some(scans) = measured.scans {
        writeln!(text, "  large tables gone through, under all of the load: {scans}")?;
    }
    Ok(())
}

fn name_of(what: What) -> String {
    match what {
        What::Operation(operation, _) => operation.word().to_owned(),
        What::IssueToken => "issue-token".to_owned(),
        What::GetBesideLogins => "get-backup beside 8 logins at a time".to_owned(),
    }
}

/// What a row is compared with.
fn compared_with(what: What) -> &'static [Against] {
    match what {
        What::Operation(Operation::CreateVault, _) => &[Against::Commits, Against::Syncs],
        What::Operation(operation, _) if operation.is_list() => &[],
        What::IssueToken => &[Against::Logins],
        _ => &[Against::Rows, Against::Answers],
    }
}

fn shares(measured: &Measured, row: &Row) -> String {
    let shares = compared_with(row.what).iter().filter_map(|of| {
        let limit = measured.limits.iter().find(|limit| limit.of == *of)?;
        let word = match of {
            Against::Rows => "rows by key",
            Against::Commits => "commits",
            Against::Syncs => "syncs",
            Against::Answers => "healthz",
            Against::Logins => "hashes",
        };
        Some(format!("{:.2} of {word}", row.figures.rate() / limit.rate))
    });
    shares.collect::<Vec<_>>().join(", ")
}

fn database_json(measured: &Measured) -> Value {
    let limits =
        measured.limits.iter().map(|limit| json!({"name": limit.of.title(), "rate": limit.rate}));
    let rows = measured.rows.iter().map(|row| {
        let scope = match row.what {
            What::Operation(_, scope) => Some(scope.word()),
            _ => None,
        };
        json!({
            "operation": name_of(row.what),
            "scope": scope,
            "connections": row.connections,
            "requests": row.figures.requests,
            "rate": row.figures.rate(),
            "p50_ms": row.figures.p50_ms,
            "p99_ms": row.figures.p99_ms,
            "longest_ms": row.figures.longest_ms,
            "answer_bytes": row.figures.answer_bytes(),
        })
    });
    let statements = measured.statements.iter().map(|counted| {
        json!({
            "operation": counted.name,
            "queries": counted.queries,
            "transactions": counted.transactions,
        })
    });
    json!({
        "database": measured.kind.word(),
        "description": measured.description,
        "vaults": measured.scale.vaults,
        "backups": measured.scale.backups,
        "tasks": measured.scale.tasks,
        "tokens": measured.tokens,
        "limits": limits.collect::<Value>(),
        "rows": rows.collect::<Value>(),
        "statements": statements.collect::<Value>(),
        "scans": measured.scans,
        "idle_bytes": measured.idle_bytes,
        "peak_bytes": measured.peak_bytes,
        "has_ceiling": measured.has_ceiling,
    })
}
