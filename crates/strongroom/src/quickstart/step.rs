//! The steps of the tour, as they are printed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_base::{Clock, Progress};

use crate::output::Printer;
use crate::progress_line::{Display, rate_of, show};
use crate::span;

/// Counts and prints steps.
pub(super) struct Steps {
    clock: Arc<dyn Clock>,
    printer: Printer,
    number: u32,
}

impl Steps {
    pub(super) fn new(clock: Arc<dyn Clock>, printer: Printer) -> Self {
        Self { clock, printer, number: 0 }
    }

    /// Runs `work` with a progress bar, then prints one line: the step, what `told` makes of its
    /// result, how long it took and at which rate.
    pub(super) async fn run<T>(
        &mut self,
        title: &str,
        progress: &Progress,
        work: impl Future<Output = Result<T>>,
        told: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        let began = self.clock.monotonic();
        let result = show(Display::choose(false), title, &*self.clock, progress, work)
            .await
            .with_context(|| format!("step {} ({title})", self.number + 1))?;
        let took = self.clock.monotonic().saturating_sub(began);
        self.print(title, &told(&result), Some((took, progress.done())))?;
        Ok(result)
    }

    /// Prints a step that takes no time.
    pub(super) fn note(&mut self, title: &str, told: &str) -> Result<()> {
        self.print(title, told, None)
    }

    /// Prints a text between steps.
    pub(super) fn say(&self, text: &str) -> Result<()> {
        self.printer.write(text).context("printing")
    }

    fn print(&mut self, title: &str, told: &str, cost: Option<(Duration, u64)>) -> Result<()> {
        self.number += 1;
        let cost = match cost {
            None => String::new(),
            Some((took, 0)) => format!("  [{}]", span::show(took)),
            Some((took, bytes)) => format!("  [{}, {}]", span::show(took), rate_of(bytes, took)),
        };
        self.say(&format!("{:2}. {title}{cost}\n    {told}", self.number))
    }
}
