//! Shows how far work has come, on standard error.
//!
//! A terminal gets a bar that moves; a file or a pipe gets a line every ten seconds.

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use strongroom_base::{ByteCount, Clock, Progress};

use crate::span;

const BAR_EVERY: Duration = Duration::from_millis(200);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How progress is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Display {
    Bar,
    Lines,
    Nothing,
}

impl Display {
    /// What fits the standard error of this process.
    pub(crate) fn choose(quiet: bool) -> Self {
        match (quiet, io::stderr().is_terminal()) {
            (true, _) => Self::Nothing,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// What there is to show at a moment.
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// How much of something is done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Amount {
    pub(crate) done: u64,
    /// Zero while unknown.
    pub(crate) total: u64,
    /// What was done already when the time began.
    pub(crate) before: u64,
    pub(crate) elapsed: Duration,
}

/// Runs `work` while showing `progress` under the name `label`.
pub(crate) async fn show<T>(
    display: Display,
    label: &str,
    clock: &dyn Clock,
    progress: &Progress,
    work: impl Future<Output = T>,
) -> T {
    let mut began = clock.monotonic();
    let mut phase = progress.phase();
    let look = || {
        if phase != progress.phase() {
            (phase, began) = (progress.phase(), clock.monotonic());
        }
        let elapsed = clock.monotonic().saturating_sub(began);
        let text = describe(label, progress, elapsed);
        Line { text, done: progress.done(), total: progress.total() }
    };
    show_line(display, clock, look, Box::pin(work)).await
}

/// Runs `work` while showing what `look` sees.
pub(crate) async fn show_line<T>(
    display: Display,
    clock: &dyn Clock,
    mut look: impl FnMut() -> Line,
    work: impl Future<Output = T>,
) -> T {
    let every = match display {
        Display::Nothing => return work.await,
        Display::Bar => BAR_EVERY,
        Display::Lines => LINE_EVERY,
    };
    let bar = bar(display);
    let mut work = pin!(work);
    loop {
        let tick = clock.sleep(every);
        match select(work.as_mut(), tick).await {
            Either::Left((result, _)) => {
                bar.finish_and_clear();
                return result;
            }
            Either::Right(_) => {
                let line = look();
                if let Display::Lines = display {
                    eprintln!("{}", line.text);
                }
                bar.set_length(line.total.max(1));
                bar.set_position(line.done);
                bar.set_message(line.text);
            }
        }
    }
}

fn bar(display: Display) -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Display::Bar = display {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("[{bar:24}] {msg}");
        bar.set_style(style.expect("the template is a constant").progress_chars("=> "));
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// `backup  42 %  1.20 GiB of 2.86 GiB  310 MiB/s  5.31 s left`
fn describe(label: &str, progress: &Progress, elapsed: Duration) -> String {
    let mut parts = vec![label.to_owned()];
    if !progress.phase().is_empty() {
        parts.push(progress.phase().to_owned());
    }
    let (done, total) = (progress.done(), progress.total());
    parts.push(Amount { done, total, before: 0, elapsed }.bytes());
    parts.join("  ")
}

impl Amount {
    /// Of bytes: `42 %  1.20 GiB of 2.86 GiB  310 MiB/s  5.31 s left`.
    pub(crate) fn bytes(&self) -> String {
        let mut parts = Vec::new();
        if self.total > 0 {
            parts.push(self.percent());
            parts.push(format!("{} of {}", ByteCount(self.done), ByteCount(self.total)));
        } else {
            parts.push(ByteCount(self.done).to_string());
        }
        parts.push(rate_of(self.done.saturating_sub(self.before), self.elapsed));
        parts.extend(self.time_left());
        parts.join("  ")
    }

    /// Of anything: `42 %  5.31 s left`.
    pub(crate) fn share(&self) -> String {
        let parts: Vec<_> = [self.percent()].into_iter().chain(self.time_left()).collect();
        parts.join("  ")
    }

    fn percent(&self) -> String {
        format!("{} %", u128::from(self.done) * 100 / u128::from(self.total.max(1)))
    }

    fn time_left(&self) -> Option<String> {
        let achieved = self.done.saturating_sub(self.before);
        let rate = achieved as f64 / self.elapsed.as_secs_f64().max(0.001);
        if rate <= 0.0 || self.total <= self.done {
            return None;
        }
        let left = (self.total - self.done) as f64 / rate;
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        Some(format!("{} left", span::show(left)))
    }
}

/// Bytes in a time, for people.
pub(crate) fn rate_of(bytes: u64, time: Duration) -> String {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    let rate = u128::from(bytes) * 1_000_000 / u128::from(micros);
    format!("{}/s", ByteCount(u64::try_from(rate).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describe_tells_rate_and_time_left() {
        let progress = Progress::new();
        progress.set_total(400 << 20);
        progress.add_done(100 << 20);
        assert_eq!(
            describe("backup", &progress, Duration::from_secs(10)),
            "backup  25 %  100.0 MiB of 400.0 MiB  10.0 MiB/s  30.0 s left"
        );
        progress.begin("copying", 20 << 20);
        progress.add_done(10 << 20);
        assert_eq!(
            describe("gc", &progress, Duration::from_secs(1)),
            "gc  copying  50 %  10.0 MiB of 20.0 MiB  10.0 MiB/s  1.00 s left"
        );
    }

    #[test]
    fn amounts_count_only_what_was_done_in_the_time() {
        let elapsed = Duration::from_secs(10);
        let amount = Amount { done: 60, total: 100, before: 20, elapsed };
        assert_eq!(amount.share(), "60 %  10.0 s left");
        assert_eq!(amount.bytes(), "60 %  60 B of 100 B  4 B/s  10.0 s left");
        assert_eq!(Amount { done: 100, ..amount }.share(), "100 %");
        assert_eq!(Amount { done: 20, ..amount }.share(), "20 %");
    }
}
