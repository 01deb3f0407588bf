//! Repairs that run again and again: they read what is, act so that it can be repeated, and say
//! what they did.
//!
//! # Why
//! What a request or a task leaves open, because something died between two systems, is found by
//! looking, not by remembering. The bytes of deleted backups go here too.
//!
//! # Invariants
//! - CTL-20: a manifest is only given a grave here if the catalogue knows the task that made it, and
//!   that it has ended: a catalogue that was lost, or is older than the store, deletes nothing.
//! - CTL-21: the objects of a repository go after its vault, its backups and their delay.
//!
//! # Concurrency and crash
//! Any number of processes may do the same at once; collections and graves are made for that.

mod collection;
mod expiry;
mod orphans;
mod tokens;
mod usage;
mod verification;

use std::time::Duration;

use futures_util::future::join_all;
use strongroom_base::{CancelToken, Chain};

pub use collection::CollectionReport;
pub use orphans::OrphanReport;
pub use usage::Usage;
pub use verification::VerificationReport;

use crate::error::Error;
use crate::service::Service;

/// How long a loop sleeps at most before it looks whether it shall stop.
const BLINK: Duration = Duration::from_millis(500);

/// A repair.
#[derive(Debug, Clone, Copy)]
enum Repair {
    /// Tokens that are over are removed.
    Tokens,
    /// Backups that are over are deleted.
    Expiry,
    /// Repositories that are due are swept for orphans and collected.
    Collection,
    /// Repositories that are due are verified.
    Verification,
}

impl Repair {
    const ALL: [Self; 4] = [Self::Tokens, Self::Expiry, Self::Collection, Self::Verification];

    /// How long it rests: how late it may be.
    fn rest(self) -> Duration {
        match self {
            Self::Tokens | Self::Expiry => Duration::from_mins(1),
            Self::Collection | Self::Verification => Duration::from_secs(15),
        }
    }

    async fn run(self, service: &Service, cancel: &CancelToken) -> Result<(), Error> {
        match self {
            Self::Tokens => service.sweep_tokens().await.map(drop),
            Self::Expiry => service.expire_backups().await.map(drop),
            Self::Collection => service.collect_due(cancel).await.map(drop),
            Self::Verification => service.verify_due(cancel).await.map(drop),
        }
    }
}

impl Service {
    /// Runs all repairs until `cancel`; what is under way then stops at its next point. Some of them
    /// compute for long: give them a thread of their own.
    pub async fn reconcile(&self, cancel: &CancelToken) {
        join_all(Repair::ALL.map(|repair| repeat(self, repair, cancel))).await;
    }
}

async fn repeat(service: &Service, repair: Repair, cancel: &CancelToken) {
    while !cancel.is_cancelled() {
        if let Err(error) = repair.run(service, cancel).await {
            tracing::warn!(error = %Chain(&error), repair = ?repair, "a repair was not done");
        }
        let mut left = repair.rest();
        while !left.is_zero() && !cancel.is_cancelled() {
            service.clock().sleep(BLINK.min(left)).await;
            left = left.saturating_sub(BLINK);
        }
    }
}
