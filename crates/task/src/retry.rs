//! How often a workflow tries again, and how long it waits in between.

use std::time::Duration;

use strongroom_base::Rng;

/// When a workflow gives up. The class of a failure decides whether it is tried again at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a step may fail retryably before the task unwinds.
    pub attempts: u32,
    /// How often an undo may fail retryably before the task is stuck.
    pub undo_attempts: u32,
    /// How many workers may die in one step before it counts as failed: a step that kills its
    /// process must not kill all workers, one after another, for ever.
    pub deaths: u32,
    /// The wait after the first failure; doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            undo_attempts: 10,
            deaths: 10,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(5),
        }
    }
}

impl Retry {
    /// How long to wait after `failures` failures (from 1): between half of the doubled wait and
    /// all of it, by chance, so that many tasks do not come back at once.
    pub fn wait(&self, failures: u32, rng: &dyn Rng) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait);
        full / 2 + jitter(full / 2, rng)
    }
}

/// A span of up to `most`, by chance.
pub(crate) fn jitter(most: Duration, rng: &dyn Rng) -> Duration {
    let mut byte = [0; 1];
    rng.fill(&mut byte);
    most * u32::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_never_fall_below_half() {
        let (retry, rng) = (Retry::default(), SeededRng::new(1));
        for (failures, full) in [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (4_000, 300)] {
            let full = Duration::from_secs(full);
            let wait = retry.wait(failures, &rng);
            assert!(full / 2 <= wait && wait <= full, "{failures} failures: {wait:?}");
        }
    }
}
