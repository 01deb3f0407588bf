//! A world of one repository and one disk, and the program that works on them.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use strongroom_base::rng::{Rng as _, SeededRng};
use strongroom_repo::testing::s3_server::S3Server;
use tempfile::TempDir;

pub(crate) const MIB: u64 = 1 << 20;

/// A folder with a key, a repository (after `init`) and disks.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) repo: PathBuf,
    pub(crate) key: PathBuf,
    /// What the program finds in its environment.
    pub(crate) variables: Vec<(String, String)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (repo, key) = (dir.path().join("repository"), dir.path().join("key"));
        Self { dir, repo, key, variables: Vec::new() }
    }

    /// With a repository.
    pub(crate) fn with_repository() -> Self {
        let world = Self::new();
        world.ok(&["init"]);
        world
    }

    /// Whose repository will be in a bucket.
    pub(crate) fn at_s3(server: &S3Server, prefix: &str) -> Self {
        let credentials = server.credentials();
        let mut world = Self::new();
        world.repo = server.address(prefix).to_string().into();
        world.variables = vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_key),
        ];
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A disk of `len` bytes: random in the first half, text after it, a hole at its end.
    pub(crate) fn disk(&self, name: &str, len: u64) -> PathBuf {
        let path = self.path(name);
        let file = File::create_new(&path).unwrap();
        file.set_len(len).unwrap();
        let rng = SeededRng::new(len);
        let mut piece = vec![0; 1 << 20];
        for start in (0..len / 4).step_by(piece.len()) {
            rng.fill(&mut piece);
            let end = piece.len().min(usize::try_from(len - start).unwrap());
            file.write_all_at(&piece[..end], start).unwrap();
        }
        let text: Vec<u8> =
            (0..len / 4).flat_map(|n| (n / 40).to_le_bytes()).take(1 << 20).collect();
        let end = text.len().min(usize::try_from(len / 2).unwrap());
        file.write_all_at(&text[..end], len / 2).unwrap();
        path
    }

    /// A `repo` command on this world's repository, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = strongroom();
        command.arg("repo").args(arguments).arg("--repo").arg(&self.repo);
        command.arg("--key-file").arg(&self.key).envs(self.variables.iter().cloned());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must succeed; its JSON document.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<_> = arguments.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    /// Runs a command that must fail with `code`; what it says on standard error.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stderr)
    }

    /// Backs up disk `name` at `path`; the backup's document.
    pub(crate) fn backup(&self, name: &str, path: &Path) -> Value {
        self.json(&["backup", "--disk", &format!("{name}={}", path.display())])
    }

    /// Restores the only disk of a backup to a new file.
    pub(crate) fn restore(&self, id: &str, name: &str) -> PathBuf {
        let to = self.path(name);
        self.ok(&["restore", id, "--to", to.to_str().unwrap()]);
        to
    }
}

/// The binary, without anything of the caller's environment that it would look at.
pub(crate) fn strongroom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.env_remove("STRONGROOM_REPO").env_remove("STRONGROOM_KEY");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn id_of(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

/// Overwrites bytes of a disk.
pub(crate) fn change(disk: &Path, offset: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(disk).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

pub(crate) fn assert_same(a: &Path, b: &Path) {
    assert_eq!(fs::metadata(a).unwrap().len(), fs::metadata(b).unwrap().len());
    // Not `assert_eq`: nobody wants to see 64 MiB.
    assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{} differs", b.display());
}
