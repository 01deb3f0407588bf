//! How far a task has come, as its row keeps it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_base::Progress;

/// How much one new second weighs in the rate: slow enough to steady the estimate, fast enough to
/// follow a change within ten seconds.
const WEIGHT_OF_A_SECOND: f64 = 0.2;

/// Progress at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The part of the work that is under way.
    pub phase: String,
    /// Bytes dealt with in this part.
    pub done: u64,
    /// Bytes that this part covers; zero while unknown.
    pub total: u64,
    /// Bytes sent to the store.
    pub stored: u64,
    /// Bytes dealt with in a second, lately; zero while unknown.
    pub rate: u64,
}

impl Measure {
    /// How long the rest of this part takes at the present rate.
    pub fn remaining(&self) -> Option<Duration> {
        let left = self.total.saturating_sub(self.done);
        let seconds = left.div_ceil(Some(self.rate).filter(|rate| *rate > 0)?);
        (self.total > 0).then(|| Duration::from_secs(seconds))
    }
}

/// Makes measures out of counters.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    at: Duration,
    last: Measure,
    rate: f64,
}

impl Meter {
    /// What to write at `now` (monotonic); `None` when the counters stand still.
    pub(crate) fn read(&mut self, progress: &Progress, now: Duration) -> Option<Measure> {
        let (phase, done) = (progress.phase(), progress.done());
        let seconds = now.saturating_sub(self.at).as_secs_f64().max(0.001);
        let grown =
            if phase == self.last.phase { done.saturating_sub(self.last.done) } else { done };
        let weight = (WEIGHT_OF_A_SECOND * seconds).min(1.0);
        let latest = grown as f64 / seconds;
        self.rate =
            if self.rate == 0.0 { latest } else { self.rate + weight * (latest - self.rate) };
        self.at = now;
        let measure = Measure {
            phase: phase.to_owned(),
            done,
            total: progress.total(),
            stored: progress.stored(),
            rate: to_whole(self.rate),
        };
        let is_new = measure != self.last;
        self.last = measure.clone();
        is_new.then_some(measure)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not negative, and `as` saturates"
)]
fn to_whole(rate: f64) -> u64 {
    rate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_follows_the_bytes_and_gives_the_rest_of_the_time() {
        let (progress, mut meter) = (Progress::new(), Meter::default());
        progress.begin("write", 1_000);
        progress.add_done(100);
        let first = meter.read(&progress, Duration::from_secs(1)).unwrap();
        assert_eq!((first.done, first.total, first.rate), (100, 1_000, 100));
        assert_eq!(first.remaining(), Some(Duration::from_secs(9)));
        progress.add_done(300);
        let second = meter.read(&progress, Duration::from_secs(2)).unwrap();
        assert_eq!(second.rate, 140);
    }

    #[test]
    fn counters_that_stand_still_give_nothing_to_write() {
        let (progress, mut meter) = (Progress::new(), Meter::default());
        assert_eq!(meter.read(&progress, Duration::from_secs(1)), None);
        assert_eq!(Measure::default().remaining(), None);
    }
}
