//! Puts the parts together, as the binary does.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_api::{ApiConfig, Readiness, Security, router, serve};
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::OsRng;
use strongroom_base::{CancelToken, Clock, Rng, Secret};
use strongroom_control::iam::{Bootstrap, FirstAdmin};
use strongroom_control::{Parts, Repositories, RepositoriesParts, Service, Settings};
use strongroom_db::Db;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Postgres;
use strongroom_model::Quota;
use strongroom_provider::{LocalProvider, LocalRoots};
use strongroom_repo::MemoryBudget;
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::object::address::StoreAddress;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Names;
use super::clock::RealClock;

/// Below it disks are adopted.
pub(super) const ROOT: &str = "disks";
const STORE: &str = "store";
const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
/// Tasks that run at once.
const SLOTS: usize = 2;
/// How long a test waits for steps that run at its end.
const GRACE: Duration = Duration::from_secs(10);
const MEMORY: u64 = 512 << 20;

/// A service that does not run yet.
pub(super) struct Made {
    pub(super) service: Service,
    pub(super) db: Db,
    pub(super) admin: FirstAdmin,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
}

pub(super) async fn make(
    names: &Names,
    dialect: Dialect,
    folder: &Path,
    clock: &Arc<RealClock>,
) -> Result<Made> {
    let (root, store) = (folder.join(ROOT), folder.join(STORE));
    fs::create_dir(&root).context("making the folder of disks")?;
    fs::create_dir(&store).context("making the folder of the store")?;
    let url = match dialect {
        Dialect::Sqlite => format!("sqlite://{}/catalogue.db", folder.display()),
        Dialect::Postgres => Postgres::shared().new_database().await?,
    };
    let db = Db::open(&url.parse()?).await.context("opening the database")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening")?;
    let address = listener.local_addr().context("reading the address")?;
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    let master = Secret::new([7; 32]);
    let repositories = Repositories::new(RepositoriesParts {
        address: StoreAddress::Local(store.clone()),
        credentials: None,
        master: master.clone(),
        clock: Arc::clone(&clock),
        rng: Arc::clone(&rng),
        compute: Arc::new(ThreadPool::start(2).context("starting threads")?),
        memory: MemoryBudget::new(MEMORY),
    });
    let roots = LocalRoots { folders: vec![root], devices: Vec::new(), reserved: vec![store] };
    let service = Service::new(Parts {
        db: db.clone(),
        provider: Arc::new(LocalProvider::new(&roots).context("reading the roots")?),
        repositories: Arc::new(repositories),
        clock,
        rng,
        master,
        settings: settings(names, address),
    });
    let first = Bootstrap { domain: names.domain.clone(), admin: names.admin.clone() };
    let admin = service.bootstrap(&first).await?.context("the database is new")?;
    Ok(Made { service, db, admin, listener, address })
}

fn settings(names: &Names, address: SocketAddr) -> Settings {
    Settings {
        region: names.region.clone(),
        zone: format!("{}-01", names.region),
        public_url: format!("http://{address}"),
        object_url: None,
        quota: Quota::default(),
        token_life: DAY,
        grave_delay: HOUR,
        collect_every: HOUR,
        verify_every: HOUR,
    }
}

/// Serves requests, works on tasks and repairs, until `stopped` says so.
pub(super) async fn run(service: Service, listener: TcpListener, stopped: watch::Receiver<bool>) {
    let executor = service.executor("test", SLOTS).expect("the workflows are right");
    let cancel = CancelToken::new();
    let readiness: Readiness = {
        let service = service.clone();
        Arc::new(move || {
            let service = service.clone();
            let asked: BoxFuture<'static, Result<(), String>> =
                Box::pin(async move { service.check_ready().await });
            asked
        })
    };
    let repairs = {
        let (service, cancel) = (service.clone(), cancel.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(service.reconcile(&cancel)))
    };
    let mut api = ApiConfig::new(readiness);
    api.body_time = BODY_TIME;
    let api = router(service, api);
    let api = serve(listener, api, Security::Plain, until(stopped.clone()));
    let tasks = Arc::clone(&executor).run();
    let end = async {
        until(stopped).await;
        cancel.cancel();
        executor.shutdown(GRACE).await;
    };
    let (served, (), ()) = tokio::join!(api, tasks, end);
    served.expect("the listener serves until it is told to stop");
    repairs.await.expect("repairs end when they are told to");
}

/// How long a body may take: short, so that a test can wait for the end of it.
const BODY_TIME: Duration = Duration::from_secs(2);

async fn until(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|is_stopped| *is_stopped).await);
}
