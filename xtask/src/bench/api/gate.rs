//! What the service has to reach on two cores.

use super::database::Kind;
use super::limit::Against;
use super::load::CONNECTIONS;
use super::operation::Operation;
use super::run::{Measured, Row, What};
use super::server::CEILING;
use crate::bench::gate::mebibytes;

/// Single rows that are answered with in a second, at least.
const GETS: f64 = 3000.0;
/// How long the slowest of a hundred of them takes at most.
const GET_MS: f64 = 10.0;
/// The same of a list of 1,000, over one connection.
const LIST_MS: f64 = 60.0;
/// Vaults that are made in a second, at least.
const CREATES: f64 = 300.0;
/// Share of the logins that hashing alone would allow.
const LOGINS: f64 = 0.8;
/// Statements of one request.
const STATEMENTS: f64 = 4.0;
/// Memory of a server that has nothing to do.
const IDLE_MIB: f64 = 64.0;

/// One judged figure.
pub(super) struct Gate {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) limit: f64,
    /// Whether the limit is a floor; a ceiling otherwise.
    pub(super) is_floor: bool,
}

impl Gate {
    pub(super) fn passes(&self) -> bool {
        if self.is_floor { self.value >= self.limit } else { self.value <= self.limit }
    }

    fn least(name: String, value: f64, limit: f64) -> Self {
        Self { name, value, limit, is_floor: true }
    }

    fn most(name: String, value: f64, limit: f64) -> Self {
        Self { name, value, limit, is_floor: false }
    }
}

/// Judges what was measured with `PostgreSQL`.
pub(super) fn judge(all: &[Measured]) -> Vec<Gate> {
    let mut gates = Vec::new();
    for measured in all.iter().filter(|measured| measured.kind == Kind::Postgres) {
        gates.extend(measured.rows.iter().flat_map(|row| of_row(measured, row)));
        for statements in &measured.statements {
            let name = format!("statements: {}", statements.name);
            gates.push(Gate::most(name, statements.queries as f64, STATEMENTS));
        }
        if let Some(scans) = measured.scans {
            gates.push(Gate::most("large tables gone through".to_owned(), scans as f64, 0.0));
        }
        let memory =
            |name: &str, bytes, limit| Gate::most(name.to_owned(), mebibytes(bytes), limit);
        gates.push(memory("memory idle, MiB", measured.idle_bytes, IDLE_MIB));
        gates.push(memory("memory at its peak, MiB", measured.peak_bytes, mebibytes(CEILING)));
    }
    gates
}

fn of_row(measured: &Measured, row: &Row) -> Vec<Gate> {
    let Figures { rate, p99 } = Figures { rate: row.figures.rate(), p99: row.figures.p99_ms };
    match row.what {
        What::Operation(operation, scope) => {
            let name = |what: &str| format!("{}, {}: {what}", operation.word(), scope.word());
            if operation.is_get() {
                vec![
                    Gate::least(name("requests/s"), rate, GETS),
                    Gate::most(name("p99 ms"), p99, GET_MS),
                ]
            } else if operation == Operation::CreateVault {
                vec![Gate::least(name("requests/s"), rate, CREATES)]
            } else if row.connections < CONNECTIONS {
                vec![Gate::most(name("p99 ms"), p99, LIST_MS)]
            } else {
                Vec::new()
            }
        }
        What::IssueToken => {
            let hashes = measured.limits.iter().find(|limit| limit.of == Against::Logins);
            let floor = |limit: f64| Gate::least("tokens issued/s".to_owned(), rate, limit);
            hashes.map(|hashes| floor(hashes.rate * LOGINS)).into_iter().collect()
        }
        What::GetBesideLogins => Vec::new(),
    }
}

/// The two figures of a row that are judged.
struct Figures {
    rate: f64,
    p99: f64,
}
