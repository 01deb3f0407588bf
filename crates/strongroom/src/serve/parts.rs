//! Puts the service together: catalogue, store, disks, key.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io, thread};

use anyhow::{Context as _, Result};
use strongroom_base::ids::to_hex;
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, Rng, Secret};
use strongroom_control::{Parts, Repositories, RepositoriesParts, Service, Settings, is_journaled};
use strongroom_db::Db;
use strongroom_model::Quota;
use strongroom_provider::{LocalProvider, LocalRoots};
use strongroom_repo::MemoryBudget;
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::object::s3::S3Credentials;

use super::master_key;
use crate::clock::TokioClock;
use crate::config::{Config, Values};
use crate::failure::{Failure, Kind};

/// How long a token is good (contract related services, IAM-3).
const TOKEN_LIFE: std::time::Duration = std::time::Duration::from_hours(24);
/// What the backups and restores that run at once may hold: two of them and a collection, within
/// the memory ceiling of the server (docs/operations.md).
const MEMORY: u64 = 1 << 30;

/// Opens everything.
pub(super) async fn service(config: &Config, values: &Values, public_url: &str) -> Result<Service> {
    make_data_dir(&config.data_dir)
        .with_context(|| format!("making the data directory {}", config.data_dir.display()))?;
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    let db = Db::open(&config.database).await.context("opening the database")?;
    let is_new = db.is_empty().await.context("looking at the database")?;
    if is_new {
        refuse_used_store(config, values, &db).await?;
    }
    let master = master_key::load(&config.key_file, is_new, &*rng)?;
    let repositories = repositories(config, values, &master, &clock, &rng)?;
    let settings = settings(config, public_url);
    let provider = LocalProvider::new(&roots(config)?).context("reading the roots")?;
    Ok(Service::new(Parts {
        db,
        provider: Arc::new(provider),
        repositories: Arc::new(repositories),
        clock,
        rng,
        master,
        settings,
    }))
}

/// The repositories of the store.
pub(crate) fn repositories(
    config: &Config,
    values: &Values,
    master: &Secret,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Result<Repositories> {
    let width = thread::available_parallelism().map_or(1, usize::from);
    let compute = ThreadPool::start(width).context("starting threads")?;
    Ok(Repositories::new(RepositoriesParts {
        address: config.store.clone(),
        credentials: credentials(values),
        master: master.clone(),
        clock: Arc::clone(clock),
        rng: Arc::clone(rng),
        compute: Arc::new(compute),
        memory: MemoryBudget::new(MEMORY),
    }))
}

/// A new catalogue does not begin beside the journal of a lost one: its users would miss theirs, and
/// `recover` would refuse a catalogue that somebody used (JRN-10).
async fn refuse_used_store(config: &Config, values: &Values, db: &Db) -> Result<()> {
    let is_used = is_journaled(&config.store, credentials(values).as_ref()).await?;
    // Another process may have made the first start in the meantime.
    if !is_used || !db.is_empty().await.context("looking at the database")? {
        return Ok(());
    }
    let message = format!("the store {} has the journal of another catalogue", config.store);
    Err(Failure::new(Kind::Conflict, message)
        .hint("if that catalogue is lost, `strongroom recover` makes it anew from there")
        .hint("for a new service, give it a store of its own")
        .into())
}

/// Makes the data directory for its owner only: the catalogue is nobody else's to read. One that is
/// there keeps the mode that somebody gave it.
pub(crate) fn make_data_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn settings(config: &Config, public_url: &str) -> Settings {
    let object_url = match &config.store {
        StoreAddress::S3(address) => Some(address.endpoint.clone()),
        StoreAddress::Local(_) => None,
    };
    Settings {
        region: config.region.clone(),
        zone: config.zone.clone(),
        public_url: public_url.to_owned(),
        object_url,
        quota: Quota::default(),
        token_life: TOKEN_LIFE,
        grave_delay: config.grave_delay,
        collect_every: config.collect_every,
        verify_every: config.verify_every,
    }
}

fn roots(config: &Config) -> Result<LocalRoots> {
    let mut reserved = vec![config.data_dir.clone()];
    if let StoreAddress::Local(path) = &config.store {
        fs::create_dir_all(path).with_context(|| format!("making the store {}", path.display()))?;
        reserved.push(path.clone());
    }
    Ok(LocalRoots { folders: config.roots.clone(), devices: config.devices.clone(), reserved })
}

/// The keys of a bucket: as configured, else those that every S3 tool reads.
fn credentials(values: &Values) -> Option<S3Credentials> {
    let (access, secret) = (values.text("store_access_key"), values.text("store_secret_key"));
    if !access.is_empty() && !secret.is_empty() {
        let (access_key, secret_key) = (access.to_owned(), secret.to_owned());
        return Some(S3Credentials { access_key, secret_key, session_token: None });
    }
    crate::context::credentials()
}

/// The name of this process in the rows of its tasks: no two are the same.
pub(super) fn worker_name() -> String {
    let mut random = [0; 4];
    OsRng.fill(&mut random);
    format!("{}-{}", std::process::id(), to_hex(&random))
}
