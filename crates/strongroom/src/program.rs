//! The few programs of others that are started here: the key command, and the tools that make and
//! change the quickstart's disk.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Output, Stdio};

use anyhow::Result;

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
fn start(program: &str) -> Command {
    Command::new(program)
}
