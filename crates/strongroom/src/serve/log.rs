//! Where log lines go: standard error, as text (in colours on a terminal) or as JSON.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::LevelFilter;

use crate::config::{Config, LogFormat};

/// Sends log lines to standard error from now on.
pub(crate) fn start(config: &Config) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(config.log_level))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process, as in tests, keeps the first one's.
    drop(match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    });
}
