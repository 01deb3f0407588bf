//! The clocks of simulated machines.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::Clock;
use crate::clock::{BoxFuture, Timestamp};

use super::executor::Sim;

/// The true wall time at which every simulation starts: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// One machine's clock: its wall time may be wrong, its monotonic time is the simulation's.
#[derive(Debug)]
pub struct SimClock {
    sim: Sim,
    skew_us: AtomicI64,
}

impl SimClock {
    /// A clock whose wall time is `skew_s` seconds ahead of the true one (behind when negative).
    pub fn new(sim: &Sim, skew_s: i64) -> Self {
        let clock = Self { sim: sim.clone(), skew_us: AtomicI64::new(0) };
        clock.set_skew(skew_s);
        clock
    }

    /// Makes the wall time jump to `skew_s` seconds ahead of the true one.
    pub fn set_skew(&self, skew_s: i64) {
        self.skew_us.store(skew_s.saturating_mul(1_000_000), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let skew = self.skew_us.load(Ordering::Relaxed);
        Timestamp(START.plus(self.sim.now()).0.saturating_add_signed(skew))
    }

    fn monotonic(&self) -> Duration {
        self.sim.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.sim.sleep(duration))
    }
}
