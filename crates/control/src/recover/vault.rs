//! One vault: its rows from the journal beside the manifests of its repository.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, RepoId, TaskId};
use strongroom_db::{StoredVault, Tx};
use strongroom_model::backup::Backup;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::{BackupId, VaultId};
use strongroom_repo::{BackupEntry, Catalog};

use super::report::{RecoverReport, Unreadable};
use super::restored::Restored;
use crate::journal::CatalogueError;

/// Goes through the vaults.
pub(super) struct Walk<'a> {
    pub(super) tx: &'a Tx,
    pub(super) now: Timestamp,
    pub(super) report: &'a mut RecoverReport,
    /// Tasks whose work is done, whatever their rows say.
    pub(super) done: Vec<TaskId>,
}

/// What a repository says.
struct Found<'a> {
    /// Manifests that are not deleted.
    alive: BTreeMap<ManifestId, &'a BackupEntry>,
    /// The oldest manifest of each backup: a second one is nobody's.
    backups: BTreeMap<BackupId, Restored<'a>>,
    /// Manifests that are there and cannot be read.
    damaged: BTreeSet<String>,
}

impl<'a> Found<'a> {
    fn of(catalog: &'a Catalog) -> Self {
        let entries = catalog.backups.iter().filter(|entry| entry.deleted.is_none());
        let mut backups = BTreeMap::new();
        for restored in entries.clone().filter_map(Restored::of) {
            backups.entry(restored.id()).or_insert(restored);
        }
        let damaged = catalog.damaged.iter().map(|key| key.as_str().to_owned()).collect();
        Self { alive: entries.map(|entry| (entry.id, entry)).collect(), backups, damaged }
    }

    fn is_damaged(&self, manifest: ManifestId) -> bool {
        self.damaged.contains(&format!("manifest/{manifest}"))
    }
}

impl Walk<'_> {
    /// A vault whose repository is not in the store: nothing is wrong if it never had a backup.
    pub(super) async fn without_repository(&mut self, id: VaultId) -> Result<(), CatalogueError> {
        let rows = self.tx.backup_list_of_vault(id).await?;
        if rows.iter().any(|row| row.manifest_id.is_some()) {
            self.report.unreadable.push(Unreadable {
                what: format!("the repository of vault {id}"),
                why: "it is not in the store".to_owned(),
            });
        }
        Ok(())
    }

    pub(super) async fn vault(
        &mut self,
        id: VaultId,
        repository: RepoId,
        catalog: &Catalog,
    ) -> Result<(), CatalogueError> {
        // The caller has just seen it.
        let Some(mut stored) = self.tx.vault_lock_by_id(id).await? else { return Ok(()) };
        self.tx.repository_insert(id, repository).await?;
        for key in &catalog.damaged {
            self.report.unreadable.push(Unreadable {
                what: format!("object {key} of the repository of vault {id}"),
                why: "it is damaged".to_owned(),
            });
        }
        let found = Found::of(catalog);
        for row in self.tx.backup_list_of_vault(id).await? {
            self.row(&mut stored, &found, &row).await?;
        }
        for restored in found.backups.values() {
            self.manifest(&mut stored, restored).await?;
        }
        Ok(self.tx.vault_set_used(id, stored.used).await?)
    }

    /// Settles a row by its manifest.
    async fn row(
        &mut self,
        vault: &mut StoredVault,
        found: &Found<'_>,
        row: &Backup,
    ) -> Result<(), CatalogueError> {
        match row.manifest_id {
            Some(manifest) if found.alive.contains_key(&manifest) => Ok(()),
            // The report has it; verify and repair know more.
            Some(manifest) if found.is_damaged(manifest) => Ok(()),
            Some(_) => self.remove(row).await,
            None => match found.backups.get(&row.id) {
                Some(restored) if row.status.is_being_made() => {
                    self.complete(vault, row, restored).await
                }
                _ => Ok(()),
            },
        }
    }

    /// Its deletion is newer than the journal.
    async fn remove(&mut self, row: &Backup) -> Result<(), CatalogueError> {
        self.tx.backup_delete(row.id).await?;
        self.tx.checkpoint_delete_if_empty(row.checkpoint_id).await?;
        let bytes = i64::try_from(row.stored.0).unwrap_or(i64::MAX);
        self.tx.bound_count_backup(row.source.id, -1, -bytes).await?;
        // What others share with it is still used: only the repository can tell, and will.
        self.tx.repository_make_due(row.vault_id).await?;
        self.report.removed.push(row.id);
        Ok(())
    }

    /// Its end is newer than the journal.
    async fn complete(
        &mut self,
        vault: &mut StoredVault,
        row: &Backup,
        restored: &Restored<'_>,
    ) -> Result<(), CatalogueError> {
        for child in self.tx.backup_children(&[row.id]).await? {
            self.tx.backup_update(&restored.finished(&child, self.now)).await?;
        }
        self.tx.backup_update(&restored.finished(row, self.now)).await?;
        self.count(vault, restored).await?;
        self.report.completed.push(row.id);
        Ok(())
    }

    /// A backup without a row is newer than the journal.
    async fn manifest(
        &mut self,
        vault: &mut StoredVault,
        restored: &Restored<'_>,
    ) -> Result<(), CatalogueError> {
        if self.tx.backup_lock(None, restored.id()).await?.is_some() {
            return Ok(());
        }
        let (project, id) = (vault.vault.project_id, vault.vault.id);
        if !self.tx.checkpoint_is_there(restored.note.checkpoint.id).await? {
            self.tx.checkpoint_insert(&restored.checkpoint(project, id)).await?;
        }
        self.tx.backup_insert(&restored.rows(project, id, self.now)).await?;
        self.count(vault, restored).await?;
        self.report.added.push(restored.id());
        Ok(())
    }

    async fn count(
        &mut self,
        vault: &mut StoredVault,
        restored: &Restored<'_>,
    ) -> Result<(), CatalogueError> {
        let resource = restored.note.backup.resource;
        let stored = restored.stored();
        let bytes = i64::try_from(stored.0).unwrap_or(i64::MAX);
        self.tx.bound_count_backup(resource, 1, bytes).await?;
        self.tx.bound_set_status(&[resource], ProtectStatus::Available).await?;
        vault.used.0 = vault.used.0.saturating_add(stored.0);
        self.done.push(restored.note.task);
        Ok(())
    }
}
