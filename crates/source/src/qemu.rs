//! QEMU's tools as child processes.
//!
//! # Why
//! Image formats are read and written by the program that defines them, in a process of its own
//! that a broken image can crash without harm to us.
//!
//! # Concurrency and crash
//! A `qemu-nbd` listens on a socket in a folder that only we can enter, which goes as soon as we are
//! connected; it is killed and reaped when its owner is dropped, and ends when we die: its last
//! client is gone then, and before there is one, the kernel ends it (`child.rs`).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use strongroom_base::clock::system_instant;
use tempfile::TempDir;

use crate::child;
use crate::nbd::{NbdError, Pool};
use crate::spec::DiskFormat;
use crate::usage::{DiskIdentity, disks_opened_by};

/// Connections to one server. More than the cores of a busy backup gain nothing.
const CONNECTIONS: usize = 4;
/// How long a server may take to open an image: one with a huge table of clusters reads it first.
const START: Duration = Duration::from_mins(1);
/// How long a server may take to close an image after everything was flushed.
const STOP: Duration = Duration::from_mins(2);
/// How often a starting or stopping server is looked at.
const POLL: Duration = Duration::from_millis(3);
/// A path of a Unix socket is at most this long (`sun_path` of unix(7), with its final zero).
const MAX_SOCKET_PATH: usize = 107;
/// What is kept of a failed tool's complaint, in letters.
const MAX_COMPLAINT: usize = 1000;

/// Why one of QEMU's tools did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QemuError {
    #[error("{tool} is not installed (it comes with qemu-utils)")]
    Missing { tool: &'static str },
    #[error("{tool} could not be run")]
    Run {
        tool: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{tool} failed: {said}")]
    Failed { tool: &'static str, said: String },
    #[error("{tool} did not {what} in time")]
    Slow { tool: &'static str, what: &'static str },
    #[error("qemu-nbd could not be spoken to")]
    Nbd(#[from] NbdError),
    #[error("{tool} opened another file than it was told to: one took the place of another")]
    Strayed { tool: &'static str },
    #[error("the folder for temporary files has too long a name for a socket: {dir}")]
    SocketPath { dir: String },
}

impl QemuError {
    /// Whether QEMU refused an image because of the locks of another process.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Self::Failed { said, .. } if said.contains("Is another process using"))
    }
}

/// An image as QEMU is told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageFile<'a> {
    /// An absolute path.
    pub(crate) path: &'a Path,
    pub(crate) format: DiskFormat,
    pub(crate) is_device: bool,
}

/// How a `qemu-nbd` uses its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only read, and refused while somebody writes.
    Read,
    /// Only read, whatever others do with it.
    ReadUnlocked,
    /// Written, past the page cache where `is_direct`.
    Write { is_direct: bool },
    /// Overwritten, under locks that we hold ourselves.
    Rewrite,
}

/// A running `qemu-nbd`, and our connections to it.
#[derive(Debug)]
pub(crate) struct QemuNbd {
    pool: Pool,
    server: Mutex<Server>,
}

impl QemuNbd {
    /// Serves `image` and connects to it.
    pub(crate) fn start(image: ImageFile<'_>, access: Access) -> Result<Self, QemuError> {
        let mut server = Server::start(image, access)?;
        let begun = system_instant();
        loop {
            match Pool::connect(&server.socket, "", CONNECTIONS) {
                Ok(pool) => {
                    // Nobody else will connect, and what a killed process leaves nobody removes.
                    server.dir = None;
                    return Ok(Self { pool, server: Mutex::new(server) });
                }
                Err(NbdError::Io(error)) if is_not_ready(&error) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(status) = server.exited()? {
                return Err(QemuError::Failed { tool: NBD, said: server.complaint(status) });
            }
            if begun.elapsed() > START {
                return Err(QemuError::Slow { tool: NBD, what: "open the image" });
            }
            thread::sleep(POLL);
        }
    }

    /// Whether the disks and files that the server has open are all among `allowed`. It opens them
    /// by name, so what stood there when they were checked may be something else by now. Their
    /// owner keeps them open, so that no inode is given to another file meanwhile.
    pub(crate) fn check_opened(&self, allowed: &[DiskIdentity]) -> Result<(), QemuError> {
        let pid = self.server.lock().expect("no holder of this lock panics").child.id();
        let opened = disks_opened_by(pid);
        let opened = opened.map_err(|source| QemuError::Run { tool: NBD, source })?;
        if opened.iter().all(|disk| allowed.contains(disk)) {
            return Ok(());
        }
        Err(QemuError::Strayed { tool: NBD })
    }

    /// Our connections.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Makes everything durable and waits until the image is closed.
    pub(crate) fn close(&self) -> Result<(), QemuError> {
        self.pool.flush()?;
        self.pool.disconnect();
        let mut server = self.server.lock().expect("no holder of this lock panics");
        let begun = system_instant();
        while begun.elapsed() <= STOP {
            match server.exited()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    let said = server.complaint(status);
                    return Err(QemuError::Failed { tool: NBD, said });
                }
                None => thread::sleep(POLL),
            }
        }
        Err(QemuError::Slow { tool: NBD, what: "close the image" })
    }
}

const NBD: &str = "qemu-nbd";
const IMG: &str = "qemu-img";

/// Whether the server does not listen yet, or listened before it looked at the image and then gave
/// up. Its exit, which comes at once, tells the two apart.
fn is_not_ready(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof};
    matches!(
        error.kind(),
        NotFound | ConnectionRefused | ConnectionReset | UnexpectedEof | BrokenPipe
    )
}

/// The process and its private folder.
#[derive(Debug)]
struct Server {
    child: Child,
    /// What it says when it fails.
    complaints: File,
    socket: PathBuf,
    /// Where the socket is, until we are connected.
    dir: Option<TempDir>,
}

impl Server {
    fn start(image: ImageFile<'_>, access: Access) -> Result<Self, QemuError> {
        let failed = |source| QemuError::Run { tool: NBD, source };
        let dir = tempfile::Builder::new().prefix("strongroom-").tempdir().map_err(failed)?;
        let socket = dir.path().join("nbd");
        if socket.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(QemuError::SocketPath { dir: dir.path().display().to_string() });
        }
        let complaints = tempfile::tempfile_in(dir.path()).map_err(failed)?;
        let stderr = complaints.try_clone().map_err(failed)?;
        let mut command = command(NBD);
        command.arg("--socket").arg(&socket);
        command.arg("--shared").arg(CONNECTIONS.to_string());
        match access {
            Access::Read | Access::ReadUnlocked => command.arg("--read-only"),
            Access::Write { is_direct: true } => command.arg("--cache=none"),
            Access::Write { is_direct: false } => command.arg("--cache=writeback"),
            Access::Rewrite => command.args(["--cache=writeback", "--discard=unmap"]),
        };
        command.arg("--image-opts").arg(image_options(image, access));
        command.stderr(stderr);
        let child = child::spawn(command).map_err(|e| not_run(NBD, e))?;
        Ok(Self { child, complaints, socket, dir: Some(dir) })
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>, QemuError> {
        self.child.try_wait().map_err(|source| QemuError::Run { tool: NBD, source })
    }

    fn complaint(&self, status: ExitStatus) -> String {
        // Read at its place: the process writes at the place that both share.
        let mut said = vec![0; MAX_COMPLAINT * 4];
        let len = self.complaints.read_at(&mut said, 0).unwrap_or(0);
        said.truncate(len);
        complaint(status, &said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An image in the syntax of `--image-opts`, which no character of a name can break out of.
fn image_options(image: ImageFile<'_>, access: Access) -> OsString {
    let protocol = if image.is_device { "host_device" } else { "file" };
    let share = match access {
        Access::ReadUnlocked => ",force-share=on",
        Access::Rewrite => ",file.locking=off",
        Access::Read | Access::Write { .. } => "",
    };
    let mut options =
        format!("driver={}{share},file.driver={protocol},file.filename=", image.format)
            .into_bytes();
    for byte in image.path.as_os_str().as_bytes() {
        options.push(*byte);
        if *byte == b',' {
            options.push(b',');
        }
    }
    OsString::from_vec(options)
}

/// Runs `qemu-img` to its end and answers what it printed.
pub(crate) fn qemu_img(arguments: &[&OsStr]) -> Result<Vec<u8>, QemuError> {
    let mut command = command(IMG);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().map_err(|e| not_run(IMG, e))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(QemuError::Failed { tool: IMG, said: complaint(output.status, &output.stderr) })
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
fn command(tool: &'static str) -> Command {
    let mut command = Command::new(tool);
    // Complaints are compared with English words.
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn not_run(tool: &'static str, source: io::Error) -> QemuError {
    match source.kind() {
        io::ErrorKind::NotFound => QemuError::Missing { tool },
        _ => QemuError::Run { tool, source },
    }
}

fn complaint(status: ExitStatus, said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.trim().chars().map(plain).take(MAX_COMPLAINT).collect();
    if text.is_empty() { status.to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_options_double_commas() {
        let path = Path::new("/a,b=c");
        let image = ImageFile { path, format: DiskFormat::Qcow2, is_device: false };
        let options = image_options(image, Access::ReadUnlocked);
        let expected = "driver=qcow2,force-share=on,file.driver=file,file.filename=/a,,b=c";
        assert_eq!(options, expected);
    }

    #[test]
    fn rewrite_leaves_the_locks_to_us() {
        let path = Path::new("/a");
        let image = ImageFile { path, format: DiskFormat::Qcow2, is_device: true };
        let options = image_options(image, Access::Rewrite);
        let expected = "driver=qcow2,file.locking=off,file.driver=host_device,file.filename=/a";
        assert_eq!(options, expected);
    }

    #[test]
    fn server_that_opened_another_file_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let [path, base, other] = ["image", "base", "other"].map(|name| dir.path().join(name));
        let file = |path: &Path| File::create(path).and_then(|f| f.set_len(4096).and(Ok(f)));
        let identity = |path: &Path| DiskIdentity::without_waiting(path).unwrap();
        let _held = [file(&base).unwrap(), file(&other).unwrap()];
        let make = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base"].map(OsStr::new);
        qemu_img(&[&make[..], &[path.as_os_str()]].concat()).unwrap();
        let image = ImageFile { path: &path, format: DiskFormat::Qcow2, is_device: false };
        let server = QemuNbd::start(image, Access::Read).unwrap();
        let [path, base, other] = [&path, &base, &other].map(|path| identity(path));
        server.check_opened(&[path, base]).unwrap();
        for allowed in [vec![path], vec![base], vec![path, other], vec![]] {
            let strayed = server.check_opened(&allowed);
            assert!(matches!(strayed, Err(QemuError::Strayed { .. })), "{strayed:?}");
        }
    }
}
