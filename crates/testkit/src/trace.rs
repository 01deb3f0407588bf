//! Recorded traffic of real clients, typed: `traces/CLIENT/NAME.jsonl`, see `traces/README.md`.
//!
//! # Why
//! The requests were sent by the clients themselves, unmodified: they show what a server must
//! accept. The answers came from a stand-in and show what satisfied the client.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The access key of all requests that were recorded with their signature in full.
pub const ACCESS_KEY_ID: &str = "AKEXAMPLE0001";
/// Its secret; no secret of anybody, see `traces/README.md`.
pub const SECRET_KEY: &str = "SKEXAMPLE-not-a-secret-0001";

/// One flow of one client, in the order in which it happened.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The folder: which client.
    pub client: String,
    /// The file without its extension: which flow.
    pub name: String,
    /// Requests with their answers.
    pub exchanges: Vec<Exchange>,
}

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Its number within the trace, from 1.
    pub n: u32,
    /// What the client sent.
    pub request: Request,
    /// What satisfied it.
    pub response: Response,
}

/// What a client sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// As it was on the wire, mount prefix and project included.
    pub path: String,
    /// Decoded.
    pub query: BTreeMap<String, QueryValue>,
    /// The query's bytes, where they were kept and are not empty.
    #[serde(default)]
    pub raw_query: String,
    /// Names in lower case; those that the recorder kept.
    pub headers: BTreeMap<String, String>,
    /// The body's JSON; none when it was empty.
    pub body: Option<Value>,
    /// The body's bytes, where they were kept.
    pub raw_body: Option<String>,
}

/// A query parameter's value or values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum QueryValue {
    /// It was there once.
    One(String),
    /// It was there more than once.
    Many(Vec<String>),
}

/// What the client was answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Those that the recorder kept.
    pub headers: BTreeMap<String, String>,
    /// The body's JSON; none when it was empty.
    pub body: Option<Value>,
}

/// Why the traces could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A file or folder cannot be read.
    #[error("reading {path}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is no exchange.
    #[error("{path}:{line} is no exchange")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Trace {
    /// All traces, sorted by client and name.
    pub fn all() -> Result<Vec<Self>, TraceError> {
        let mut traces = Vec::new();
        for client in entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("traces"))? {
            if client.is_dir() {
                for file in entries(&client)? {
                    traces.push(Self::read(&file)?);
                }
            }
        }
        Ok(traces)
    }

    fn read(path: &Path) -> Result<Self, TraceError> {
        let text = fs::read_to_string(path)
            .map_err(|source| TraceError::Read { path: path.to_owned(), source })?;
        let mut exchanges = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let exchange = serde_json::from_str(line).map_err(|source| TraceError::Line {
                path: path.to_owned(),
                line: index + 1,
                source,
            })?;
            exchanges.push(exchange);
        }
        let name_of = |part: Option<&std::ffi::OsStr>| {
            part.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let client = name_of(path.parent().and_then(Path::file_name));
        Ok(Self { client, name: name_of(path.file_stem()), exchanges })
    }
}

impl Request {
    /// Whether the Authorization header was kept in full, so that the signature can be checked.
    pub fn has_signature(&self) -> bool {
        self.headers.get("authorization").is_some_and(|text| text.contains("Signature="))
    }
}

/// What lies in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TraceError> {
    let failed = |source| TraceError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_traces_are_read_and_numbered() {
        let traces = Trace::all().unwrap();
        assert_eq!(traces.len(), 41);
        assert_eq!(traces.iter().map(|trace| trace.exchanges.len()).sum::<usize>(), 1289);
        for trace in &traces {
            let is_rising = trace.exchanges.is_sorted_by(|one, next| one.n < next.n);
            assert!(is_rising, "{}/{}", trace.client, trace.name);
        }
        let has = |client: &str| traces.iter().any(|trace| trace.client == client);
        assert!(has("openstack-cli") && has("huaweicloud-sdk-python"));
    }
}
