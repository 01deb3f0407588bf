//! The whole service in this process: database, store, disks, tasks, repairs, and HTTP on a port of
//! its own.
//!
//! # Why
//! What clients see of vaults and backups is true only if everything below it is real: so nothing
//! is faked here, and a backup's bytes are read from a qcow2 image and written to a store.
//!
//! # Invariants
//! - A test ends clean: with tasks that wait or run, or keys that are held, the drop panics.
//!
//! # Concurrency and crash
//! The service runs on a runtime of its own; tests are plain functions that wait for answers.

mod clock;
mod disks;
mod people;
mod stack;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use strongroom_base::Clock as _;
use strongroom_control::Service;
use strongroom_control::iam::FirstAdmin;
use strongroom_db::Db;
use strongroom_db::dialect::Dialect;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use self::clock::RealClock;
pub use self::people::User;
use crate::described;
use crate::exchange::{Answer, Ask};

/// How long tasks may take before a test gives up on them.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait between two looks.
const BLINK: Duration = Duration::from_millis(50);

/// What an installation is called.
#[derive(Debug, Clone)]
pub struct Names {
    /// The region, and the first project.
    pub region: String,
    /// The domain.
    pub domain: String,
    /// The administrator.
    pub admin: String,
}

/// A running service.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its services, for what no request can do.
    pub service: Service,
    /// Its catalogue.
    pub db: Db,
    /// Who was made by the first start.
    pub admin: FirstAdmin,
    names: Names,
    clock: Arc<RealClock>,
    runtime: Arc<Runtime>,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
    folder: TempDir,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { region: "eu-test".to_owned(), domain: "home".to_owned(), admin: "admin".to_owned() }
    }
}

impl Server {
    /// Starts one over `SQLite`, with the usual names.
    pub fn start() -> Result<Self> {
        Self::start_as(&Names::default(), Dialect::Sqlite)
    }

    /// Starts one over a new database of this kind.
    pub fn start_as(names: &Names, dialect: Dialect) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting a runtime")?;
        let runtime = Arc::new(runtime);
        let clock = Arc::new(RealClock::new());
        let made = runtime.block_on(stack::make(names, dialect, folder.path(), &clock))?;
        let (stop, stopped) = watch::channel(false);
        let running = stack::run(made.service.clone(), made.listener, stopped);
        let thread = {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.block_on(running))
        };
        Ok(Self {
            address: made.address,
            service: made.service,
            db: made.db,
            admin: made.admin,
            names: names.clone(),
            clock,
            runtime,
            stop,
            thread: Some(thread),
            folder,
        })
    }

    /// Its region.
    pub fn region(&self) -> &str {
        &self.names.region
    }

    /// The time that it goes by.
    pub fn now(&self) -> strongroom_base::Timestamp {
        self.clock.now()
    }

    /// Sends a request. An answer that is not as described is an error.
    pub fn ask(&self, ask: &Ask) -> Result<Answer> {
        let request = || format!("{} {}", ask.method, ask.target);
        let answer = ask.send(self.address).with_context(request)?;
        match described::check(self.region(), ask, &answer) {
            Ok(()) => Ok(answer),
            Err(what) => bail!("{}: not as described: {what}: {}", request(), answer.text()),
        }
    }

    /// Waits until no task waits or runs.
    pub fn settle(&self) -> Result<()> {
        let begin = self.clock.monotonic();
        loop {
            let open = self.open_work()?;
            if open.is_empty() {
                return Ok(());
            }
            if self.clock.monotonic().saturating_sub(begin) > PATIENCE {
                bail!("still at work: {open}");
            }
            thread::sleep(BLINK);
        }
    }

    /// Tasks that have not ended, and keys that are held.
    pub fn open_work(&self) -> Result<strongroom_db::testing::OpenWork> {
        let asked = self.runtime.block_on(strongroom_db::testing::OpenWork::of(&self.db));
        asked.context("counting tasks")
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        let ended = self.thread.take().map(thread::JoinHandle::join);
        if !thread::panicking() {
            assert!(!matches!(ended, Some(Err(_))), "the service died");
        }
    }
}

impl Drop for Server {
    /// # Panics
    /// When work is left: a test waits for what it began ([`Server::settle`]).
    fn drop(&mut self) {
        let open = self.open_work();
        self.end();
        if !thread::panicking() {
            let open = open.expect("the catalogue answers");
            assert!(open.is_empty(), "the test ends with work left: {open}");
        }
    }
}
