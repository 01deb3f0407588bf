//! A real `PostgreSQL`, started for the tests of one process and gone with it.
#![expect(clippy::disallowed_methods, reason = "a test starts the server that it needs")]

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait as _, Database};
use tokio::sync::OnceCell;

use crate::{Db, DbError, OpenError};

/// Where Debian puts the programs of the version that the tests were written against.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";
/// Names another place.
const VARIABLE: &str = "STRONGROOM_TEST_POSTGRES";
/// A server that orders text as people do, unless it is told otherwise.
const LANGUAGE: [&str; 4] =
    ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
/// Runs the server until standard input ends, which it does when this process does; then the files
/// go. `$1` is their folder, `$2` who owns them, the rest is the server's command line.
const KEEPER: &str = r#"folder=$1; owner=$2; shift 2
if [ "$owner" ]; then set -- setpriv --reuid "$owner" --regid "$owner" --clear-groups "$@"; fi
"$@" >"$folder/log" 2>&1 & child=$!
read _; kill -INT $child; wait $child; rm -rf "$folder""#;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// A program of it failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: String,
        /// The end of what it said.
        said: String,
    },
    /// A process or file could not be made.
    #[error("preparing PostgreSQL")]
    Io(#[from] io::Error),
    /// The server runs and refuses.
    #[error("asking PostgreSQL for a database")]
    Refused(#[from] sea_orm::DbErr),
    /// Our tables could not be made.
    #[error("making the tables")]
    Tables(#[from] OpenError),
    /// The connections that made our tables did not end.
    #[error("ending the connections that made the tables")]
    Close(#[from] DbError),
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    _keeper: Child,
    port: u16,
    made: AtomicU32,
    /// The name of the database with our tables that others are copied from.
    template: OnceCell<String>,
}

impl Postgres {
    /// The server of this process; started when it is first asked for.
    ///
    /// # Panics
    /// When it cannot be started: install `postgresql-15`, or set `STRONGROOM_TEST_POSTGRES` to the
    /// folder of its programs.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            // Nothing cleans up by itself: plans shall be the same in each run. Tables of some
            // thousand rows are planned as large ones are: no page is cheaper after another.
            // The machine does not lose power while a test runs.
            Self::start(&[
                "fsync=off",
                "full_page_writes=off",
                "autovacuum=off",
                "random_page_cost=1",
            ])
            .expect("PostgreSQL 15 is installed, see packages.txt")
        })
    }

    /// Starts a server with these settings beside the defaults.
    pub fn start(settings: &[&str]) -> Result<Self, PostgresError> {
        let programs = std::env::var_os(VARIABLE).map_or_else(|| DEBIAN.into(), PathBuf::from);
        let folder = tempfile::Builder::new().prefix("strongroom-postgres-").tempdir()?.keep();
        // It refuses to run as root, and its folder must be its own.
        let owner = if is_root()? { "postgres" } else { "" };
        if !owner.is_empty() {
            run(Command::new("chown").arg(owner).arg(&folder))?;
        }
        let data = folder.join("data");
        let mut init = as_owner(owner, &programs.join("initdb"));
        init.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "--no-sync"]);
        run(init.args(LANGUAGE))?;
        let port = free_port()?;
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(&folder).arg(owner);
        keeper.arg(programs.join("postgres")).arg("-D").arg(&data).arg("-k").arg(&folder);
        keeper.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        keeper.args(["-c", "max_connections=400"]);
        for setting in settings {
            keeper.args(["-c", setting]);
        }
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let server =
            Self { _keeper: keeper, port, made: AtomicU32::new(0), template: OnceCell::new() };
        // The answer of pg_isready comes when the server takes connections.
        let mut ready = Command::new("sh");
        ready.args(["-c", "for i in $(seq 600); do \"$@\" && exit; sleep 0.1; done; exit 1", "sh"]);
        ready.arg(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1"]);
        let answered = run(ready.args(["-p", &port.to_string()]));
        answered.map_err(|_| PostgresError::Failed {
            program: "postgres".to_owned(),
            said: fs::read_to_string(folder.join("log")).unwrap_or_default(),
        })?;
        Ok(server)
    }

    /// Makes an empty database; the answer is its address.
    pub async fn new_database(&self) -> Result<String, PostgresError> {
        self.make("").await
    }

    /// Makes a database with our tables; the answer is its address. It is a copy: to make the tables
    /// takes longer.
    pub(super) async fn new_catalogue(&self) -> Result<String, PostgresError> {
        let template = self.template.get_or_try_init(|| async {
            let url = self.new_database().await?;
            Db::open(&url.parse()?).await?.close().await?;
            Ok::<_, PostgresError>(url)
        });
        let name = template.await?.rsplit('/').next().unwrap_or_default().to_owned();
        self.make(&format!("TEMPLATE {name} STRATEGY file_copy")).await
    }

    async fn make(&self, how: &str) -> Result<String, PostgresError> {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::Relaxed));
        let server = Box::pin(Database::connect(self.url("postgres"))).await?;
        server.execute_unprepared(&format!("CREATE DATABASE {name} {how}")).await?;
        server.close().await?;
        Ok(self.url(&name))
    }

    fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }
}

fn as_owner(owner: &str, program: &Path) -> Command {
    if owner.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner, "--regid", owner, "--clear-groups"]).arg(program);
    command
}

fn is_root() -> io::Result<bool> {
    let Output { stdout, .. } = Command::new("id").arg("-u").output()?;
    Ok(stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<(), PostgresError> {
    // A folder that the server's user may be in, whoever started the test.
    let output = command.current_dir("/").output()?;
    if output.status.success() {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    io::stderr().write_all(&output.stdout)?;
    Err(PostgresError::Failed { program, said })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
