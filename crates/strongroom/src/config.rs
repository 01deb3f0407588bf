//! The server's configuration: defaults, a file, the environment, flags, the later before the
//! earlier.
//!
//! # Why
//! Whoever asks why a server does what it does must see which value counts and where it came from,
//! so every value keeps its origin until `config show` prints it.
//!
//! # Invariants
//! - A name that is not known, in the file or in a variable `STRONGROOM_..`, is an error: a typing
//!   mistake must not become a default.

mod key;
mod options;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_db::DatabaseUrl;
use strongroom_repo::object::address::StoreAddress;

pub(crate) use self::options::ConfigOptions;
pub(crate) use self::value::Values;
use crate::failure::Failure;
use crate::span;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// How connections are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Not at all: on this machine only.
    Off,
    /// By a certificate that the server makes for itself.
    Own,
    /// By these files.
    Given { certificate: PathBuf, key: PathBuf },
}

/// The configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) database: DatabaseUrl,
    pub(crate) store: StoreAddress,
    pub(crate) key_file: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) region: String,
    pub(crate) zone: String,
    pub(crate) domain: String,
    pub(crate) admin: String,
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) devices: Vec<PathBuf>,
    pub(crate) tls: Tls,
    pub(crate) workers: usize,
    pub(crate) grave_delay: Duration,
    pub(crate) collect_every: Duration,
    pub(crate) verify_every: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: tracing::Level,
}

/// What no host or region may contain: clients replace it inside of addresses (contract related
/// services, 1.2).
const REPLACED_BY_CLIENTS: [&str; 8] = ["v1", "v2", "v3", "evs", "iam", "vpc", "ecs", "smn"];

impl Config {
    /// Checks the values.
    pub(crate) fn of(values: &Values) -> Result<Self> {
        let data_dir = absolute(values.text("data_dir"))?;
        let database = match values.text("database") {
            "" => format!("sqlite://{}", data_dir.join("strongroom.db").display()),
            url => url.to_owned(),
        };
        let store = match values.text("store") {
            "" => format!("fs://{}", data_dir.join("store").display()),
            url => url.to_owned(),
        };
        let key_file = match values.text("key_file") {
            "" => data_dir.join("master.key"),
            path => absolute(path)?,
        };
        let listen: SocketAddr =
            values.parsed("listen", "an address and a port: 127.0.0.1:8776")?;
        let tls = tls(values)?;
        if tls == Tls::Off && !listen.ip().is_loopback() {
            return Err(Failure::usage(format!("{listen} is reached from other machines"))
                .hint("passwords would cross the network in the clear: set tls to own, or to given")
                .into());
        }
        let region = values.text("region").to_owned();
        check_for_clients("region", &region)?;
        let public_url = Some(values.text("public_url")).filter(|url| !url.is_empty());
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &public_url {
            check_for_clients("public_url", url)?;
        }
        Ok(Self {
            database: database.parse().context("reading database")?,
            store: StoreAddress::parse(&store).context("reading store")?,
            data_dir,
            key_file,
            listen,
            public_url,
            region,
            zone: values.text("zone").to_owned(),
            domain: values.text("domain").to_owned(),
            admin: values.text("admin").to_owned(),
            roots: values.list("roots").map(absolute).collect::<Result<_>>()?,
            devices: values.list("devices").map(absolute).collect::<Result<_>>()?,
            tls,
            workers: values.parsed("workers", "a number from 1")?,
            grave_delay: duration(values, "grave_delay")?,
            collect_every: duration(values, "collect_every")?,
            verify_every: duration(values, "verify_every")?,
            log_format: match values.text("log_format") {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => return Err(wrong("log_format", other, "text or json")),
            },
            log_level: values.parsed("log_level", "error, warn, info, debug or trace")?,
        })
    }

    /// The address that clients are given: as configured, else the listener's, whatever a request
    /// says in its Host header.
    pub(crate) fn public_url(&self, listening: SocketAddr) -> String {
        let scheme = if self.tls == Tls::Off { "http" } else { "https" };
        self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{listening}"))
    }
}

fn tls(values: &Values) -> Result<Tls> {
    match values.text("tls") {
        "off" => Ok(Tls::Off),
        "own" => Ok(Tls::Own),
        "given" => {
            let file = |name| match values.text(name) {
                "" => Err(wrong(name, "", "a PEM file, because tls is given")),
                path => absolute(path),
            };
            Ok(Tls::Given { certificate: file("tls_certificate")?, key: file("tls_key")? })
        }
        other => Err(wrong("tls", other, "off, own or given")),
    }
}

fn check_for_clients(name: &str, text: &str) -> Result<()> {
    match REPLACED_BY_CLIENTS.iter().find(|part| text.contains(**part)) {
        Some(part) => Err(Failure::usage(format!("{name} {text:?} contains {part:?}"))
            .hint("clients derive addresses by replacing that text; choose another name")
            .into()),
        None => Ok(()),
    }
}

fn absolute(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    std::path::absolute(path).with_context(|| format!("reading the path {}", path.display()))
}

fn duration(values: &Values, name: &'static str) -> Result<Duration> {
    let text = values.text(name);
    span::parse(text).map_err(|_| wrong(name, text, "a time such as 30s, 15m, 24h or 7d"))
}

/// A value that cannot be used.
fn wrong(name: &str, given: &str, allowed: &str) -> anyhow::Error {
    Failure::usage(format!("{name} is {given:?}, but must be {allowed}"))
        .hint("`strongroom config show` says where each value comes from")
        .into()
}
