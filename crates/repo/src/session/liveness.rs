//! When a session that shows no life is given up.
//!
//! # Why
//! This decides only *when* we give up, never what is safe: a session that was given up too early
//! loses its work and nothing else, because whoever creates the manifest key first decides.

use std::time::Duration;

use strongroom_base::Timestamp;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::SessionId;

/// Judges sessions of which no end is known.
pub trait Liveness: Send + Sync {
    /// Whether `session` should be given up. `newest` is when it last wrote anything and `now` the
    /// present, both by the store's clock.
    fn is_dead(&self, session: SessionId, newest: Timestamp, now: Timestamp)
    -> BoxFuture<'_, bool>;
}

/// Judges by age alone: for a repository without a catalogue.
#[derive(Debug, Clone, Copy)]
pub struct AgeLiveness {
    /// A session that wrote nothing for so long is dead.
    pub after: Duration,
}

impl Default for AgeLiveness {
    /// Half an hour: six missed signs of life.
    fn default() -> Self {
        Self { after: Duration::from_mins(30) }
    }
}

impl Liveness for AgeLiveness {
    fn is_dead(
        &self,
        _session: SessionId,
        newest: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, bool> {
        let dead = now.since(newest) >= self.after;
        Box::pin(async move { dead })
    }
}
