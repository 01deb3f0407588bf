//! One database, measured from its start to its end.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::database::{Database, Kind};
use super::limit::{self, Limit};
use super::load::{CONNECTIONS, Figures, Load};
use super::operation::{Operation, Scope};
use super::option::Options;
use super::postgres::Mode;
use super::scale::Scale;
use super::seed;
use super::server::{CEILING, Server};
use super::statement::{self, Statements};
use super::token::{self, Tokens};

/// How long the server rests before its idle memory is read.
const REST: Duration = Duration::from_secs(10);
/// `PostgreSQL` tells what it counted so late at the latest.
const COUNTED: Duration = Duration::from_secs(11);
/// Connections over which logins come beside other requests.
const LOGINS_BESIDE: u32 = 8;
/// How often tokens are issued again when there are too few of them.
const MORE_TOKENS: u32 = 20;
/// Tables that are only gone through by mistake, from their beginning to their end.
const LARGE_TABLES: &str =
    "'cbr_backup', 'cbr_task', 'cbr_checkpoint', 'cbr_vault_resource', 'host_disk'";

/// What a load was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Operation(Operation, Scope),
    IssueToken,
    /// Backups one by one, while tokens are issued as fast as they can be.
    GetBesideLogins,
}

/// One measured load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) what: What,
    pub(super) connections: u32,
    pub(super) figures: Figures,
}

/// Everything that was found out with one database.
pub(super) struct Measured {
    pub(super) kind: Kind,
    pub(super) description: String,
    pub(super) scale: Scale,
    pub(super) tokens: usize,
    pub(super) limits: Vec<Limit>,
    pub(super) rows: Vec<Row>,
    pub(super) statements: Vec<Statements>,
    /// How often a large table was gone through, where the database says so.
    pub(super) scans: Option<u64>,
    /// Resident memory of the server, bytes.
    pub(super) idle_bytes: u64,
    pub(super) peak_bytes: u64,
    /// Whether the kernel would have ended it above the ceiling.
    pub(super) has_ceiling: bool,
}

/// Measures one database, or only makes it.
pub(super) fn database(
    kind: Kind,
    program: &Path,
    work: &Path,
    options: &Options,
) -> Result<Option<Measured>> {
    let work = work.join(format!("{}-{}", kind.word(), options.scale.word));
    seed::prepare(kind, program, &work, &options.scale)?;
    if options.is_preparation {
        return Ok(None);
    }
    let database = Database::open(kind, &work, Mode::Measured)?;
    seed::clean(&database)?;
    let mut limits = vec![limit::of_disk(&work)?];
    if let Database::Postgres(server) = &database {
        say(kind, "PostgreSQL alone");
        limits.extend(limit::of_postgres(server, &work, &options.scale, options.seconds)?);
    }
    // The pages of a file are counted as its reader's, so that a ceiling would take SQLite's cache away.
    let ceiling = (kind == Kind::Postgres).then_some(CEILING);
    let mut server = Server::start(program, &database, &work, ceiling)?;
    thread::sleep(REST);
    let idle_bytes = server.memory()?.now;
    let scans = scans(&database)?;
    let run = Run { kind, database: &database, server: &server, work: &work, options };
    let (rows, statements, tokens) = run.all(&mut limits)?;
    server.check()?;
    let peak_bytes = server.memory()?.peak;
    if scans.is_some() {
        thread::sleep(COUNTED);
    }
    let scans = scans.zip(self::scans(&database)?).map(|(before, after)| after - before);
    server.stop()?;
    Ok(Some(Measured {
        kind,
        description: database.describe()?,
        scale: options.scale,
        tokens,
        limits,
        rows,
        statements,
        scans,
        idle_bytes,
        peak_bytes,
        has_ceiling: ceiling.is_some(),
    }))
}

/// How often the large tables were gone through so far.
fn scans(database: &Database) -> Result<Option<u64>> {
    if matches!(database, Database::Sqlite(_)) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables WHERE relname IN ({LARGE_TABLES})"
    );
    database.ask_number(&sql).map(Some)
}

fn say(kind: Kind, what: &str) {
    eprintln!("{}: {what}", kind.word());
}

/// A server under load.
struct Run<'a> {
    kind: Kind,
    database: &'a Database,
    server: &'a Server,
    work: &'a Path,
    options: &'a Options,
}

impl Run<'_> {
    fn all(&self, limits: &mut Vec<Limit>) -> Result<(Vec<Row>, Vec<Statements>, usize)> {
        let password = token::password(&self.work.join("service"))?;
        let host = self.server.host();
        say(self.kind, "the program alone");
        limits.push(limit::of_program(&self.load())?);
        limits.push(limit::of_logins(host, &password)?);
        say(self.kind, "tokens");
        let (issued, tokens) = self.issue(&password)?;
        let mut rows = vec![issued];
        let scale = &self.options.scale;
        let statements = match self.kind {
            Kind::Postgres => statement::count_all(self.database, host, scale, &tokens, &password)?,
            Kind::Sqlite => Vec::new(),
        };
        for scope in &self.options.scopes {
            for operation in &self.options.operations {
                rows.extend(self.measure(*operation, *scope, &tokens)?);
            }
        }
        if self.options.operations.contains(&Operation::GetBackup) {
            rows.push(self.beside_logins(&tokens, &password)?);
        }
        Ok((rows, statements, tokens.count()))
    }

    fn load(&self) -> Load<'_> {
        Load {
            host: self.server.host(),
            work: self.work,
            seconds: self.options.seconds,
            warm_up: self.options.warm_up(),
        }
    }

    /// Issues tokens, which all other requests use.
    fn issue(&self, password: &str) -> Result<(Row, Tokens)> {
        let file = self.work.join("tokens.txt");
        if file.exists() {
            fs::remove_file(&file).context("removing the tokens of an earlier bench")?;
        }
        let mut logins = token::logins(password);
        let load = self.load();
        let figures = load.run_with("logins", &logins, CONNECTIONS, Some(&file))?;
        let mut tokens = Tokens::read(&file, &self.options.scale);
        for _ in 0..MORE_TOKENS {
            if tokens.is_ok() {
                break;
            }
            // A short run on a slow machine: more of them, not measured, from where it came to.
            let issued = fs::read_to_string(&file).context("reading tokens")?.lines().count();
            let length = logins.len();
            logins.rotate_left(issued % length);
            load.run_with("logins", &logins, CONNECTIONS, Some(&file))?;
            tokens = Tokens::read(&file, &self.options.scale);
        }
        let row = Row { what: What::IssueToken, connections: CONNECTIONS, figures };
        Ok((row, tokens?))
    }

    /// Lists are measured over one connection too: that is what one user waits.
    fn measure(&self, operation: Operation, scope: Scope, tokens: &Tokens) -> Result<Vec<Row>> {
        let requests = operation.requests(&self.options.scale, scope, tokens);
        let counts: &[u32] = if operation.is_list() { &[1, CONNECTIONS] } else { &[CONNECTIONS] };
        let mut rows = Vec::new();
        for connections in counts {
            say(self.kind, &format!("{} {} x{connections}", operation.word(), scope.word()));
            let figures = self.load().run(operation.word(), &requests, *connections)?;
            let what = What::Operation(operation, scope);
            rows.push(Row { what, connections: *connections, figures });
        }
        Ok(rows)
    }

    fn beside_logins(&self, tokens: &Tokens, password: &str) -> Result<Row> {
        say(self.kind, "get-backup beside logins");
        let requests = Operation::GetBackup.requests(&self.options.scale, Scope::Spread, tokens);
        let logins = token::logins(password);
        let load = self.load();
        let figures = thread::scope(|scope| {
            let beside = scope.spawn(|| load.run("logins", &logins, LOGINS_BESIDE));
            let figures = load.run("get-backup", &requests, CONNECTIONS)?;
            beside.join().map_err(|_| anyhow!("the thread of the logins panicked"))??;
            Ok::<_, anyhow::Error>(figures)
        })?;
        Ok(Row { what: What::GetBesideLogins, connections: CONNECTIONS, figures })
    }
}
