//! The machine's clock, for tests and benches in real time.

use std::time::{Duration, Instant};

use strongroom_base::clock::{BoxFuture, system_instant, system_now};
use strongroom_base::{Clock, Timestamp};

/// The machine's clock, which sleeps in a tokio runtime.
#[derive(Debug)]
pub struct RealClock(Instant);

impl RealClock {
    /// A clock whose monotonic time begins now.
    #[expect(clippy::new_without_default, reason = "a clock that begins now has no default")]
    pub fn new() -> Self {
        Self(system_instant())
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        system_now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
