//! The machine's clocks.

use std::time::{Duration, Instant};

use strongroom_base::clock::{self, BoxFuture};
use strongroom_base::{Clock, Timestamp};

/// The wall clock and tokio's timer.
#[derive(Debug)]
pub(super) struct RealClock {
    began: Instant,
}

impl RealClock {
    pub(super) fn new() -> Self {
        Self { began: clock::system_instant() }
    }
}

impl Clock for RealClock {
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
