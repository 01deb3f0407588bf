//! The real clients beside the tests: they wait for one another most of the time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, ensure};

use crate::checkout::Checkout;
use crate::process;

/// A run of all flows in a process of its own, which goes on to its end when nobody waits for it.
#[derive(Debug)]
pub(crate) struct Beside {
    child: Child,
    /// What it prints, so that it does not mix with what the tests print.
    log: PathBuf,
}

impl Beside {
    /// Starts it against `program`.
    pub(crate) fn start(checkout: &Checkout, program: &Path) -> Result<Self> {
        let log = checkout.target_folder().join("conformance.log");
        let output = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let errors = output.try_clone().context("sharing the log")?;
        // Not the running file: building the tests may have replaced it.
        let mut command = process::cargo(checkout.root());
        command.args(["xtask", "conformance", "--program"]).arg(program);
        let child = command.stdout(output).stderr(errors).spawn();
        Ok(Self { child: child.context("starting the conformance run")?, log })
    }

    /// Waits for its end and prints what it printed; anything but success is an error.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait().context("waiting for the conformance run")?;
        let text = std::fs::read(&self.log).context("reading the log of the conformance run")?;
        print!("{}", String::from_utf8_lossy(&text));
        ensure!(status.success(), "the conformance run ended with {status}");
        Ok(())
    }
}
