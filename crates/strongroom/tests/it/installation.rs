//! `strongroom serve` as a process of its own, and a client that speaks to it over HTTP alone.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use strongroom_base::clock::system_instant;
use strongroom_base::rng::{Rng as _, SeededRng};
use tempfile::TempDir;

use crate::cloud_client::CloudClient;
use crate::program::text;

/// How long a server may take to be ready: a first one hashes a password and makes keys.
const READY: Duration = Duration::from_mins(1);
/// How often an installation is started at most.
const STARTS: u32 = 100;
/// How long to wait between two looks.
pub(crate) const BLINK: Duration = Duration::from_millis(5);
/// The same after a while.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Rests between two looks for what is waited for since `began`: an eighth of the time until now, and
/// half a second at most, so that those who wait for long leave the machine to those who work.
pub(crate) fn rest(began: Instant) {
    thread::sleep((began.elapsed() / 8).clamp(BLINK, LONGEST_REST));
}

/// Where a server keeps what, and how it is started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// The folder below which it adopts disks.
    pub(crate) disks: PathBuf,
    /// Its temporary files, and its logs.
    pub(crate) scratch: PathBuf,
    /// What it is told beside that.
    pub(crate) arguments: Vec<String>,
    /// What it finds in its environment.
    pub(crate) variables: Vec<(String, String)>,
    /// The control group that it runs in, if it is one of its own.
    pub(crate) group: Option<PathBuf>,
}

impl Setup {
    /// All of it below `folder`.
    pub(crate) fn below(folder: &Path) -> Self {
        let place = |name: &str| {
            let place = folder.join(name);
            fs::create_dir_all(&place).unwrap();
            place
        };
        Self {
            data: folder.join("data"),
            disks: place("disks"),
            scratch: place("scratch"),
            arguments: ["--listen", "127.0.0.1:0"].map(str::to_owned).to_vec(),
            variables: Vec::new(),
            group: None,
        }
    }

    /// With more flags.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// The program with a subcommand of which these are the settings.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_strongroom");
        let mut command = match &self.group {
            None => Command::new(program),
            Some(group) => {
                let enter = format!("echo $$ > {}/cgroup.procs", group.display());
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{enter} && exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command.env_clear().envs(self.variables.iter().cloned());
        for name in ["PATH", "HOME"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("TMPDIR", &self.scratch).args(words);
        command.arg("--data-dir").arg(&self.data).arg("--root").arg(&self.disks);
        command.args(&self.arguments);
        command
    }

    /// Starts a server and does not wait for it.
    pub(crate) fn spawn(&self) -> RealServer {
        let number = (0..STARTS).find(|n| !self.log(*n).exists()).unwrap();
        let log = self.log(number);
        let mut command = self.command(&["serve", "--log-format", "json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create_new(&log).unwrap());
        RealServer { child: command.spawn().unwrap(), log }
    }

    /// Starts a server; it listens, and says where.
    pub(crate) fn start(&self) -> (RealServer, SocketAddr) {
        let mut server = self.spawn();
        let address = server.ready();
        (server, address)
    }

    /// Starts a server and logs its administrator in.
    pub(crate) fn start_first(&self) -> (RealServer, CloudClient) {
        let (server, address) = self.start();
        let client = CloudClient::log_in(address, &self.openrc());
        (server, client)
    }

    /// Starts a server that must refuse to; what it says, and its exit code.
    pub(crate) fn refused(&self) -> (String, Option<i32>) {
        let mut server = self.spawn();
        let status = server.wait(READY).expect("it ends by itself");
        (server.said(), status.code())
    }

    /// What the first start wrote for clients.
    pub(crate) fn openrc(&self) -> Vec<(String, String)> {
        let openrc = fs::read_to_string(self.data.join("openrc")).unwrap();
        let variable = |line: &str| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        };
        openrc.lines().filter_map(variable).collect()
    }

    fn log(&self, number: u32) -> PathBuf {
        self.scratch.with_file_name(format!("server-{number}.log"))
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct RealServer {
    child: Child,
    log: PathBuf,
}

impl RealServer {
    /// Waits until it listens; where.
    pub(crate) fn ready(&mut self) -> SocketAddr {
        match self.ready_or_ended() {
            Ok(address) => address,
            Err(ended) => panic!("the server ended with {ended}: {}", self.said()),
        }
    }

    /// Waits until it listens, or ends by itself.
    pub(crate) fn ready_or_ended(&mut self) -> Result<SocketAddr, ExitStatus> {
        let began = system_instant();
        loop {
            if let Some(address) = self.listens_at() {
                return Ok(address);
            }
            if let Some(ended) = self.child.try_wait().unwrap() {
                return Err(ended);
            }
            assert!(began.elapsed() < READY, "the server does not get ready: {}", self.said());
            thread::sleep(BLINK);
        }
    }

    /// Where it listens, once it has said so.
    fn listens_at(&self) -> Option<SocketAddr> {
        let said = self.said();
        let mut lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ready = lines.find(|line| line["message"] == "Strongroom is ready")?;
        Some(ready["address"].as_str().unwrap().parse().unwrap())
    }

    /// What it wrote to standard error until now.
    pub(crate) fn said(&self) -> String {
        text(&fs::read(&self.log).unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// How it ends by itself within a time.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let began = system_instant();
        while began.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(BLINK);
        }
        None
    }

    /// Ends it as an operator would; it must end well.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let status = self.wait(Duration::from_mins(1)).expect("it ends when it is told to");
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// Its child processes: those that serve images.
    pub(crate) fn children(&self) -> Vec<u32> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.id())).into_iter().flatten();
        let lists = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
        let text: String = lists.collect();
        let ids = text.split_whitespace().map(|id| Path::new("/proc").join(id));
        ids.filter_map(|at| process(&at)).map(|child| child.id).collect()
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A process, as procfs has it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) words: String,
}

/// The processes that live.
pub(crate) fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries.filter_map(|entry| process(&entry.path())).collect()
}

/// None if it ended meanwhile, or has and nobody asked how.
fn process(at: &Path) -> Option<Process> {
    let id = at.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(at.join("stat")).ok()?;
    let is_over = stat.rsplit_once(") ")?.1.starts_with('Z');
    let words = text(&fs::read(at.join("cmdline")).ok()?).replace('\0', " ");
    (!is_over).then_some(Process { id, words })
}

/// A setup in a folder of its own.
pub(crate) struct Installation {
    _dir: TempDir,
    pub(crate) setup: Setup,
}

impl Installation {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup::below(dir.path()).with(arguments);
        Self { _dir: dir, setup }
    }
}

/// Makes a qcow2 image of `len` bytes that begins with `data` bytes that do not compress.
pub(crate) fn make_image(path: &Path, len: u64, data: u64, seed: u64) {
    let raw = path.with_extension("raw");
    let mut file = File::create_new(&raw).unwrap();
    let rng = SeededRng::new(seed);
    let mut piece = vec![0; 1 << 20];
    for _ in 0..data >> 20 {
        rng.fill(&mut piece);
        file.write_all(&piece).unwrap();
    }
    file.set_len(len).unwrap();
    let convert = ["convert", "-q", "-f", "raw", "-O", "qcow2"];
    run("qemu-img", &[&convert.map(Path::new)[..], &[&raw, path]].concat());
    fs::remove_file(&raw).unwrap();
}

/// Makes an empty qcow2 image.
pub(crate) fn make_empty_image(path: &Path, len: u64) {
    let create = ["create", "-q", "-f", "qcow2"];
    let len = len.to_string();
    run("qemu-img", &[&create.map(Path::new)[..], &[path, Path::new(&len)]].concat());
}

/// Whether a guest sees the same bytes in both images.
pub(crate) fn is_same_image(one: &Path, other: &Path) -> bool {
    let mut compare = Command::new("qemu-img");
    compare.args(["compare", "-q", "-f", "qcow2", "-F", "qcow2"]).arg(one).arg(other);
    compare.status().unwrap().success()
}

fn run(program: &str, words: &[&Path]) {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", text(&output.stderr));
}
