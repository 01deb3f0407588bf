//! A repository, a disk that changes, and what every committed backup must give back.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use strongroom_base::clock::system_instant;
use strongroom_base::rng::{Rng as _, SeededRng};
use tempfile::TempDir;

pub(crate) const UNIT: u64 = 64 << 10;
const DISK_LEN: u64 = 256 << 20;
const FIRST_UNITS: u64 = 1500;
const CHANGED_UNITS: u64 = 400;

/// How a process that was to be killed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Killed,
    /// It was faster than the signal.
    Done,
}

pub(crate) struct Arena {
    dir: TempDir,
    pub(crate) disk: PathBuf,
    pub(crate) rng: SeededRng,
    /// Every backup that was reported made, with the hash of its disk.
    pub(crate) made: Vec<(String, blake3::Hash)>,
    /// How long the first backup took: kills come within such a time.
    pub(crate) usual: Duration,
}

impl Arena {
    /// With a repository and a first backup.
    pub(crate) fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk.img");
        File::create_new(&disk).unwrap().set_len(DISK_LEN).unwrap();
        let rng = SeededRng::new(seed);
        let usual = Duration::ZERO;
        let mut arena = Self { dir, disk, rng, made: Vec::new(), usual };
        arena.json(&["init"]);
        arena.write_units(FIRST_UNITS);
        let began = system_instant();
        arena.backup();
        arena.usual = began.elapsed();
        arena
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Changes the disk; how many units of it are other than before.
    pub(crate) fn change_disk(&self) -> u64 {
        self.write_units(CHANGED_UNITS)
    }

    fn write_units(&self, count: u64) -> u64 {
        let file = OpenOptions::new().write(true).open(&self.disk).unwrap();
        let mut unit = vec![0; usize::try_from(UNIT).unwrap()];
        let mut places = BTreeSet::new();
        for _ in 0..count {
            let place = self.rng.below(DISK_LEN / UNIT);
            self.rng.fill(&mut unit);
            file.write_all_at(&unit, place * UNIT).unwrap();
            places.insert(place);
        }
        places.len() as u64
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.env_remove("STRONGROOM_REPO").env_remove("STRONGROOM_KEY");
        command.arg("repo").args(arguments).args(["--quiet", "--output", "json"]);
        command.arg("--repo").arg(self.path("repository"));
        command.arg("--key-file").arg(self.path("key"));
        command
    }

    /// Runs a command that must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_str(&said).unwrap()
    }

    /// Backs the disk up and remembers what it was.
    pub(crate) fn backup(&mut self) -> Value {
        let document = self.json(&["backup", "--disk", &self.disk_argument()]);
        let id = document["id"].as_str().unwrap().to_owned();
        self.made.push((id, hash(&self.disk)));
        document
    }

    pub(crate) fn disk_argument(&self) -> String {
        format!("root={}", self.disk.display())
    }

    /// Starts a command and kills it after a random part of the usual time.
    pub(crate) fn kill(&self, arguments: &[&str], usual: Duration) -> End {
        let usual = u64::try_from(usual.as_micros()).unwrap().max(1);
        let until = system_instant() + Duration::from_micros(self.rng.below(usual));
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while system_instant() < until {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{arguments:?} failed by itself: {status}");
                println!("{}: done before it was killed", arguments[0]);
                return End::Done;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let end = if status.success() { End::Done } else { End::Killed };
        println!("{}: {end:?}", arguments[0]);
        end
    }

    /// Every backup of which somebody was told, and no other, comes back as it was.
    pub(crate) fn check(&self) {
        let listed = self.json(&["list"]);
        let listed: BTreeSet<_> = listed["backups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|backup| backup["id"].as_str().unwrap().to_owned())
            .collect();
        for (id, expected) in &self.made {
            assert!(listed.contains(id), "backup {id} is lost");
            let to = self.path("check.img");
            self.json(&["restore", id, "--to", to.to_str().unwrap()]);
            assert!(hash(&to) == *expected, "backup {id} came back with wrong bytes");
            fs::remove_file(to).unwrap();
        }
        assert_eq!(self.json(&["verify"])["sound"], true);
    }

    /// Units and nodes that the index knows.
    pub(crate) fn indexed(&self) -> u64 {
        self.json(&["stat"])["units"].as_u64().unwrap()
    }
}

pub(crate) fn hash(path: &Path) -> blake3::Hash {
    let mut file = File::open(path).unwrap();
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hasher.finalize(),
            n => hasher.update(&buffer[..n]),
        };
    }
}
