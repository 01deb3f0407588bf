//! One installation with vaults, disks and backups, and copies of its data directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use strongroom_base::clock::system_instant;
use strongroom_db::Db;
use strongroom_model::disk::Disk;
use tempfile::TempDir;

use super::case::{Case, Operation};
use super::setup_of;
use crate::cloud_client::CloudClient;
use crate::installation::{BLINK, Setup, make_empty_image, make_image, processes};
use crate::program::MIB;

/// How large the disks are, and how much of them is data. An undisturbed backup takes
/// about half a second.
const DISK: u64 = 1024 * MIB;
const DATA: u64 = 64 * MIB;
/// How many collections remove a repository at most, and how long one may take.
const COLLECTIONS: u32 = 8;
const COLLECTION: Duration = Duration::from_secs(2);
/// How many servers die in a case at most.
const DEATHS: usize = 2;
/// How many backups the vault has that is deleted whole.
const MANY: usize = 8;

/// What is there.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    /// A disk that was never backed up, and its vault.
    pub(super) source: String,
    pub(super) fresh: String,
    /// A disk with one backup, and its vault.
    pub(super) other: String,
    pub(super) kept: String,
    /// That one.
    pub(super) backup: String,
    /// A vault with several backups.
    pub(super) many: String,
}

/// The installation that all cases begin with.
pub(super) struct Template {
    dir: TempDir,
    client: CloudClient,
    pub(super) ids: Ids,
    tasks: BTreeSet<String>,
    /// What both disks hold.
    pub(super) image: PathBuf,
}

impl Template {
    pub(super) fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let setup = setup_of(dir.path());
        let image = |name: &str| disk(&setup, name);
        make_image(&image("source"), DISK, DATA, 1);
        fs::copy(image("source"), image("other")).unwrap();
        make_image(&image("small"), DISK, MIB, 2);
        let (server, client) = setup.start_first();
        let source = client.adopt("source", &image("source"));
        let other = client.adopt("other", &image("other"));
        let small = client.adopt("small", &image("small"));
        let kept = client.make_vault("kept", &[&other]);
        let backup = client.back_up(&kept);
        let many = client.make_vault("many", &[&small]);
        for _ in 0..MANY {
            client.back_up(&many);
        }
        let fresh = client.make_vault("fresh", &[&source]);
        let tasks = client.tasks().iter().map(|task| task["id"].to_string()).collect();
        server.stop();
        let ids = Ids { source, fresh, other, kept, backup, many };
        Self { dir, client, ids, tasks, image: image("source") }
    }

    /// A copy of the data directory, with disks of its own. Objects are never changed, so they need
    /// no bytes of their own.
    pub(super) fn copy(&self, case: Case) -> Copy {
        let folder = self.dir.path().join(case.name());
        let setup = setup_of(&folder);
        let from = self.dir.path().join("data");
        fs::create_dir(&setup.data).unwrap();
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let how = if entry.file_name() == "store" { "-al" } else { "-a" };
            let copied = Command::new("cp").arg(how).arg(entry.path()).arg(&setup.data).status();
            assert!(copied.unwrap().success());
        }
        let [source, other] = ["source", "other"].map(|name| disk(&setup, name));
        match case.operation {
            Operation::Backup => drop(fs::copy(&self.image, &source).unwrap()),
            // What a restore writes to holds nothing yet.
            Operation::Restore => make_empty_image(&other, DISK),
            Operation::BackupDelete | Operation::VaultDelete => {}
        }
        move_disks(&setup.data, &[(&self.ids.source, &source), (&self.ids.other, &other)]);
        let (client, ids) = (self.client.clone(), self.ids.clone());
        Copy { setup, client, ids, tasks_before: self.tasks.clone(), folder }
    }
}

fn disk(setup: &Setup, name: &str) -> PathBuf {
    setup.disks.join(format!("{name}.qcow2"))
}

/// Says in a catalogue that disks are elsewhere now.
fn move_disks(data: &Path, disks: &[(&String, &PathBuf)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", data.join("strongroom.db").display());
        let db = Db::open(&url.parse().unwrap()).await.unwrap();
        let tx = db.begin().await.unwrap();
        for (id, path) in disks {
            let found = tx.disk_lock_all(&[id.parse().unwrap()]).await.unwrap().remove(0);
            let path = path.display().to_string();
            tx.disk_update(&Disk { path, ..found }).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await.unwrap();
    });
}

/// A copy, removed when the case is over.
pub(super) struct Copy {
    pub(super) setup: Setup,
    pub(super) client: CloudClient,
    pub(super) ids: Ids,
    /// Tasks that had ended before.
    pub(super) tasks_before: BTreeSet<String>,
    folder: PathBuf,
}

impl Copy {
    /// The disk of a case that works on one.
    pub(super) fn disk(&self, case: Case) -> PathBuf {
        disk(&self.setup, if case.operation == Operation::Backup { "source" } else { "other" })
    }

    /// Loses what is on the disk.
    pub(super) fn lose_disk(&self, case: Case) {
        let disk = self.disk(case);
        fs::remove_file(&disk).unwrap();
        make_empty_image(&disk, DISK);
    }

    /// Whether nothing of a deleted vault stays in the store: servers on this copy collect whenever
    /// they start, and each collection finishes what the one before has published.
    pub(super) fn check_repository_goes(&self) {
        let repository = self.setup.data.join("store/vaults").join(&self.ids.many);
        let setup = self.setup.clone().with(&["--collect-every", "0s"]);
        for _ in 0..COLLECTIONS {
            let (server, _) = setup.start();
            let began = system_instant();
            while began.elapsed() < COLLECTION {
                if !has_files(&repository) {
                    return server.stop();
                }
                thread::sleep(BLINK);
            }
            server.stop();
        }
        panic!("the objects of a deleted vault stay in {}", repository.display());
    }

    /// Whether a stopped server has left anything behind, or one that was killed before it.
    pub(super) fn check_tidy(&self) {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        let known = ["clouds.yaml", "master.key", "openrc", "store", "strongroom.db"];
        assert_eq!(names(&self.setup.data), known, "the data directory");
        // One that died while it connected to an image's reader leaves the folder of the socket.
        let left = names(&self.setup.scratch);
        assert!(left.iter().all(|name| name.starts_with("strongroom-")), "{left:?}");
        assert!(left.len() <= DEATHS, "temporary files: {left:?}");
        for folder in left.iter().map(|name| self.setup.scratch.join(name)) {
            let files = names(&folder);
            assert!(files.iter().all(|name| name == "nbd"), "{files:?}");
        }
        let scratch = self.setup.scratch.to_str().unwrap();
        let ours: Vec<_> =
            processes().into_iter().filter(|one| one.words.contains(scratch)).collect();
        assert!(ours.is_empty(), "processes that a dead server left: {ours:?}");
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn has_files(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => has_files(&entry.path()),
        _ => true,
    })
}
