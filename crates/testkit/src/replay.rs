//! Sends recorded traffic of a client to a server of ours and compares the answers
//! (`traces/README.md` has the rules).
//!
//! # Why
//! What a client needs of the API is what it sent and what satisfied it. A flow that replays without
//! a difference is a flow that the client would have finished here.
//!
//! # How it differs from the record
//! - What is not served yet is skipped with everything that needs what only it would have given,
//!   and counted.
//! - Before each write the tasks of the server end: the recorded clients waited, and their waiting
//!   was cut out of the records.
//! - Resources that were there before the record began are made and adopted first.

mod answers;
mod ground;
mod ids;
mod scope;
mod sender;

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::Value;
use strongroom_db::dialect::Dialect;

use self::answers::Comparison;
use self::ids::Ids;
use crate::exchange::Answer;
use crate::server::{Names, Server};
use crate::trace::{Exchange, Request, Trace};

/// The code of what is not served (contract, 11b).
const NOT_SERVED: &str = "APIGW.0101";
/// What the services say that have no code for it.
const NO_OPERATION: &str = "The API does not exist.";
/// How often an answer is asked for that is not yet what was recorded, and no task runs.
const LAST_TRIES: u32 = 3;

/// How a replay ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Requests of the client that were sent and are served.
    pub served: usize,
    /// All requests of the client.
    pub total: usize,
    /// What differed.
    pub differences: Vec<Difference>,
    /// The requests that were left out, by number, each with its reason.
    pub skipped: Vec<(u32, String)>,
}

/// An answer that is not what satisfied the client.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The request's number in its trace.
    pub n: u32,
    /// Method and path.
    pub request: String,
    /// Where, and what is there instead of what.
    pub what: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.n, self.request)?;
        self.what.iter().try_for_each(|what| write!(f, "\n      {what}"))
    }
}

impl Request {
    /// Whether it prepared the flow and is no traffic of the client.
    fn is_set_up(&self) -> bool {
        let agent = self.headers.get("user-agent").map_or("", String::as_str);
        agent.starts_with("curl") || agent.starts_with("Python-urllib")
    }

    fn is_write(&self) -> bool {
        self.method != "GET"
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (&self.method, &self.path, &self.query) == (&other.method, &other.path, &other.query)
    }
}

/// Replays a trace against a server of its own.
pub fn replay(trace: &Trace, dialect: Dialect) -> Result<Outcome> {
    let server = Server::start_as(&names(&trace.client), dialect)?;
    let mut ids = ground::prepare(&server, trace)?;
    let requests = trace.exchanges.iter().map(|exchange| mentioned(&exchange.request));
    ids.expect(&requests.collect::<Vec<_>>());
    let outcome = Outcome::default();
    let mut player =
        Player { server: &server, ids, tokens: Vec::new(), unknown: Vec::new(), outcome };
    for (at, exchange) in trace.exchanges.iter().enumerate() {
        let next = trace.exchanges.get(at + 1);
        let place = || format!("{}/{}:{}", trace.client, trace.name, exchange.n);
        player.play(exchange, next).with_context(place)?;
    }
    let outcome = player.outcome;
    server.settle()?;
    Ok(outcome)
}

/// What the recorded clients were configured with.
fn names(client: &str) -> Names {
    let names = |region: &str, domain: &str, admin: &str| Names {
        region: region.to_owned(),
        domain: domain.to_owned(),
        admin: admin.to_owned(),
    };
    if client.contains("huaweicloud") {
        names("self-1", "example-domain", "example-user")
    } else {
        names("eu-test", "OTC00000000001000000001", "judge")
    }
}

/// Where a replay stands.
struct Player<'a> {
    server: &'a Server,
    ids: Ids,
    /// Recorded scope, real token; the newest last.
    tokens: Vec<(String, String)>,
    /// Keys whose values skipped requests would have changed.
    unknown: Vec<&'static str>,
    outcome: Outcome,
}

impl Player<'_> {
    fn play(&mut self, exchange: &Exchange, next: Option<&Exchange>) -> Result<()> {
        let request = &exchange.request;
        if request.is_set_up() && ground::is_made_otherwise(request) {
            return Ok(());
        }
        if !request.is_set_up() {
            self.outcome.total += 1;
        }
        let freed = scope::freed(exchange, &self.ids);
        let exchange = freed.as_ref().unwrap_or(exchange);
        let request = &exchange.request;
        if let Some(why) = scope::needs(request, &self.ids) {
            self.skip(exchange, why);
            return Ok(());
        }
        if request.is_write() {
            self.server.settle()?;
        }
        let next = next.filter(|next| next.request.is_same_as(request));
        let (answer, found) = self.ask(exchange, next)?;
        if is_not_served(&answer) && !found.differences.is_empty() {
            self.skip(exchange, "is not served".to_owned());
            return Ok(());
        }
        self.learn(exchange, &answer);
        self.ids = found.ids;
        if !request.is_set_up() {
            self.outcome.served += 1;
        }
        if !found.differences.is_empty() {
            let request = format!("{} {}", request.method, request.path);
            let what = found.differences;
            self.outcome.differences.push(Difference { n: exchange.n, request, what });
        }
        Ok(())
    }

    /// Asks until the answer is the recorded one, or will not become it any more.
    fn ask(&self, exchange: &Exchange, next: Option<&Exchange>) -> Result<(Answer, Comparison)> {
        let mut tries = 0;
        loop {
            let is_idle = self.server.open_work()?.is_empty();
            let answer = sender::send(self.server, &self.ids, &self.tokens, exchange)?;
            let found = self.compare(exchange, &answer);
            if found.differences.is_empty() || exchange.request.is_write() {
                return Ok((answer, found));
            }
            if let Some(next) = next {
                // A server that is already further is right, too.
                let further = self.compare(next, &answer);
                if further.differences.is_empty() {
                    return Ok((answer, further));
                }
            }
            tries += u32::from(is_idle);
            if tries == LAST_TRIES || is_not_served(&answer) {
                return Ok((answer, found));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// What skipped requests would have changed is not compared.
    fn compare(&self, exchange: &Exchange, answer: &Answer) -> Comparison {
        let mut found = answers::compare(&self.ids, exchange, answer);
        let is_known =
            |what: &String| !self.unknown.iter().any(|key| what.contains(&format!("/{key}")));
        found.differences.retain(is_known);
        found
    }

    fn skip(&mut self, exchange: &Exchange, why: String) {
        self.unknown.extend(scope::changed_by(&exchange.request));
        self.outcome.skipped.push((exchange.n, why));
        if let Some(body) = &exchange.response.body {
            self.ids.lose(body, &mentioned(&exchange.request));
        }
    }

    /// Keeps a token under what it is good for.
    fn learn(&mut self, exchange: &Exchange, answer: &Answer) {
        let token = answer.header("x-subject-token");
        if token.is_empty() || answer.status != 201 {
            return;
        }
        let scope = |kind: &str| {
            let body = exchange.response.body.as_ref()?;
            body.pointer(&format!("/token/{kind}/id")).and_then(Value::as_str)
        };
        let scope = scope("project").or_else(|| scope("domain")).unwrap_or_default();
        self.tokens.push((scope.to_owned(), token.to_owned()));
    }
}

/// Whether the API has no such operation yet. Not every service has a code for that.
fn is_not_served(answer: &Answer) -> bool {
    let is_unknown = answer.code() == NOT_SERVED || answer.text().contains(NO_OPERATION);
    answer.status == 404 && is_unknown
}

/// All text of a request that may hold ids.
fn mentioned(request: &Request) -> String {
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    format!("{} {:?} {body}", request.path, request.query)
}
