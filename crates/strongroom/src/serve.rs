//! `strongroom serve`: the service in one process.
//!
//! # Why
//! On one machine everything runs here: the API, the worker of the tasks, the repairs, the
//! catalogue's journal. Each is a
//! part that knows nothing of the others but the catalogue, so that more processes can share one.
//!
//! # Concurrency and crash
//! A signal ends it in order: no new connections, running requests and steps end or are handed back
//! to whoever comes next, the last changes go into the journal; what does not stop is left, and it
//! ends within a minute. Killed, it leaves tasks whose leases run out.

mod certificate;
mod first_start;
pub(crate) mod log;
mod master_key;
pub(crate) mod parts;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use strongroom_api::{ApiConfig, Security, router, serve};
use strongroom_base::CancelToken;
use strongroom_control::Service;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, ConfigOptions, Tls, Values};
use crate::failure::{Failure, Kind};

/// How long running steps may go on after a signal; then they are handed back.
const GRACE: Duration = Duration::from_secs(10);
/// How long handing back may take; then the process ends all the same. A disk that hangs must not
/// keep it from ending: with [`GRACE`] it is gone before a service manager loses its patience.
const HAND_BACK: Duration = Duration::from_secs(10);

/// How long closing the database may take.
const CLOSE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  strongroom serve --data-dir ./data --root /var/lib/libvirt/images
  strongroom serve --database postgres://strongroom@db/strongroom \\
      --store 's3://backups/strongroom?endpoint=https://s3.example.org'
  strongroom serve --listen 0.0.0.0:8776 --tls own --public-url https://backup.example.org:8776

The first start makes a project, an administrator and an access key, prints them once, and writes
them into clouds.yaml and openrc in the data directory. Every flag is a setting that
strongroom.toml or a variable STRONGROOM_.. can give too: see `strongroom config show`.";

/// Runs the service: API, tasks, repairs, journal
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    #[command(flatten)]
    options: ConfigOptions,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<()> {
        let config = Config::of(&self.options.values()?)?;
        log::start(&config);
        let values = self.options.values()?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("listening on {}", config.listen))?;
        let address = listener.local_addr().context("reading the address")?;
        let public_url = config.public_url(address);
        // First of all: a first start that cannot go on shall leave nothing behind.
        let security = match &config.tls {
            Tls::Off => Security::Plain,
            tls => Security::Tls(certificate::load(&config, tls, &public_url)?),
        };
        let service = parts::service(&config, &values, &public_url).await?;
        first_start::prepare(&config, &public_url, &service).await?;
        let worker = parts::worker_name();
        let executor = service.executor(&worker, config.workers).context("starting the worker")?;
        let (stop, stopped) = watch::channel(false);
        let cancel = CancelToken::new();
        let repairs = {
            let (service, cancel) = (service.clone(), cancel.clone());
            on_own_thread(async move || service.reconcile(&cancel).await)
        };
        let flush = CancelToken::new();
        let journal = {
            let (service, flush) = (service.clone(), flush.clone());
            on_own_thread(async move || service.keep_journal(&flush).await)
        };
        let ready = {
            let service = service.clone();
            Arc::new(move || {
                let service = service.clone();
                let asked: strongroom_base::clock::BoxFuture<'static, Result<(), String>> =
                    Box::pin(async move { service.check_ready().await });
                asked
            })
        };
        tracing::info!(%address, url = public_url, worker, "Strongroom is ready");
        let api = serve(
            listener,
            router(service.clone(), ApiConfig::new(ready)),
            security,
            until(stopped),
        );
        let (give_up, given_up) = watch::channel(false);
        let end = async {
            wait_for_signal().await?;
            tracing::info!("stopping");
            cancel.cancel();
            stop.send_replace(true);
            executor.shutdown(GRACE).await;
            give_up.send_replace(true);
            Ok::<(), anyhow::Error>(())
        };
        let work = async {
            Arc::clone(&executor).run().await;
            repairs.await.context("ending the repairs")
        };
        let work = async {
            tokio::select! {
                done = work => done,
                () = long_after(given_up) => {
                    tracing::warn!("left work behind that does not stop: its lease will run out");
                    Ok(())
                }
            }
        };
        let (served, done, ended) = tokio::join!(api, work, end);
        done?;
        // Last, so that the store knows all that the others did.
        flush.cancel();
        journal.await.context("ending the journal")?;
        ended?;
        served.context("serving")?;
        if let Ok(closed) = tokio::time::timeout(CLOSE, service.close()).await {
            closed.context("closing the database")?;
        } else {
            // Work that was left behind holds a connection.
            tracing::warn!("left the database without closing it");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The service of an installation that was started before, for a command that works on it directly.
pub(crate) async fn existing(config: &Config, values: &Values) -> Result<Service> {
    if !config.key_file.exists() {
        let message = format!("there is no master key at {}", config.key_file.display());
        return Err(Failure::new(Kind::Key, message)
            .hint("give the settings of the server: --data-dir, --database, --key-file")
            .into());
    }
    parts::service(config, values, &config.public_url(config.listen)).await
}

/// On a thread of its own: a collection, or a snapshot of the catalogue, computes for long.
fn on_own_thread(work: impl AsyncFnOnce() + Send + 'static) -> tokio::task::JoinHandle<()> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work()))
}

async fn long_after(given_up: watch::Receiver<bool>) {
    until(given_up).await;
    tokio::time::sleep(HAND_BACK).await;
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, and the process with it.
    drop(stopped.wait_for(|is_stopped| *is_stopped).await);
}

async fn wait_for_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
