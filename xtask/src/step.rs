//! A named, timed part of a long command.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Runs `work`, prints its name before and its duration after; an error carries the name.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let started = now();
    let result = work().with_context(|| format!("step `{name}` failed"));
    let verdict = if result.is_ok() { "done" } else { "FAILED" };
    println!("<== {name}: {verdict} in {}", minutes(started.elapsed()));
    result
}

/// A moment to measure from.
#[expect(clippy::disallowed_methods, reason = "durations of steps are for people only")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A duration as minutes, seconds and tenths.
fn minutes(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_shows_minutes_seconds_and_tenths() {
        assert_eq!(minutes(Duration::from_millis(0)), "0:00.0");
        assert_eq!(minutes(Duration::from_millis(65_490)), "1:05.4");
        assert_eq!(minutes(Duration::from_hours(1)), "60:00.0");
    }

    #[test]
    fn step_that_fails_names_itself() {
        let error = step::<()>("clean", || anyhow::bail!("no water")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `clean` failed: no water");
    }
}
