//! A real `strongroom serve` on a place whose parts can be lost one by one.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};
use strongroom_base::clock::{system_instant, system_now};
use strongroom_base::ids::to_hex;
use tempfile::TempDir;

use crate::program::text;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);
const BLINK: Duration = Duration::from_millis(100);

/// A host: disks, a store, a master key, and a data directory that may be lost.
pub(crate) struct Host {
    dir: TempDir,
    address: SocketAddr,
}

/// How a service ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// As an operator ends it.
    Stopped,
    /// As a machine that burns.
    Killed,
}

/// The running service. Dropped, it is killed.
pub(crate) struct Served(Option<Child>);

impl Host {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["disks", "keys", "store"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self { dir, address: listener.local_addr().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program with nothing of the caller's environment, as a user of the service.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).env_clear().env("HOME", self.dir.path());
        command
            .env("OS_CLIENT_CONFIG_FILE", self.path("clouds.yaml"))
            .env("OS_CLOUD", "strongroom");
        command
    }

    /// A command with the places of this host; `serve` and `recover` take the same.
    pub(crate) fn with_places(&self, verb: &str) -> Command {
        let mut command = self.command(&[verb, "--data-dir"]);
        command.arg(self.path("data")).arg("--root").arg(self.path("disks"));
        command.arg("--store").arg(format!("fs://{}", self.path("store").display()));
        command.arg("--key-file").arg(self.path("keys/master.key"));
        command.args(["--listen", &self.address.to_string()]);
        command
    }

    /// Starts the service. What the first start writes for clients is kept elsewhere.
    pub(crate) fn serve(&self) -> Served {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.with_places("serve");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut served = Served(Some(child));
        until("the service is ready", || {
            let ended = served.0.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(self.path("log")).unwrap());
            self.get("/readyz", &[]).starts_with("HTTP/1.1 200")
        });
        let (written, kept) = (self.path("data/clouds.yaml"), self.path("clouds.yaml"));
        if written.exists() && !kept.exists() {
            fs::copy(written, kept).unwrap();
        }
        served
    }

    /// A command whose answer is JSON, and which must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).args(["--output", "json"]).output().unwrap();
        document(arguments, &output)
    }

    /// The catalogue as its user sees it, once no task runs.
    pub(crate) fn seen(&self) -> Value {
        let mut tasks = Value::Null;
        until("no task runs", || {
            tasks = self.json(&["task", "list"]);
            let statuses = tasks["operation_logs"].as_array().unwrap().iter();
            statuses
                .map(|task| task["status"].as_str().unwrap())
                .all(|status| !matches!(status, "waiting" | "running"))
        });
        let vaults = self.json(&["vault", "list"]);
        let each = vaults["vaults"].as_array().unwrap().iter();
        let shown: Vec<_> = each
            .map(|vault| self.json(&["vault", "show", vault["id"].as_str().unwrap()]))
            .collect();
        json!({
            "vaults": vaults,
            "shown": shown,
            "resources": self.json(&["resource", "list"]),
            "backups": self.json(&["backup", "list"]),
            "tasks": tasks,
        })
    }

    /// The status of a request that is signed with the first access key (contract cbr-v3, 10.2).
    pub(crate) fn signed_status(&self, project: &str) -> String {
        let clouds = fs::read_to_string(self.path("clouds.yaml")).unwrap();
        let value = |name: &str| {
            clouds.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().to_owned()
        };
        let (access, secret) = (value("ak: "), value("sk: "));
        let path = format!("/cbr/v3/{project}/vaults");
        let date = system_now().to_string().replace(['-', ':'], "");
        let empty = to_hex(digest::digest(&digest::SHA256, b"").as_ref());
        let request = format!(
            "GET\n{path}/\n\nhost:{}\nx-sdk-date:{date}\n\nhost;x-sdk-date\n{empty}",
            self.address
        );
        let request = to_hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let to_sign = format!("SDK-HMAC-SHA256\n{date}\n{request}");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = to_hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
        let authorization = format!(
            "authorization: SDK-HMAC-SHA256 Access={access}, SignedHeaders=host;x-sdk-date, \
             Signature={signature}"
        );
        let answer = self.get(&path, &[format!("x-sdk-date: {date}"), authorization]);
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// An answer as it came; nothing from nobody.
    fn get(&self, path: &str, headers: &[String]) -> String {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return String::new() };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = format!("host: {}", self.address);
        let start = [format!("GET {path} HTTP/1.1"), host, "connection: close".to_owned()];
        let request = [&start, headers].concat().join("\r\n") + "\r\n\r\n";
        let mut answer = String::new();
        drop(stream.write_all(request.as_bytes()));
        drop(stream.read_to_string(&mut answer));
        answer
    }
}

impl Served {
    pub(crate) fn end(mut self, how: End) {
        let mut child = self.0.take().unwrap();
        match how {
            End::Killed => child.kill().unwrap(),
            End::Stopped => {
                let sent = Command::new("kill").arg(child.id().to_string()).status().unwrap();
                assert!(sent.success());
            }
        }
        let status = child.wait().unwrap();
        assert_eq!(status.success(), matches!(how, End::Stopped), "{how:?} {status}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The document of a command that must have succeeded.
pub(crate) fn document(arguments: &[&str], output: &Output) -> Value {
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = system_instant();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(BLINK);
    }
}
