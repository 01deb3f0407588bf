//! Real S3 servers for tests and benches: started on free ports, gone with the process.
//!
//! # Why
//! Only a real server shows what a real server does with a condition, a range or a page. The
//! binaries' paths come from the environment; a missing one is an error and never a skipped test.
//!
//! # Concurrency and crash
//! Each server runs under a shell that waits for the end of its standard input. That comes with the
//! drop of [`S3Server`], and also when this process ends in any other way; the shell then kills the
//! server and removes its files.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use strongroom_base::clock::system_instant;

use crate::object::address::{S3Address, S3Dialect};
use crate::object::s3::S3Credentials;

/// A server must answer within this time; `SeaweedFS` took 4 s on two idle cores.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The bucket that every server has.
const BUCKET: &str = "strongroom";

const ACCESS_KEY: &str = "AKTEST";
const SECRET_KEY: &str = "SKTEST";

/// Runs the server `$@`, and removes the directory `$DATA` after it.
const KEEPER: &str = r#""$@" >"$DATA.log" 2>&1 & child=$!; read _; kill -9 $child; wait $child
rm -rf "$DATA" "$DATA.log""#;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3ServerKind {
    /// `weed`, at `STRONGROOM_TEST_WEED`.
    SeaweedFs,
    /// `versitygw`, at `STRONGROOM_TEST_VERSITYGW`.
    VersityGw,
}

impl S3ServerKind {
    /// The variable that holds the path of the binary.
    pub fn variable(self) -> &'static str {
        match self {
            Self::SeaweedFs => "STRONGROOM_TEST_WEED",
            Self::VersityGw => "STRONGROOM_TEST_VERSITYGW",
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3ServerError {
    /// Nobody said where the binary is.
    #[error("set {variable} to the path of the S3 server's binary")]
    NoBinary {
        /// The variable of the environment.
        variable: &'static str,
    },
    /// The server ended or did not answer in time.
    #[error("the S3 server did not start; it said: {log}")]
    NotReady {
        /// The end of its output.
        log: String,
    },
    /// A file or process could not be made.
    #[error("preparing the S3 server")]
    Io(#[from] io::Error),
}

/// A running server with an empty bucket.
#[derive(Debug)]
pub struct S3Server {
    keeper: Child,
    endpoint: String,
}

impl S3Server {
    /// Starts a server and makes its bucket.
    ///
    /// # Errors
    /// When the binary is not named, or the server does not answer within a minute.
    pub fn start(kind: S3ServerKind) -> Result<Self, S3ServerError> {
        let variable = kind.variable();
        let binary = std::env::var_os(variable).ok_or(S3ServerError::NoBinary { variable })?;
        let data = tempfile::Builder::new().prefix("strongroom-s3-").tempdir()?.keep();
        match kind {
            S3ServerKind::SeaweedFs => Self::start_seaweedfs(Path::new(&binary), &data),
            S3ServerKind::VersityGw => Self::start_versitygw(Path::new(&binary), &data),
        }
    }

    /// The address of the bucket with all keys below `prefix`.
    pub fn address(&self, prefix: &str) -> S3Address {
        S3Address {
            dialect: S3Dialect::S3,
            bucket: BUCKET.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: self.endpoint.clone(),
            region: "us-east-1".to_owned(),
            is_virtual_host: false,
        }
    }

    /// What the server lets in.
    pub fn credentials(&self) -> S3Credentials {
        S3Credentials {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            session_token: None,
        }
    }

    fn start_versitygw(binary: &Path, data: &Path) -> Result<Self, S3ServerError> {
        // A directory below the served one is a bucket.
        let served = data.join("served");
        fs::create_dir_all(served.join(BUCKET))?;
        let port = free_ports::<1>()?[0];
        let listen = format!("127.0.0.1:{port}");
        let mut command = keeper(binary, data);
        command.args(["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--port", &listen]);
        command.args(["--quiet", "posix"]).arg(&served);
        let server = Self { keeper: command.spawn()?, endpoint: format!("http://{listen}") };
        wait_for_answer(data, || answers(port, "GET", "/"))?;
        Ok(server)
    }

    fn start_seaweedfs(binary: &Path, data: &Path) -> Result<Self, S3ServerError> {
        let config = data.join("s3.json");
        write_file(&config, &seaweedfs_config())?;
        let store = data.join("store");
        fs::create_dir(&store)?;
        let [s3, master, volume, filer] = free_ports()?;
        let mut command = keeper(binary, data);
        command.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        command.args([format!("-dir={}", store.display())]);
        command.args([format!("-s3.port={s3}"), format!("-s3.config={}", config.display())]);
        command.args([format!("-master.port={master}"), format!("-volume.port={volume}")]);
        command.args([format!("-filer.port={filer}")]);
        // Room for many small volumes, no fixed ports, no reports to anybody.
        command.args(["-volume.max=20", "-master.volumeSizeLimitMB=1024"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
        let server = Self { keeper: command.spawn()?, endpoint: format!("http://127.0.0.1:{s3}") };
        // A directory of the filer below `/buckets` is a bucket; the filer makes it only once the
        // master has found a volume server.
        wait_for_answer(data, || {
            answers(master, "GET", "/dir/assign")
                && answers(filer, "POST", &format!("/buckets/{BUCKET}/"))
                && answers(s3, "GET", "/")
        })?;
        Ok(server)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // The shell sees the end of its input; then wait until it has cleaned up.
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// The shell that runs `binary` with the arguments that are added to the command.
#[expect(clippy::disallowed_methods, reason = "starts servers for tests only")]
fn keeper(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).arg(binary).env("DATA", data).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir(data);
    command
}

fn seaweedfs_config() -> String {
    let key = serde_json::json!({ "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY });
    let actions = ["Admin", "Read", "Write", "List", "Tagging"];
    let identity = serde_json::json!({ "name": "t", "credentials": [key], "actions": actions });
    serde_json::json!({ "identities": [identity] }).to_string()
}

fn write_file(path: &PathBuf, text: &str) -> io::Result<()> {
    fs::File::create(path)?.write_all(text.as_bytes())
}

/// Ports that nobody listens on now, and neither on the ports 10,000 above, where `SeaweedFS` puts
/// its gRPC. Held until all are found, so that they differ.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        *port = loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let found = listener.local_addr()?.port();
            let above = found.checked_add(10_000);
            let above = above.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
            held.push(listener);
            if let Some(above) = above {
                held.push(above);
                break found;
            }
        };
    }
    Ok(ports)
}

/// Waits until `is_ready`, or says how the server's output ends.
fn wait_for_answer(data: &Path, is_ready: impl Fn() -> bool) -> Result<(), S3ServerError> {
    let began = system_instant();
    while began.elapsed() < START_LIMIT {
        if is_ready() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(data.with_extension("log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(10).collect();
    Err(S3ServerError::NotReady { log: tail.join(" | ") })
}

/// Whether the server on `port` answers a request with anything but a failure of its own.
fn answers(port: u16, method: &str, path: &str) -> bool {
    let limit = Duration::from_secs(5);
    let attempt = || -> io::Result<bool> {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&at, limit)?;
        stream.set_read_timeout(Some(limit))?;
        let length = "Content-Length: 0\r\nConnection: close";
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n")?;
        // "HTTP/1.1 200": the class of the status is the tenth byte.
        let mut start = [0; 10];
        stream.read_exact(&mut start)?;
        Ok(start[9] != b'5')
    };
    attempt().unwrap_or(false)
}
