//! Serving connections.
//!
//! # Why
//! `axum::serve` leaves the limits of a connection as they are. A public port needs some: how long a
//! head may take, how many headers it may have, how large they are.
//!
//! # Concurrency and crash
//! Every connection is a task of its own, owned by the set here: when `shutdown` resolves no more
//! are accepted, requests that run get their answers, and then the set is empty. What is not done
//! after the time that it is given is dropped like a client that went away.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::tls::TlsConfig;

/// How long the head of a request may take to come, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// The most headers of a request. Clients send ten; proxies add some.
const MOST_HEADERS: usize = 100;
/// The most bytes of a head: a target of 8 KiB and its headers.
const HEAD_BYTES: usize = 64 << 10;
/// How long running requests may go on after a shutdown began.
const LAST_REQUESTS: Duration = Duration::from_secs(20);
/// How long to wait after a failure to accept: mostly there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are protected.
#[derive(Debug, Clone)]
pub enum Security {
    /// Not at all.
    Plain,
    /// By TLS 1.2 or 1.3.
    Tls(TlsConfig),
}

/// Serves `router` on `listener` until `shutdown` resolves, then lets running requests end.
///
/// # Errors
/// None so far: a connection that cannot be accepted is logged, and the next is awaited.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    security: Security,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut shutdown = pin!(shutdown.fuse());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = pin!(listener.accept());
        match select(accepted, shutdown.as_mut()).await {
            Either::Left((Ok((stream, _)), _)) => {
                // An answer is one write; waiting for more only delays it.
                drop(stream.set_nodelay(true));
                let router = router.clone();
                match &security {
                    Security::Plain => {
                        let service = TowerToHyperService::new(router);
                        let connection = http().serve_connection(TokioIo::new(stream), service);
                        connections.spawn(ended(graceful.watch(connection)));
                    }
                    Security::Tls(tls) => {
                        let (tls, watcher) = (tls.clone(), graceful.watcher());
                        connections.spawn(async move {
                            let Some(stream) = tls.accept(stream).await else { return };
                            let service = TowerToHyperService::new(router);
                            let connection = http().serve_connection(TokioIo::new(stream), service);
                            ended(watcher.watch(connection)).await;
                        });
                    }
                }
            }
            Either::Left((Err(error), _)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            Either::Right(((), _)) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running at the end of the shutdown");
    }
    connections.shutdown().await;
    Ok(())
}

async fn ended(connection: impl Future<Output = Result<(), hyper::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended early");
    }
}

/// HTTP/1.1 with our limits.
fn http() -> hyper::server::conn::http1::Builder {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MOST_HEADERS)
        .max_buf_size(HEAD_BYTES);
    http
}
