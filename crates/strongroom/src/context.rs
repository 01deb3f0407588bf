//! What every `repo` command starts from: options, the store, the open repository.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use clap::Args;
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, Rng, Secret};
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::object::ObjectStore;
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::object::metrics::{CountingStore, StoreUsage};
use strongroom_repo::object::overlay::OverlayStore;
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::s3::S3Credentials;
use strongroom_repo::{Env, MemoryBudget, Repository, Sharing};

use crate::clock::TokioClock;
use crate::failure::Failure;
use crate::master_key::KeySource;
use crate::output::{Format, Printer, warn};
use crate::progress_line::Display;

/// Options of every `repo` command.
#[derive(Debug, Clone, Args)]
pub(crate) struct RepoOptions {
    /// The repository's address.
    #[arg(help = "The repository: fs:///path, a plain path, or s3://bucket/prefix?endpoint=URL")]
    #[arg(long, global = true, env = "STRONGROOM_REPO", value_name = "URL")]
    pub(crate) repo: Option<String>,
    /// File with the master key.
    #[arg(
        help = "File with the master key, 32 random bytes as base64 [env: STRONGROOM_KEY=<key>]"
    )]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Shell command that prints the master key
    #[arg(long, global = true, value_name = "CMD")]
    pub(crate) key_command: Option<String>,
    /// How the answer is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
    /// Show no progress
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

/// The options, and what they name.
pub(crate) struct Context {
    pub(crate) options: RepoOptions,
    pub(crate) printer: Printer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

/// A store, and what using it costs.
pub(crate) struct OpenStore {
    /// Without retries, as a probe wants it.
    pub(crate) plain: Arc<dyn ObjectStore>,
    pub(crate) env: Env,
    counting: CountingStore,
}

impl OpenStore {
    /// What was asked of the store so far.
    pub(crate) fn usage(&self) -> StoreUsage {
        self.counting.usage()
    }
}

impl Context {
    pub(crate) fn new(options: RepoOptions, printer: Printer) -> Self {
        Self { options, printer, clock: Arc::new(TokioClock::new()), rng: Arc::new(OsRng) }
    }

    /// The repository's address.
    pub(crate) fn address(&self) -> Result<StoreAddress> {
        let text = self.options.repo.as_deref().ok_or_else(|| {
            Failure::usage("no repository was given")
                .hint("give --repo URL or the variable STRONGROOM_REPO")
        })?;
        StoreAddress::parse(text).with_context(|| format!("reading the address {text:?}"))
    }

    /// Where the key comes from.
    pub(crate) fn key_source(&self) -> Result<KeySource> {
        let command = self.options.key_command.as_deref();
        KeySource::choose(self.options.key_file.as_deref(), command)
    }

    /// The master key.
    pub(crate) fn key(&self) -> Result<Secret> {
        self.key_source()?.read()
    }

    /// Opens the store of an existing repository.
    pub(crate) fn open_store(&self) -> Result<OpenStore> {
        let address = self.address()?;
        let store = address.open(credentials().as_ref());
        self.equip(store.with_context(|| format!("opening the store {address}"))?)
    }

    /// Opens a store, making its directory when it is missing.
    pub(crate) fn create_store(&self) -> Result<OpenStore> {
        let address = self.address()?;
        let store = address.create(credentials().as_ref());
        self.equip(store.with_context(|| format!("opening the store {address}"))?)
    }

    fn equip(&self, plain: Arc<dyn ObjectStore>) -> Result<OpenStore> {
        let width = thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPool::start(width).context("starting threads")?;
        let counting = CountingStore::new(Arc::clone(&plain));
        let retrying = RetryStore::new(
            Arc::new(counting.clone()),
            Arc::clone(&self.clock),
            Arc::clone(&self.rng),
        );
        let env = Env {
            store: Arc::new(retrying),
            clock: Arc::clone(&self.clock),
            rng: Arc::clone(&self.rng),
            compute: Arc::new(pool),
            memory: MemoryBudget::default(),
        };
        Ok(OpenStore { plain, env, counting })
    }

    /// Opens the repository.
    pub(crate) async fn open(&self) -> Result<(Repository, OpenStore)> {
        // The address first: who mistyped it should not be asked for a key by a command.
        self.open_in(self.open_store()?).await
    }

    async fn open_in(&self, store: OpenStore) -> Result<(Repository, OpenStore)> {
        let key = self.key()?;
        let repository = Repository::open(store.env.clone(), &key)
            .await
            .with_context(|| format!("opening the repository {}", store.env.store.label()))?;
        if repository.sharing() == Sharing::One {
            warn(
                "only one command may use this repository at any time: its store decides no races",
            );
        }
        Ok((repository, store))
    }

    /// Opens the repository for a command that only reads: it works on a store that is full or
    /// read-only too.
    pub(crate) async fn open_to_read(&self) -> Result<(Repository, OpenStore)> {
        let mut store = self.open_store()?;
        let inner = Arc::clone(&store.env.store);
        let overlay = OverlayStore::new(inner, Arc::clone(&self.clock), |error| {
            warn(&format!(
                "{error}: reading on, unseen by others; do not delete and collect meanwhile"
            ));
        });
        store.env.store = Arc::new(overlay);
        self.open_in(store).await
    }

    /// How progress is shown.
    pub(crate) fn display(&self) -> Display {
        Display::choose(self.options.quiet)
    }
}

/// Credentials from the variables that every S3 tool reads.
pub(crate) fn credentials() -> Option<S3Credentials> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    Some(S3Credentials {
        access_key: variable("AWS_ACCESS_KEY_ID")?,
        secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}
