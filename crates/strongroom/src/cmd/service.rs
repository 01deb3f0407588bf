//! Running a command about the service.

use anyhow::Result;

use crate::cancel::until_stopped;
use crate::output::Printer;
use crate::service_context::{ServiceContext, ServiceOptions};

/// Runs `work` until it ends or the user stops it.
pub(super) async fn run(
    options: &ServiceOptions,
    printer: Printer,
    work: impl AsyncFnOnce(&ServiceContext) -> Result<()>,
) -> Result<()> {
    let cx = ServiceContext::new(options, printer)?;
    until_stopped(Box::pin(work(&cx)), || cx.stopped()).await
}
