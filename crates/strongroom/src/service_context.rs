//! What every command about the service starts from: options, the service, and what goes on there
//! when the command is stopped.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use strongroom_base::Clock;

use crate::client::{Cloud, Environment, Noun, Session, find};
use crate::clock::TokioClock;
use crate::failure::{Failure, Kind};
use crate::output::{Format, Printer};
use crate::progress_line::Display;

/// Options of every command about the service.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServiceOptions {
    /// The cloud of clouds.yaml; without it the variables `OS_*`, or the only cloud
    #[arg(long, global = true, env = "OS_CLOUD", value_name = "NAME")]
    cloud: Option<String>,
    /// The region, if not the cloud's own
    #[arg(long, global = true, value_name = "NAME")]
    region: Option<String>,
    /// How the answer is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// Show no progress
    #[arg(long, global = true)]
    quiet: bool,
    /// Show each request and its id
    #[arg(long, global = true)]
    verbose: bool,
}

impl ServiceOptions {
    /// How the answer is printed.
    pub(crate) fn printer(&self, stdout_is_taken: bool) -> Printer {
        Printer { format: self.output, stdout_is_taken }
    }
}

/// The options, and what they name.
pub(crate) struct ServiceContext {
    pub(crate) session: Session,
    pub(crate) printer: Printer,
    pub(crate) clock: Arc<dyn Clock>,
    is_quiet: bool,
    /// Tasks that are waited for.
    tasks: Mutex<Vec<String>>,
}

impl ServiceContext {
    /// Finds out which service is meant; asks it nothing yet.
    pub(crate) fn new(options: &ServiceOptions, printer: Printer) -> Result<Self> {
        let name = options.cloud.as_deref().filter(|name| !name.is_empty());
        let cloud = Cloud::choose(name, options.region.as_deref(), &Environment::of_process())?;
        Ok(Self {
            session: Session::new(cloud, options.verbose)?,
            printer,
            clock: Arc::new(TokioClock::new()),
            is_quiet: options.quiet,
            tasks: Mutex::default(),
        })
    }

    /// The one thing that a command's argument names.
    pub(crate) async fn find(&self, noun: Noun, wanted: &str) -> Result<Value> {
        find(&self.session, noun, wanted).await
    }

    /// How progress is shown.
    pub(crate) fn display(&self) -> Display {
        Display::choose(self.is_quiet)
    }

    /// Notes which tasks go on when the command is stopped.
    pub(crate) fn leaves_behind(&self, tasks: &[String]) {
        *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks.to_vec();
    }

    /// What is said when the user stops the command.
    pub(crate) fn stopped(&self) -> anyhow::Error {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).join(" ");
        if tasks.is_empty() {
            return Failure::new(Kind::Interrupted, "interrupted").into();
        }
        Failure::new(Kind::Interrupted, "stopped waiting; the task goes on")
            .hint(format!("`strongroom task wait {tasks}` waits again"))
            .hint(format!("`strongroom task cancel {tasks}` ends it"))
            .into()
    }
}
