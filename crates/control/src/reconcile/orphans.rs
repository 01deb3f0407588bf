//! Manifests that no row names, and rows whose manifest is gone.

use std::collections::BTreeSet;

use strongroom_base::ids::ManifestId;
use strongroom_db::StoredRepository;
use strongroom_model::BackupId;
use strongroom_model::backup::BackupStatus;
use strongroom_repo::{BackupEntry, Catalog, GraveError, Repository};

use crate::error::Error;
use crate::recover::RECOVERED;
use crate::service::Service;
use crate::workflow::BackupNote;

/// What was found in one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrphanReport {
    /// Manifests that got a grave: their task has ended and no row names them.
    pub buried: Vec<ManifestId>,
    /// Manifests that the catalogue knows nothing of; they stay. `recover` makes rows of them.
    pub unknown: Vec<ManifestId>,
    /// Backups whose manifest is not there; their rows are in error now.
    pub lost: Vec<BackupId>,
}

impl Service {
    /// Compares a repository with the catalogue.
    pub(super) async fn sweep_orphans(
        &self,
        of: &StoredRepository,
        repository: &Repository,
    ) -> Result<OrphanReport, Error> {
        // Rows first: a manifest that is committed after them belongs to a task that runs.
        let tx = self.0.db.begin().await?;
        let rows = tx.backup_list_of_vault(of.vault_id).await?;
        drop(tx);
        let catalog = repository.catalog().await.map_err(Error::internal)?;
        let named: BTreeSet<_> = rows.iter().filter_map(|row| row.manifest_id).collect();
        let mut report = OrphanReport::default();
        for entry in catalog.backups.iter().filter(|entry| entry.deleted.is_none()) {
            if !named.contains(&entry.id) {
                self.judge(repository, entry, &mut report).await?;
            }
        }
        let available = rows.iter().filter(|row| row.status == BackupStatus::Available);
        for row in available {
            if row.manifest_id.is_some_and(|id| is_gone(&catalog, id)) {
                self.mark_lost(row.id, row.manifest_id).await?;
                report.lost.push(row.id);
            }
        }
        Ok(report)
    }

    async fn judge(
        &self,
        repository: &Repository,
        entry: &BackupEntry,
        report: &mut OrphanReport,
    ) -> Result<(), Error> {
        let note = BackupNote::parse(&entry.manifest.description);
        let task = match &note {
            Some(note) => self.0.db.task_find(note.task).await?,
            None => None,
        };
        let Some((note, task)) = note.zip(task) else {
            report.unknown.push(entry.id);
            return Ok(());
        };
        if task.ended_at.is_none() {
            return Ok(());
        }
        if task.failure.is_some_and(|failure| failure.code == RECOVERED) {
            // Its real end is not known: the backup may have been reported, and its repository may
            // have been unreadable when the catalogue was recovered.
            report.unknown.push(entry.id);
            return Ok(());
        }
        // Looked at again after the task has ended: its end may have been written just now.
        let row = self.0.db.backup_find(note.backup.id).await?;
        if row.is_some_and(|view| view.backup.manifest_id == Some(entry.id)) {
            return Ok(());
        }
        match repository.delete(entry.id).await {
            Ok(()) => report.buried.push(entry.id),
            Err(GraveError::Absent { .. }) => {}
            Err(error) => return Err(Error::internal(error)),
        }
        Ok(())
    }

    /// A backup that cannot be restored is not called available.
    async fn mark_lost(&self, id: BackupId, manifest: Option<ManifestId>) -> Result<(), Error> {
        tracing::error!(backup.id = %id, "the manifest of a backup is not in its repository");
        let tx = self.0.db.begin().await?;
        let Some(backup) = tx.backup_lock(None, id).await? else { return Ok(()) };
        if backup.status == BackupStatus::Available && backup.manifest_id == manifest {
            let now = self.0.clock.now();
            let children = tx.backup_children(&[id]).await?;
            let ids = std::iter::once(id).chain(children.iter().map(|child| child.id));
            tx.backup_set_status(&ids.collect::<Vec<_>>(), BackupStatus::Error, now).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Whether the catalogue of the repository says for sure that a manifest is not there.
fn is_gone(catalog: &Catalog, id: ManifestId) -> bool {
    catalog.damaged.is_empty()
        && catalog.backups.iter().all(|entry| entry.id != id || entry.deleted.is_some())
}
