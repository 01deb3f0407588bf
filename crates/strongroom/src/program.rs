//! The few programs that are started here: the key command, the tools that make and change the
//! quickstart's disk, and the quickstart's service.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result};

use crate::failure::{Failure, Kind};

/// Runs `command` in a shell and gives what it prints. Its messages go to the terminal, and it may
/// ask for a password there.
pub(crate) fn shell(command: &str) -> Result<String> {
    let failed = |why: String| Failure::new(Kind::Key, format!("--key-command {why}"));
    let mut shell = start("/bin/sh");
    shell.args(["-c", command]).stderr(Stdio::inherit()).stdin(Stdio::inherit());
    let output =
        shell.output().map_err(|error| failed(format!("could not be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed ({})", output.status)).into());
    }
    let text = String::from_utf8(output.stdout);
    Ok(text.map_err(|_| failed("printed something that is no text".to_owned()))?)
}

/// Runs a tool of the Debian package `package` to its end.
pub(crate) fn run<S: AsRef<OsStr>>(tool: &str, package: &str, arguments: &[S]) -> Result<Output> {
    let mut command = start(tool);
    // Debian keeps these tools where only root's PATH looks.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Kind::NotFound, format!("the program {tool} is missing"))
                .hint(format!("install the Debian package {package}"))
        }
        _ => Failure::new(Kind::Failed, format!("starting {tool}: {error}")),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().last().unwrap_or_default().to_owned();
    Err(Failure::new(Kind::Failed, format!("{tool} failed ({}): {said}", output.status)).into())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that starts others")]
fn start(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// `strongroom serve`, as a process beside this one. Dropped, it is killed.
pub(crate) struct Service(Option<Child>);

impl Service {
    /// Starts this very program on a free port of this machine.
    pub(crate) fn start(data: &Path, images: &Path, log: &Path) -> Result<Self> {
        let itself = std::env::current_exe().context("finding this program")?;
        let log = File::create(log).with_context(|| format!("making {}", log.display()))?;
        let mut command = start(itself);
        // What is configured for another service is not for this one.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STRONGROOM_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.arg("--root").arg(images);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self(Some(command.spawn().context("starting the service")?)))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.0 {
            Some(child) => child.try_wait().context("looking after the service"),
            None => Ok(None),
        }
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        let Some(mut child) = self.0.take() else { return Ok(()) };
        if let Ok(pid) = i32::try_from(child.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)
                .context("stopping the service")?;
        }
        child.wait().context("waiting for the service to end")?;
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
