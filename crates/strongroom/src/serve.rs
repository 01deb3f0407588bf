//! `strongroom serve`: the service in one process.
//!
//! # Why
//! On one machine everything runs here: the API, the worker of the tasks, the repairs. Each is a
//! part that knows nothing of the others but the catalogue, so that more processes can share one.
//!
//! # Concurrency and crash
//! A signal ends it in order: no new connections, running requests and steps end or are handed back
//! to whoever comes next. Killed, it leaves tasks whose leases run out.

mod certificate;
mod first_start;
mod log;
mod master_key;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use strongroom_api::{ApiConfig, Security, router, serve};
use strongroom_base::CancelToken;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, ConfigOptions, Tls};

/// How long running steps may go on after a signal; then they are handed back.
const GRACE: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  strongroom serve --data-dir ./data --root /var/lib/libvirt/images
  strongroom serve --database postgres://strongroom@db/strongroom \\
      --store 's3://backups/strongroom?endpoint=https://s3.example.org'
  strongroom serve --listen 0.0.0.0:8776 --tls own --public-url https://backup.example.org:8776

The first start makes a project, an administrator and an access key, prints them once, and writes
them into clouds.yaml and openrc in the data directory. Every flag is a setting that
strongroom.toml or a variable STRONGROOM_.. can give too: see `strongroom config show`.";

/// Runs the service: API, tasks, repairs
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
        let public_url = config.public_url(listener.local_addr().context("reading the address")?);
        let service = parts::service(&config, &values, &public_url).await?;
        first_start::prepare(&config, &public_url, &service).await?;
        let security = match &config.tls {
            Tls::Off => Security::Plain,
            tls => Security::Tls(certificate::load(&config, tls, &public_url)?),
        };
        let worker = parts::worker_name();
        let executor = service.executor(&worker, config.workers).context("starting the worker")?;
        let (stop, stopped) = watch::channel(false);
        let cancel = CancelToken::new();
        let repairs = repairs(&service, &cancel);
        let ready = {
            let service = service.clone();
            Arc::new(move || {
                let service = service.clone();
                let asked: strongroom_base::clock::BoxFuture<'static, Result<(), String>> =
                    Box::pin(async move { service.check_ready().await });
                asked
            })
        };
        tracing::info!(
            address = %config.listen, url = public_url, worker, "Strongroom is ready"
        );
        let api = serve(
            listener,
            router(service.clone(), ApiConfig::new(ready)),
            security,
            until(stopped),
        );
        let tasks = Arc::clone(&executor).run();
        let end = async {
            wait_for_signal().await?;
            tracing::info!("stopping");
            cancel.cancel();
            stop.send_replace(true);
            executor.shutdown(GRACE).await;
            Ok::<(), anyhow::Error>(())
        };
        let (served, (), ended) = tokio::join!(api, tasks, end);
        repairs.await.context("ending the repairs")?;
        ended?;
        served.context("serving")?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// The repairs, on a thread of their own: a collection computes for long.
fn repairs(
    service: &strongroom_control::Service,
    cancel: &CancelToken,
) -> tokio::task::JoinHandle<()> {
    let (service, cancel) = (service.clone(), cancel.clone());
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(service.reconcile(&cancel)))
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
