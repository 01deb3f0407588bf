//! The list of what a repository must hold, which the user keeps in another place.
//!
//! # Why
//! A store can tell whether an object was changed, but not that one is missing which nothing else
//! names: a whole manifest, a hold, a deletion, a key slot. Only somebody who remembers can.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, RepoId};
use strongroom_repo::{BackupEntry, Catalog, Repository, UnitId};

use crate::failure::{Failure, Kind};

/// What a repository must hold.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expectation {
    repository: RepoId,
    key_slots: BTreeSet<String>,
    deleted: BTreeSet<ManifestId>,
    backups: Vec<ExpectedBackup>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ExpectedBackup {
    id: ManifestId,
    created: Timestamp,
    held_until: Option<Timestamp>,
    disks: Vec<ExpectedDisk>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ExpectedDisk {
    name: String,
    size_bytes: u64,
    root: Option<UnitId>,
}

impl Expectation {
    /// What the repository holds now.
    pub(crate) async fn of(repository: &Repository) -> Result<Self> {
        let slots = repository.slots().await.context("listing the key slots")?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        Ok(Self::from_parts(repository.id(), slots, &catalog))
    }

    fn from_parts(repository: RepoId, slots: Vec<String>, catalog: &Catalog) -> Self {
        let (deleted, backups): (Vec<_>, Vec<_>) =
            catalog.backups.iter().partition(|entry| entry.deleted.is_some());
        Self {
            repository,
            key_slots: slots.into_iter().collect(),
            deleted: deleted.iter().map(|entry| entry.id).collect(),
            backups: backups.into_iter().map(ExpectedBackup::of).collect(),
        }
    }

    /// Reads a list.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let at = path.display();
        let text = fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(Kind::NotFound, format!("no file {at}"))
                .hint("`strongroom repo verify --write-expect FILE` writes one"),
            _ => Failure::new(Kind::Failed, format!("reading {at}: {error}")),
        })?;
        let parsed = serde_json::from_slice(&text)
            .map_err(|error| Failure::usage(format!("{at} is no list of backups: {error}")))?;
        Ok(parsed)
    }

    /// Writes the list in place of an older one, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let write = || -> Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            fs::File::open(folder)?.sync_all()?;
            Ok(())
        };
        write().with_context(|| format!("writing {}", path.display()))
    }

    /// What `present` lacks of this, one line each.
    pub(crate) fn missing_in(&self, present: &Self) -> Vec<String> {
        if self.repository != present.repository {
            return vec![format!(
                "the list is about repository {}, this is {}",
                self.repository, present.repository
            )];
        }
        let mut missing = Vec::new();
        for slot in self.key_slots.difference(&present.key_slots) {
            missing.push(format!("key slot {slot} is missing"));
        }
        for expected in &self.backups {
            let id = expected.id;
            if present.deleted.contains(&id) {
                continue;
            }
            match present.backups.iter().find(|backup| backup.id == id) {
                None => missing.push(format!("backup {id} is missing")),
                Some(found) => missing.extend(expected.differs(found)),
            }
        }
        for id in &self.deleted {
            if present.backups.iter().any(|backup| backup.id == *id) {
                missing.push(format!("backup {id} was deleted and is back"));
            }
        }
        missing
    }
}

impl ExpectedBackup {
    fn of(entry: &BackupEntry) -> Self {
        let disk = |disk: &strongroom_repo::DiskRecord| ExpectedDisk {
            name: disk.name.clone(),
            size_bytes: disk.size,
            root: disk.root,
        };
        Self {
            id: entry.id,
            created: entry.manifest.created,
            held_until: entry.held_until,
            disks: entry.manifest.disks.iter().map(disk).collect(),
        }
    }

    fn differs(&self, found: &Self) -> Option<String> {
        if self.disks != found.disks || self.created != found.created {
            return Some(format!("backup {} is another one than listed", self.id));
        }
        (found.held_until < self.held_until).then(|| format!("backup {} has lost a hold", self.id))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::SessionId;

    use super::*;

    fn expectation(ids: &[u8], slots: &[&str]) -> Expectation {
        let backup = |n: &u8| ExpectedBackup {
            id: SessionId([*n; 16]),
            created: Timestamp(7),
            held_until: Some(Timestamp(9)),
            disks: Vec::new(),
        };
        Expectation {
            repository: RepoId([0; 16]),
            key_slots: slots.iter().map(ToString::to_string).collect(),
            deleted: BTreeSet::new(),
            backups: ids.iter().map(backup).collect(),
        }
    }

    #[test]
    fn missing_in_names_each_loss() {
        let listed = expectation(&[1, 2], &["a", "b"]);
        assert!(listed.missing_in(&expectation(&[1, 2, 3], &["a", "b", "c"])).is_empty());
        assert_eq!(listed.missing_in(&expectation(&[1], &["a"])).len(), 2);

        let mut deleted = expectation(&[1], &["a", "b"]);
        deleted.deleted.insert(SessionId([2; 16]));
        assert!(listed.missing_in(&deleted).is_empty(), "a deletion is no loss");
        assert_eq!(deleted.missing_in(&listed).len(), 1, "a lost deletion is one");

        let mut shorter = expectation(&[1, 2], &["a", "b"]);
        shorter.backups[0].held_until = None;
        assert_eq!(listed.missing_in(&shorter).len(), 1, "a lost hold is one");
        assert!(shorter.missing_in(&listed).is_empty(), "a longer hold is none");
    }
}
