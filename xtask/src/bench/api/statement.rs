//! How many statements a request makes, as `PostgreSQL` counts them.
//!
//! # Why
//! Requests are sent one after another and the calls of each statement divided by their number, to
//! the nearest whole one: what the program does beside them, a few times in all, rounds to none.
//! `BEGIN`, `COMMIT` and `ROLLBACK` are counted apart.

use anyhow::{Context as _, Result};

use super::client::Client;
use super::database::Database;
use super::operation::{Operation, Request, counted};
use super::scale::Scale;
use super::token::{Tokens, logins};

/// Requests whose statements are counted together.
const REQUESTS: u64 = 24;

/// What one operation makes.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) name: String,
    /// Those that read or write rows.
    pub(super) queries: u64,
    /// Those that begin and end transactions.
    pub(super) transactions: u64,
}

/// Counts for every operation, in the large project.
pub(super) fn count_all(
    database: &Database,
    host: &str,
    scale: &Scale,
    tokens: &Tokens,
    password: &str,
) -> Result<Vec<Statements>> {
    let mut counts = Vec::new();
    for operation in Operation::ALL {
        let request = |turn| operation.request(scale, 0, turn, tokens.of(0, turn));
        counts.push(count(database, host, operation.word(), request)?);
    }
    let others = counted(scale, 0, 0).len();
    for other in 0..others {
        let of_turn = |turn| counted(scale, 0, turn).swap_remove(other);
        let request = |turn| Request::get(of_turn(turn).1, tokens.of(0, turn));
        counts.push(count(database, host, of_turn(0).0, request)?);
    }
    let logins = logins(password);
    let login = logins.first().context("there are users")?;
    counts.push(count(database, host, "issue a token", |_| login.clone())?);
    Ok(counts)
}

fn count(
    database: &Database,
    host: &str,
    name: &str,
    request: impl Fn(u64) -> Request,
) -> Result<Statements> {
    let mut client = Client::connect(host)?;
    database.ask("SELECT pg_stat_statements_reset()")?;
    for turn in 0..REQUESTS {
        client.expect(&request(turn))?;
    }
    let called = "SELECT calls, translate(left(query, 9), E'\\n\\t', '  ') FROM pg_stat_statements";
    let called = database.ask(called)?;
    let mut statements = Statements { name: name.to_owned(), queries: 0, transactions: 0 };
    for (calls, query) in called.lines().filter_map(|line| line.split_once('\t')) {
        let calls: u64 = calls.parse().context("calls are a number")?;
        let each = (calls + REQUESTS / 2) / REQUESTS;
        let word = query.split(' ').next().unwrap_or_default();
        if ["BEGIN", "COMMIT", "ROLLBACK"].contains(&word) {
            statements.transactions += each;
        } else {
            statements.queries += each;
        }
    }
    Ok(statements)
}
