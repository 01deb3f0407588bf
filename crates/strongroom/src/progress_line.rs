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

/// Runs `work` while showing `progress` under the name `label`.
pub(crate) async fn show<T>(
    display: Display,
    label: &str,
    clock: &dyn Clock,
    progress: &Progress,
    work: impl Future<Output = T>,
) -> T {
    let every = match display {
        Display::Nothing => return work.await,
        Display::Bar => BAR_EVERY,
        Display::Lines => LINE_EVERY,
    };
    let mut began = clock.monotonic();
    let mut phase = progress.phase();
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
                if phase != progress.phase() {
                    (phase, began) = (progress.phase(), clock.monotonic());
                }
                let elapsed = clock.monotonic().saturating_sub(began);
                let text = describe(label, progress, elapsed);
                if let Display::Lines = display {
                    eprintln!("{text}");
                }
                bar.set_length(progress.total().max(1));
                bar.set_position(progress.done());
                bar.set_message(text);
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
    let (done, total) = (progress.done(), progress.total());
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut parts = vec![label.to_owned()];
    if !progress.phase().is_empty() {
        parts.push(progress.phase().to_owned());
    }
    if total > 0 {
        let percent = u128::from(done) * 100 / u128::from(total);
        parts.push(format!("{percent} %"));
        parts.push(format!("{} of {}", ByteCount(done), ByteCount(total)));
    } else {
        parts.push(ByteCount(done).to_string());
    }
    parts.push(rate_of(done, elapsed));
    if rate > 0.0 && total > done {
        let left = (total - done) as f64 / rate;
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        parts.push(format!("{} left", span::show(left)));
    }
    parts.join("  ")
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
}
