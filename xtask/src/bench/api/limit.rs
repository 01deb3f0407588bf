//! What this machine can do at best, measured in the same run: the database without the program, the
//! program without the database, the disk, and one hash of a password after another.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result};

use super::client::Client;
use super::load::{CONNECTIONS, Load};
use super::operation::Request;
use super::postgres::Postgres;
use super::scale::{SQL_OF_BACKUP, Scale};
use super::token::logins;
use crate::bench::measure::{now, run};

/// Logins whose mean counts.
const LOGINS: usize = 20;
/// Commits of one writer whose mean counts.
const SYNCS: u32 = 300;

/// What something is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// Rows by their key.
    Rows,
    /// Transactions that insert a row.
    Commits,
    /// Writes of one block, each made durable.
    Syncs,
    /// Answers without the database.
    Answers,
    /// Logins that nobody else gets in the way of, as many as cores.
    Logins,
}

/// One limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) of: Against,
    pub(super) rate: f64,
}

impl Against {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rows => "PostgreSQL alone: a backup by its id (pgbench, 32 clients)",
            Self::Commits => "PostgreSQL alone: a row inserted and committed (pgbench, 32 clients)",
            Self::Syncs => "the disk: 8 KiB written and synced, one after another",
            Self::Answers => "the program alone: GET /healthz (wrk, 32 connections)",
            Self::Logins => "password hashes: logins one after another, times cores",
        }
    }
}

/// What `PostgreSQL` does without the program.
pub(super) fn of_postgres(
    server: &Postgres,
    work: &Path,
    scale: &Scale,
    seconds: u32,
) -> Result<Vec<Limit>> {
    let last = scale.backups - 1;
    let select = format!(
        "\\set n random(0, {last})\nSELECT * FROM cbr_backup WHERE id = {SQL_OF_BACKUP};\n"
    )
    // pgbench puts numbers in; the hash is of text.
    .replace("('b' || :n)", "('b' || :n::text)");
    let rows = Limit { of: Against::Rows, rate: pgbench(server, work, &select, seconds)? };
    let psql = |sql: &str| run(server.client("psql").args(["-X", "-q", "-c", sql]));
    psql("DROP TABLE IF EXISTS bench_commit")?;
    psql("CREATE TABLE bench_commit (client integer, place integer)")?;
    let insert = "INSERT INTO bench_commit VALUES (:client_id, 0);\n";
    let rate = pgbench(server, work, insert, seconds.min(20))?;
    psql("DROP TABLE bench_commit")?;
    Ok(vec![rows, Limit { of: Against::Commits, rate }])
}

fn pgbench(server: &Postgres, work: &Path, script: &str, seconds: u32) -> Result<f64> {
    let file = work.join("pgbench.sql");
    File::create(&file)?.write_all(script.as_bytes())?;
    let mut bench = server.client("pgbench");
    let clients = CONNECTIONS.to_string();
    bench.args(["-n", "-M", "prepared", "-j", "1", "-c", &clients, "-T", &seconds.to_string()]);
    bench.arg("-f").arg(&file);
    let said = run(&mut bench)?;
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    let rate = rate.with_context(|| format!("pgbench said {said}"))?;
    rate.parse().context("reading what pgbench measured")
}

/// What the disk does: as a database's log, a block is written again and again and synced.
pub(super) fn of_disk(work: &Path) -> Result<Limit> {
    let path = work.join("sync.raw");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("making {}", path.display()))?;
    let block = [0xA5; 8 << 10];
    for _ in 0..SYNCS {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    let begin = now();
    for place in 0..SYNCS {
        std::os::unix::fs::FileExt::write_all_at(&file, &block, u64::from(place) << 13)?;
        file.sync_data()?;
    }
    let rate = f64::from(SYNCS) / begin.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(Limit { of: Against::Syncs, rate })
}

/// What the program does without the database.
pub(super) fn of_program(load: &Load<'_>) -> Result<Limit> {
    let request = Request::get("/healthz".to_owned(), "");
    let figures = load.run("healthz", &[request], CONNECTIONS)?;
    Ok(Limit { of: Against::Answers, rate: figures.rate() })
}

/// What logins cost that wait for nothing but their hash.
pub(super) fn of_logins(host: &str, password: &str) -> Result<Limit> {
    let mut client = Client::connect(host)?;
    let logins = logins(password);
    let begin = now();
    for login in logins.iter().take(LOGINS) {
        client.expect(login)?;
    }
    let each = begin.elapsed().as_secs_f64() / LOGINS as f64;
    let cores = available_parallelism().context("counting cores")?.get() as f64;
    Ok(Limit { of: Against::Logins, rate: cores / each })
}
