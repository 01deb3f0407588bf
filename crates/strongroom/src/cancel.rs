//! Ctrl-C and termination: the first asks work to stop, the second stops it.

use std::future::Future;
use std::pin::pin;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select};
use strongroom_base::CancelToken;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Failure, Kind};

/// Runs `work`; a signal cancels `token`, on which the work is to end by itself. A second signal
/// drops it where it stands.
pub(crate) async fn until_cancelled<T>(
    token: &CancelToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut signals = Signals::listen()?;
    let mut work = pin!(work);
    match select(work.as_mut(), pin!(signals.next())).await {
        Either::Left((result, _)) => return result,
        Either::Right(_) => token.cancel(),
    }
    eprintln!("stopping; press Ctrl-C again to stop at once");
    match select(work.as_mut(), pin!(signals.next())).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(interrupted()),
    }
}

/// Runs work that a signal drops where it stands.
pub(crate) async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    until_stopped(work, interrupted).await
}

/// The same; `stopped` says what was left undone.
pub(crate) async fn until_stopped<T>(
    work: impl Future<Output = Result<T>>,
    stopped: impl FnOnce() -> anyhow::Error,
) -> Result<T> {
    let mut signals = Signals::listen()?;
    match select(pin!(work), pin!(signals.next())).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(stopped()),
    }
}

fn interrupted() -> anyhow::Error {
    Failure::new(Kind::Interrupted, "interrupted").into()
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await;
    }
}
