//! The service as a process of its own, as an operator runs it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::client::Client;
use super::control_group::ControlGroup;
use super::database::Database;
use super::operation::Request;
use crate::bench::measure::{command, run};

/// What the server may have at most.
pub(super) const CEILING: u64 = 300 << 20;
/// How long it may take to begin, and to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often is looked whether it has.
const GLANCE: Duration = Duration::from_millis(50);

/// A running server. Dropped, it is killed.
pub(super) struct Server {
    child: Child,
    host: String,
    log: PathBuf,
    /// Gone after the process.
    _group: Option<ControlGroup>,
}

/// What it has in memory, bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) now: u64,
    pub(super) peak: u64,
}

impl Server {
    /// Starts `program` on the database, with files in `work`, and waits until it is ready. With a
    /// ceiling the kernel ends it when it takes more.
    pub(super) fn start(
        program: &Path,
        database: &Database,
        work: &Path,
        ceiling: Option<u64>,
    ) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let host = format!("127.0.0.1:{port}");
        let group = ceiling.map(ControlGroup::new).transpose()?;
        let enter = match &group {
            Some(group) => format!("echo $$ > {} && exec \"$0\" \"$@\"", group.door().display()),
            None => "exec \"$0\" \"$@\"".to_owned(),
        };
        let disks = work.join("disks");
        fs::create_dir_all(&disks).with_context(|| format!("making {}", disks.display()))?;
        let log = work.join("server.log");
        let mut serve = command("sh");
        serve.args(["-c", &enter]).arg(program).args(["serve", "--listen", &host]);
        serve.args(["--database", &database.url()]);
        serve.arg("--data-dir").arg(work.join("service")).arg("--root").arg(disks);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STRONGROOM_")) {
            serve.env_remove(name);
        }
        let output = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let child = serve.spawn().context("starting the server")?;
        let mut server = Self { child, host, log, _group: group };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            let asked = Client::connect(&self.host)
                .and_then(|mut client| client.expect(&Request::get("/readyz".to_owned(), "")));
            if asked.is_ok() {
                return Ok(());
            }
            self.check()?;
            thread::sleep(GLANCE);
            waited += GLANCE;
        }
        bail!("the server is not ready:\n{}", self.said())
    }

    /// An error if it has ended: by itself, or because the kernel ended it.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().context("looking after the server")? {
            Some(status) => bail!("the server ended with {status}:\n{}", self.said()),
            None => Ok(()),
        }
    }

    /// Its address and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Its resident memory, with the most since it began.
    pub(super) fn memory(&self) -> Result<Memory> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let of =
            |name: &str| bytes_of(&status, name).with_context(|| format!("{path} has no {name}"));
        Ok(Memory { now: of("VmRSS:")?, peak: of("VmHWM:")? })
    }

    /// Asks it to end and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        run(command("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let mut waited = Duration::ZERO;
        while self.child.try_wait().context("looking after the server")?.is_none() {
            if waited >= PATIENCE {
                bail!("the server does not end:\n{}", self.said());
            }
            thread::sleep(GLANCE);
            waited += GLANCE;
        }
        Ok(())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A line of `/proc/PID/status` that is in kB.
fn bytes_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn bytes_of_status_are_found() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n";
        assert_eq!(bytes_of(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(bytes_of(status, "VmSwap:"), None);
    }
}
