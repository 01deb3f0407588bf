//! Keeping the journal up with the catalogue while a server runs.
//!
//! # Why
//! The service goes on when the store does not answer: changes stay noted in the database, and the
//! first turn that the store takes says them all. The log tells when that begins, every minute that
//! it lasts, and when it is over.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use strongroom_base::{CancelToken, Chain, Clock};
use strongroom_repo::journal::JournalError;

use super::{CatalogueError, CatalogueJournal, JournalReport};
use crate::service::Service;

/// Between two turns. With the turn itself a change is in the store within five seconds.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a sleep may go on after a server was told to stop.
const BLINK: Duration = Duration::from_millis(100);
/// How long a server that stops waits for the store to take the last changes.
const FLUSH: Duration = Duration::from_secs(10);
/// How old the newest snapshot becomes.
const SNAPSHOT_EVERY: Duration = Duration::from_hours(24);
/// When a snapshot is tried again that could not be written.
const SNAPSHOT_AGAIN: Duration = Duration::from_mins(10);
/// How often the log says that the journal is behind.
const TELL_EVERY: Duration = Duration::from_mins(1);

impl Service {
    /// Keeps the journal up until `stop`, and writes then what is left. Call it when nothing else of
    /// the service runs any more, so that this is all there will be.
    pub async fn keep_journal(&self, stop: &CancelToken) {
        let clock = self.clock();
        let mut lag = Lag::default();
        let journal = loop {
            match self.journal() {
                Ok(journal) => break journal,
                Err(error) => lag.tell(&error, clock.monotonic()),
            }
            if stop.is_cancelled() {
                return;
            }
            rest(clock, PAUSE, stop).await;
        };
        journal.keep(clock, stop).await;
    }
}

impl CatalogueJournal {
    /// Turn after turn until `stop`, and a last one.
    pub(crate) async fn keep(&self, clock: &dyn Clock, stop: &CancelToken) {
        let mut lag = Lag::default();
        let mut snapshot_after = Duration::ZERO;
        loop {
            let is_last = stop.is_cancelled();
            let turn = pin!(self.keep_once(clock, &mut lag, &mut snapshot_after));
            let limit = pin!(flushed(clock, stop));
            if let Either::Right(_) = select(turn, limit).await {
                tracing::warn!("stopped before the store took all changes; the next start goes on");
                return;
            }
            if is_last {
                return;
            }
            rest(clock, PAUSE, stop).await;
        }
    }

    async fn keep_once(&self, clock: &dyn Clock, lag: &mut Lag, snapshot_after: &mut Duration) {
        let report = match self.run().await {
            Ok(report) => report,
            Err(error) => return lag.tell(&error, clock.monotonic()),
        };
        lag.end();
        // Without changes the last snapshot is as good as a new one.
        if report.rows == 0 || report.is_snapshot || clock.monotonic() < *snapshot_after {
            return;
        }
        if let Err(error) = self.compact_if_due(clock).await {
            tracing::warn!(error = %Chain(&error), "the catalogue's journal was not compacted");
            *snapshot_after = clock.monotonic() + SNAPSHOT_AGAIN;
        }
    }

    /// Writes a snapshot if the newest one is a day old.
    async fn compact_if_due(&self, clock: &dyn Clock) -> Result<JournalReport, CatalogueError> {
        let now = clock.now();
        let is_old = |head: Option<strongroom_repo::journal::Head>| {
            head.is_some_and(|head| now.since(head.created) >= SNAPSHOT_EVERY)
        };
        // Another process may have been first, so whoever believes it is due looks again.
        if is_old(self.journal.head().await?) && is_old(self.journal.newest_head().await?) {
            return self.compact().await;
        }
        Ok(JournalReport::default())
    }
}

/// Since when the store does not have all changes.
#[derive(Debug, Default)]
struct Lag {
    since: Option<Duration>,
    told: Duration,
}

impl Lag {
    fn tell(&mut self, error: &CatalogueError, now: Duration) {
        let since = *self.since.get_or_insert(now);
        if since != now && now.saturating_sub(self.told) < TELL_EVERY {
            return;
        }
        self.told = now;
        let is_foreign = is_foreign(error);
        let (error, seconds) = (Chain(error), now.saturating_sub(since).as_secs());
        if is_foreign {
            tracing::error!(
                %error, seconds,
                "nothing of this catalogue is journaled: the journal in its store is not its own. \
                 Use another store, or `strongroom recover` into a new catalogue"
            );
        } else {
            tracing::warn!(
                %error, seconds,
                "the catalogue's journal is behind; the changes are kept and written later"
            );
        }
    }

    fn end(&mut self) {
        if self.since.take().is_some() {
            tracing::info!("the catalogue's journal has caught up");
        }
    }
}

fn is_foreign(error: &CatalogueError) -> bool {
    let CatalogueError::Journal(error) = error else { return false };
    matches!(error, JournalError::Foreign { .. } | JournalError::Unreadable { .. })
}

async fn rest(clock: &dyn Clock, time: Duration, stop: &CancelToken) {
    let until = clock.monotonic() + time;
    while clock.monotonic() < until && !stop.is_cancelled() {
        clock.sleep(BLINK).await;
    }
}

/// Ends when a server that was told to stop has waited long enough.
async fn flushed(clock: &dyn Clock, stop: &CancelToken) {
    while !stop.is_cancelled() {
        clock.sleep(BLINK).await;
    }
    clock.sleep(FLUSH).await;
}
