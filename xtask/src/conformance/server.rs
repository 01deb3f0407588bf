//! `strongroom serve` in a folder of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;
use crate::step;

/// How long the server may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(1);
const BLINK: Duration = Duration::from_millis(100);
/// After so long a change is in the store (docs/recovery.md).
const JOURNALED: Duration = Duration::from_secs(5);
const REGION: &str = "eu-test";

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    binary: PathBuf,
    address: SocketAddr,
    /// Everything of this run; the store and the master key lie beside the data directory.
    work: PathBuf,
    /// What the first start wrote for clients: names and values.
    variables: Vec<(String, String)>,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(super) fn start(binary: &Path, work: &Path) -> Result<Self> {
        fs::create_dir_all(work.join("disks")).context("making the folder of disks")?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let (binary, work) = (binary.to_owned(), work.to_owned());
        let child = spawn(&binary, &work, address)?;
        let mut server = Self { child, binary, address, work, variables: Vec::new() };
        server.wait()?;
        let openrc =
            fs::read_to_string(server.work.join("data/openrc")).context("reading openrc")?;
        server.variables = openrc.lines().filter_map(variable).collect();
        Ok(server)
    }

    /// Loses the machine: the process is killed a while after the last change, the data directory is
    /// gone. Recovers from the store and starts again.
    pub(super) fn lose_and_recover(&mut self) -> Result<()> {
        thread::sleep(JOURNALED);
        self.child.kill().context("killing the server")?;
        self.child.wait().context("waiting for the server")?;
        fs::remove_dir_all(self.work.join("data")).context("removing the data directory")?;
        process::run(&mut at_places(&self.binary, "recover", &self.work))?;
        self.child = spawn(&self.binary, &self.work, self.address)?;
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        let started = step::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().context("asking for the server's end")? {
                bail!("the server ended with {status}: see server.log");
            }
            if is_ready(self.address).unwrap_or(false) {
                return Ok(());
            }
            thread::sleep(BLINK);
        }
        bail!("the server was not ready in {PATIENCE:?}")
    }

    /// Tells a client where the server is and who it is.
    pub(super) fn tell<'a>(&self, client: &'a mut Command) -> Result<&'a mut Command> {
        ensure!(!self.variables.is_empty(), "the first start wrote no variables");
        client.envs(self.variables.iter().map(|(name, value)| (name, value)));
        client.env("STRONGROOM_DISKS", self.work.join("disks"));
        Ok(client.env("STRONGROOM_URL", format!("http://{}", self.address)))
    }

    /// Ends it as an operator would; it must end well.
    pub(super) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        process::run(process::command("kill").args(["-TERM", &id]))?;
        let status = self.child.wait().context("waiting for the server")?;
        ensure!(status.success(), "the server ended with {status}: see server.log");
        Ok(())
    }
}

impl Drop for Server {
    /// A run that failed leaves no process behind.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The server as a process.
fn spawn(binary: &Path, work: &Path, address: SocketAddr) -> Result<Child> {
    let mut log = fs::File::options();
    let log = log.create(true).append(true).open(work.join("server.log"));
    let mut command = at_places(binary, "serve", work);
    command.arg("--root").arg(work.join("disks"));
    command.args(["--region", REGION, "--listen", &address.to_string()]);
    command.stderr(log.context("making the log")?).spawn().context("starting the server")
}

/// A command with the places of this run.
fn at_places(binary: &Path, verb: &str, work: &Path) -> Command {
    let mut command = process::command(binary);
    command.arg(verb).arg("--data-dir").arg(work.join("data"));
    command.arg("--store").arg(format!("fs://{}", work.join("store").display()));
    command.arg("--key-file").arg(work.join("master.key"));
    // Ours are not the server's settings, and it refuses what it does not know.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"STRONGROOM_") {
            command.env_remove(name);
        }
    }
    command
}

/// `export NAME='value'`.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    Some((name.to_owned(), value.trim_matches('\'').to_owned()))
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_without_their_quotes() {
        let read = |line: &str| variable(line);
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(read("export OS_USERNAME='admin'"), pair("OS_USERNAME", "admin"));
        assert_eq!(read("export A='b=c'"), pair("A", "b=c"));
        assert_eq!(read("# a remark"), None);
    }
}
