//! A real `PostgreSQL` with files of its own.
//!
//! # Concurrency and crash
//! Dropped, it is stopped. One that a crash left is stopped by the next bench.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bench::measure::{command, run};

/// Where Debian puts the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// The user that Debian makes for them; they refuse to be root.
const OWNER: &str = "postgres";
/// What is set beside the defaults. Checkpoints are as rare as on a server that is looked after.
const SETTINGS: [&str; 7] = [
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "wal_compression=on",
    "random_page_cost=1.1",
    "maintenance_work_mem=512MB",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track_utility=on",
];
/// What the report says of it.
const SHOWN: [&str; 7] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
    "commit_delay",
];

/// What it is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To be filled: it waits for no disk.
    Filling,
    /// To be measured: it waits for the disk at every commit.
    Measured,
}

/// A running server.
pub(super) struct Postgres {
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts it with files in `folder`; makes them if there are none.
    pub(super) fn start(folder: &Path, mode: Mode) -> Result<Self> {
        Self::stop_left(folder);
        let data = folder.join("data");
        if !data.exists() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            run(command("chown").arg(OWNER).arg(folder))?;
            let mut init = program("initdb");
            init.arg("-D").arg(&data).args(["-A", "trust", "-U", OWNER, "--no-sync"]);
            run(init.args(["--encoding=UTF8", "--locale=C"]))?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut options =
            format!("-p {port} -k {} -c listen_addresses=127.0.0.1", folder.display());
        for setting in SETTINGS {
            write!(options, " -c {setting}")?;
        }
        if mode == Mode::Filling {
            options +=
                " -c fsync=off -c full_page_writes=off -c autovacuum=off -c max_wal_size=1GB";
        }
        let mut start = program("pg_ctl");
        start.arg("start").arg("-D").arg(&data).args(["-w", "-t", "300", "-s"]);
        start.arg("-l").arg(folder.join("log")).args(["-o", &options]);
        // Not `run`: the server would keep the pipes of the answer open.
        crate::process::run(&mut start)?;
        let server = Self { folder: folder.to_path_buf(), port };
        let mut extend = server.client("psql");
        let extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        run(extend.args(["-X", "-q", "-c", extension]))?;
        Ok(server)
    }

    /// Stops one that was left by a crash.
    pub(super) fn stop_left(folder: &Path) {
        if !folder.join("data/postmaster.pid").exists() {
            return;
        }
        let mut stop = program("pg_ctl");
        stop.arg("stop").arg("-D").arg(folder.join("data")).args(["-m", "fast", "-w", "-s"]);
        // The file may be of one that is long gone.
        drop(run(&mut stop));
    }

    /// As the program takes it. Over the socket, as a server on the same machine is reached.
    pub(super) fn url(&self) -> String {
        format!("postgres://{OWNER}@localhost:{}/{OWNER}?host={}", self.port, self.folder.display())
    }

    /// A client program that is told where the database is.
    pub(super) fn client(&self, name: &str) -> Command {
        let mut client = command(Path::new(PROGRAMS).join(name));
        client.env("PGHOST", &self.folder).env("PGPORT", self.port.to_string());
        client.env("PGUSER", OWNER);
        client.env("PGDATABASE", OWNER);
        client
    }

    /// Its version and what it was told.
    pub(super) fn describe(&self) -> Result<String> {
        let mut said = run(program("postgres").arg("--version"))?.trim().to_owned();
        for setting in SHOWN {
            let mut ask = self.client("psql");
            let value = run(ask.args(["-X", "-q", "-A", "-t", "-c", &format!("SHOW {setting}")]))?;
            write!(said, ", {setting} {}", value.trim())?;
        }
        Ok(said)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        Self::stop_left(&self.folder);
    }
}

/// A program of the server, as its user.
fn program(name: &str) -> Command {
    let mut program = command("setpriv");
    program.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups"]);
    // A folder that this user may be in, wherever the bench was started.
    program.arg(Path::new(PROGRAMS).join(name)).current_dir("/");
    program
}
