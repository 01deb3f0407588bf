//! The machine's clocks, as the engine wants them.

use std::time::{Duration, Instant};

use strongroom_base::clock::{self, BoxFuture};
use strongroom_base::{Clock, Timestamp};

/// The wall clock and tokio's timer.
#[derive(Debug)]
pub(crate) struct TokioClock {
    began: Instant,
}

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self { began: clock::system_instant() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        clock::system_now()
    }

    fn monotonic(&self) -> Duration {
        clock::system_instant().saturating_duration_since(self.began)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
