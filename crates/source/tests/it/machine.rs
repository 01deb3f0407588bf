//! What tests do to this machine, and its undoing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strongroom_base::rng::{Rng, SeededRng};
use tempfile::TempDir;

/// A folder on a real file system, so that holes and `O_DIRECT` work.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
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
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a tool and waits until `is_ready`.
    pub(crate) fn start(mut command: Command, is_ready: impl Fn() -> bool) -> Self {
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
pub(crate) fn greets(socket: &Path) -> bool {
    let mut greeting = [0; 8];
    let stream = UnixStream::connect(socket);
    stream.and_then(|mut stream| stream.read_exact(&mut greeting)).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "tests wait for real processes")]
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not come true in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A disk of data, a hole of some MiB and more data. `size` needs no alignment.
pub(crate) fn pattern(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let rng = SeededRng::new(seed);
    rng.fill(&mut bytes[..size / 4]);
    rng.fill(&mut bytes[size - size / 3..]);
    bytes
}

/// Writes `bytes` as a sparse file.
pub(crate) fn sparse(path: &Path, bytes: &[u8]) {
    let file = File::create(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    for (n, piece) in bytes.chunks(4096).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            file.write_all_at(piece, n as u64 * 4096).unwrap();
        }
    }
}

/// A qcow2 image with `bytes` as its disk.
pub(crate) fn qcow2(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let (raw, image) = (dir.join("as-raw"), dir.join(name));
    sparse(&raw, bytes);
    run("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", s(&raw), s(&image)]);
    std::fs::remove_file(raw).unwrap();
    image
}

/// A path as text.
pub(crate) fn s(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A loop device, detached at the end.
pub(crate) struct Loop(pub(crate) PathBuf);

impl Loop {
    pub(crate) fn attach(file: &Path, options: &[&str]) -> Self {
        let arguments = [&["--find", "--show"], options, &[s(file)]].concat();
        // Two tests may find the same free device; the second then fails to take it.
        for _ in 0..20 {
            let output = command("losetup").args(&arguments).output().expect("losetup must run");
            if output.status.success() {
                return Self(String::from_utf8(output.stdout).unwrap().trim().into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(run("losetup", &arguments).trim().into())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        run("losetup", ["--detach", s(&self.0)]);
    }
}

/// A mount, undone at the end.
pub(crate) struct Mount(TempDir);

impl Mount {
    pub(crate) fn new(what: &Path, options: &str) -> Self {
        let at = folder();
        run("mount", ["-o", options, s(what), s(at.path())]);
        Self(at)
    }
}

impl Mount {
    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", [s(self.0.path())]);
    }
}
