//! What tests do to this machine, and its undoing.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::{DiskPlace, LocalProvider, LocalRoots};
use tempfile::TempDir;

/// A host with a root, a data directory and a folder that is neither.
pub(crate) struct Host {
    _dir: TempDir,
    /// Everything of the test, without links.
    pub(crate) base: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) elsewhere: PathBuf,
}

impl Host {
    /// The data directory lies below the root: the hard case.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let base = dir.path().canonicalize().unwrap();
        let root = base.join("root");
        let (data, elsewhere) = (root.join("data"), base.join("elsewhere"));
        for folder in [&root, &data, &elsewhere] {
            fs::create_dir(folder).unwrap();
        }
        Self { _dir: dir, base, root, data, elsewhere }
    }

    pub(crate) fn roots(&self) -> LocalRoots {
        LocalRoots {
            folders: vec![self.root.clone()],
            devices: Vec::new(),
            reserved: vec![self.data.clone()],
        }
    }

    pub(crate) fn provider(&self) -> LocalProvider {
        LocalProvider::new(&self.roots()).unwrap()
    }
}

/// Writes a raw file and answers the place of the disk.
pub(crate) fn raw(path: &Path, bytes: &[u8]) -> DiskPlace {
    File::create(path).unwrap().write_all(bytes).unwrap();
    DiskPlace { path: path.to_owned(), format: DiskImageFormat::Raw }
}

/// Makes a qcow2 image whose disk holds `bytes`.
pub(crate) fn qcow2(path: &Path, bytes: &[u8]) -> DiskPlace {
    let plain = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    plain.as_file().write_all(bytes).unwrap();
    run("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", s(plain.path()), s(path)]);
    DiskPlace { path: path.to_owned(), format: DiskImageFormat::Qcow2 }
}

/// Holds the disk writable as a guest does.
pub(crate) fn hold(disk: &DiskPlace) -> Process {
    let socket = tempfile::tempdir().unwrap().keep().join("socket");
    let format = match disk.format {
        DiskImageFormat::Qcow2 => "qcow2",
        DiskImageFormat::Raw | DiskImageFormat::Block => "raw",
    };
    let mut server = command("qemu-nbd");
    server.args(["--persistent", "--format", format, "--socket", s(&socket), s(&disk.path)]);
    let process = Process::start(server, || greets(&socket));
    fs::remove_file(&socket).unwrap();
    fs::remove_dir(socket.parent().unwrap()).unwrap();
    process
}

#[expect(clippy::disallowed_methods, reason = "tests run the real tools")]
pub(crate) fn command(tool: &str) -> Command {
    Command::new(tool)
}

/// Runs a tool to its end and answers what it printed. A missing tool and a failure fail the test.
pub(crate) fn run<A: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let mut command = command(tool);
    command.args(arguments);
    let output = command.output().unwrap_or_else(|error| panic!("{tool} must run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A process that is killed when the test ends.
pub(crate) struct Process(Child);

impl Process {
    fn start(mut command: Command, is_ready: impl Fn() -> bool) -> Self {
        let mut process = Self(command.stdin(Stdio::null()).spawn().expect("the tool must run"));
        wait_until(|| {
            assert_eq!(process.0.try_wait().unwrap(), None, "{command:?} ended");
            is_ready()
        });
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Whether an NBD server has begun to speak, which QEMU's do after they opened their images.
fn greets(socket: &Path) -> bool {
    let stream = UnixStream::connect(socket);
    stream.and_then(|mut stream| stream.read_exact(&mut [0; 8])).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "tests wait for real processes")]
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not come true in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A path as text.
pub(crate) fn s(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A loop device, detached at the end.
pub(crate) struct Loop(pub(crate) PathBuf);

impl Loop {
    pub(crate) fn attach(file: &Path) -> Self {
        // Two tests may find the same free device; the second then fails to take it.
        for _ in 0..20 {
            let output = command("losetup").args(["--find", "--show", s(file)]).output();
            let output = output.expect("losetup must run");
            if output.status.success() {
                return Self(String::from_utf8(output.stdout).unwrap().trim().into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(run("losetup", ["--find", "--show", s(file)]).trim().into())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        run("losetup", ["--detach", s(&self.0)]);
    }
}
