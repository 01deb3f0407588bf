//! The ground of the workflows: disks of this host, repositories, and the catalogue.

use std::sync::Arc;

use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::ManifestId;
use strongroom_base::{BlockSink, BlockSource, Chain, Clock, ErrorClass};
use strongroom_db::{Db, DbError, DbTaskStore};
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_model::disk::Disk;
use strongroom_model::{BackupId, ResourceId, VaultId};
use strongroom_provider::{DiskPlace, Provider, ProviderError};
use strongroom_repo::{
    BackupError, DEFAULT_LEVEL, DiskInput, GraveError, NewBackup, ReadError, Repository,
    RestoreError, VerifyError, VerifyLevel, VerifyOptions,
};
use strongroom_task::{State, StepCx, StepError, StoreError, TaskStore as _, UndoError};

use super::place::place_of;
use super::repositories::{Repositories, RepositoryError};
use super::step_error::EndsStep as _;
use super::verification::verify;
use crate::workflow::{
    BackupGround, BackupNote, BackupParams, Bury, BuryGround, Found, Kept, Prepared, RestoreGround,
    RestoreParams, VerifyGround, VerifyParams, Write, Written,
};

/// What is written to, by the name that it has in the manifest.
type Target = (String, Arc<dyn BlockSink>);

/// What workflows really act on.
pub(crate) struct HostGround {
    pub(crate) db: Db,
    pub(crate) repositories: Arc<Repositories>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) tasks: DbTaskStore,
    pub(crate) clock: Arc<dyn Clock>,
}

impl HostGround {
    async fn row(&self, id: BackupId) -> Result<(Backup, Vec<Backup>), StepError> {
        let found = self.db.backup_find(id).await.map_err(DbError::into_step)?;
        let view = found.ok_or_else(|| gone("The backup was deleted."))?;
        Ok((view.backup, view.children))
    }

    async fn disks(&self, ids: &[ResourceId]) -> Result<Vec<Disk>, StepError> {
        let found = self.db.disk_find(ids).await.map_err(DbError::into_step)?;
        let find = |id: &ResourceId| {
            let disk = found.iter().find(|disk| disk.id == *id).cloned();
            disk.ok_or_else(|| gone("A disk is not known any more."))
        };
        ids.iter().map(find).collect()
    }

    /// Remembers that the vault has a repository: it is collected from now on. A worker that slept
    /// may come after the vault's deletion: then it is to be removed.
    async fn note(&self, vault: VaultId, repository: &Repository) -> Result<(), DbError> {
        let tx = self.db.begin().await?;
        let is_there = tx.vault_lock_by_id(vault).await?.is_some();
        tx.repository_insert(vault, repository.id()).await?;
        if !is_there {
            tx.repository_retire(vault, self.clock.now()).await?;
        }
        tx.commit().await
    }

    /// Refuses to go on when another worker has the task or it has ended. Asked with the targets
    /// held: whoever comes later cannot open them until we are done.
    async fn check_right(&self, cx: &StepCx<'_>) -> Result<(), StepError> {
        let task = self.tasks.load(cx.task()).await.map_err(StoreError::into_step)?;
        match task.map(|task| task.row) {
            Some(row) if row.fence == cx.fence() && row.state == State::Running => Ok(()),
            _ => Err(gone("Another worker has the task.")),
        }
    }

    async fn inputs(&self, ids: &[ResourceId]) -> Result<Vec<DiskInput>, StepError> {
        let disks = self.disks(ids).await?;
        let provider = Arc::clone(&self.provider);
        let open = move || -> Result<Vec<DiskInput>, ProviderError> {
            let open = |disk: &Disk| {
                let source: Arc<dyn BlockSource> =
                    Arc::from(provider.open_source(&place_of(disk))?);
                Ok(DiskInput { name: disk.id.to_string(), source })
            };
            disks.iter().map(open).collect()
        };
        blocking(open).await?.map_err(ProviderError::into_step)
    }

    /// The targets of a restore with the names of what is written to them.
    async fn targets(
        &self,
        writes: &[Write],
        sizes: &[(String, u64)],
    ) -> Result<Vec<Target>, StepError> {
        let ids: Vec<_> = writes.iter().map(|write| write.disk).collect();
        let disks = self.disks(&ids).await?;
        let mut wanted = Vec::with_capacity(writes.len());
        for (write, disk) in writes.iter().zip(disks) {
            let size = sizes.iter().find(|(name, _)| *name == write.name);
            let (_, size) = size.ok_or_else(|| gone("The backup does not have this disk."))?;
            wanted.push((write.name.clone(), place_of(&disk), *size));
        }
        let provider = Arc::clone(&self.provider);
        let open = move || -> Result<Vec<Target>, ProviderError> {
            let open = |(name, place, size): (String, DiskPlace, u64)| {
                let sink: Arc<dyn BlockSink> = Arc::from(provider.open_target(&place, size)?);
                Ok((name, sink))
            };
            wanted.into_iter().map(open).collect()
        };
        blocking(open).await?.map_err(ProviderError::into_step)
    }

    /// The manifests that carry this backup's id.
    async fn manifests_of(
        &self,
        repository: &Repository,
        backup: BackupId,
    ) -> Result<Vec<(ManifestId, Written)>, strongroom_repo::ReadError> {
        let catalog = repository.catalog().await?;
        let ours = catalog.backups.iter().filter(|entry| {
            let note = BackupNote::parse(&entry.manifest.description);
            entry.deleted.is_none() && note.is_some_and(|note| note.backup.id == backup)
        });
        let written = ours.map(|entry| {
            let written = Written {
                manifest: entry.id,
                stored: entry.manifest.cost.stored,
                is_incremental: !entry.manifest.parents.is_empty(),
            };
            (entry.id, written)
        });
        Ok(written.collect())
    }

    async fn parent(&self, params: &BackupParams) -> Result<Option<ManifestId>, StepError> {
        if !params.is_incremental {
            return Ok(None);
        }
        let newest = self.db.backup_newest(params.vault, params.resource).await;
        let newest = newest.map_err(DbError::into_step)?;
        Ok(newest
            .filter(|backup| backup.status == BackupStatus::Available)
            .and_then(|backup| backup.manifest_id))
    }

    async fn write_disks(
        &self,
        cx: &StepCx<'_>,
        params: &BackupParams,
        prepared: &Prepared,
    ) -> Result<Written, StepError> {
        let repository = self.repositories.find_or_make(params.vault).await;
        let repository = repository.map_err(RepositoryError::into_step)?;
        let (backup, children) = self.row(params.backup).await?;
        let checkpoint = self.db.checkpoint_get(backup.project_id, backup.checkpoint_id).await;
        let checkpoint = checkpoint.map_err(DbError::into_step)?;
        let checkpoint = checkpoint.ok_or_else(|| gone("The checkpoint was deleted."))?;
        let new = NewBackup {
            disks: self.inputs(&params.disks).await?,
            parents: prepared.parent.into_iter().collect(),
            server: None,
            description: BackupNote::of(cx.task(), &checkpoint, &backup, &children).to_text(),
            level: DEFAULT_LEVEL,
            cancel: cx.cancel().clone(),
            progress: cx.progress().clone(),
        };
        let (manifest, made) = repository.backup(new).await.map_err(BackupError::into_step)?;
        let is_incremental = !made.parents.is_empty();
        Ok(Written { manifest, stored: made.cost.stored, is_incremental })
    }

    async fn discard_all(&self, params: &BackupParams) -> Result<(), UndoError> {
        let repository = self.repositories.find(params.vault).await;
        let repository = repository.map_err(RepositoryError::into_undo)?;
        let Some(repository) = repository else { return Ok(()) };
        let ours = self.manifests_of(&repository, params.backup).await;
        for (manifest, _) in ours.map_err(ReadError::into_undo)? {
            match repository.delete(manifest).await {
                Ok(()) | Err(GraveError::Absent { .. }) => {}
                Err(error) => return Err(error.into_undo()),
            }
        }
        Ok(())
    }

    async fn overwrite_all(
        &self,
        cx: &StepCx<'_>,
        params: &RestoreParams,
        manifest: ManifestId,
    ) -> Result<(), StepError> {
        let repository = self.repository(params).await?;
        let session = repository.read_backup(manifest).await;
        let session = session.map_err(RestoreError::into_step)?;
        let disks = session.manifest().disks.iter();
        let sizes: Vec<_> = disks.map(|disk| (disk.name.clone(), disk.size)).collect();
        let written = async {
            let targets = self.targets(&params.writes, &sizes).await?;
            self.check_right(cx).await?;
            for (name, sink) in targets {
                let restored = session.restore(&name, sink, cx.cancel(), cx.progress()).await;
                restored.map_err(RestoreError::into_step)?;
            }
            Ok(())
        };
        let written = written.await;
        if let Err(error) = session.end().await {
            // The session is given up by the next collection; the disks are written all the same.
            tracing::warn!(error = %strongroom_base::Chain(&error), "a reader did not say goodbye");
        }
        written
    }

    async fn repository(&self, params: &RestoreParams) -> Result<Repository, StepError> {
        let found = self.repositories.find(params.vault).await;
        let found = found.map_err(RepositoryError::into_step)?;
        found.ok_or_else(|| gone("The vault has no repository."))
    }

    async fn verify_all(&self, cx: &StepCx<'_>, params: &VerifyParams) -> Result<Found, StepError> {
        let found = self.repositories.find(params.vault).await;
        let found = found.map_err(RepositoryError::into_step)?;
        // A vault that never had a backup.
        let Some(repository) = found else { return Ok(Found::default()) };
        let asked = match params.backup {
            None => None,
            Some(backup) => {
                let manifest = self.row(backup).await?.0.manifest_id;
                Some(manifest.ok_or_else(|| gone("The backup has no data."))?)
            }
        };
        let is_lost = match asked {
            None => false,
            Some(manifest) => is_lost(&repository, manifest).await?,
        };
        let options = VerifyOptions {
            level: VerifyLevel::Full,
            cancel: cx.cancel().clone(),
            progress: cx.progress().clone(),
        };
        let verified = verify(params.vault, &repository, &options).await;
        let verified = verified.map_err(VerifyError::into_step)?;
        let is_affected = verified.affected.iter().any(|(id, _)| Some(*id) == asked);
        Ok(Found {
            damaged: verified.damaged,
            affected: (verified.affected.len() as u64).saturating_add(is_lost.into()),
            is_asked_affected: is_affected || is_lost,
        })
    }

    async fn bury_all(&self, params: &Bury) -> Result<Kept, StepError> {
        let found = self.repositories.find(params.vault).await;
        let found = found.map_err(RepositoryError::into_step)?;
        let mut kept = Kept::default();
        let Some(repository) = found else { return Ok(kept) };
        for doomed in &params.backups {
            let Some(manifest) = doomed.manifest else { continue };
            match repository.delete(manifest).await {
                Ok(()) | Err(GraveError::Absent { .. }) => {}
                Err(GraveError::Held { .. }) => kept.whole.push(doomed.backup),
                Err(error) if error.class() == ErrorClass::Retryable => {
                    return Err(error.into_step());
                }
                Err(error) => {
                    let backup = doomed.backup;
                    tracing::error!(backup.id = %backup, error = %Chain(&error), "no grave");
                    kept.doubtful.push(backup);
                }
            }
        }
        Ok(kept)
    }
}

impl BackupGround for HostGround {
    fn prepare<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Prepared, StepError>> {
        Box::pin(async move {
            let made = self.repositories.find_or_make(params.vault).await;
            let repository = made.map_err(RepositoryError::into_step)?;
            self.note(params.vault, &repository).await.map_err(DbError::into_step)?;
            Ok(Prepared { parent: self.parent(params).await? })
        })
    }

    fn find<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Option<Written>, StepError>> {
        Box::pin(async move {
            let found = self.repositories.find(params.vault).await;
            let found = found.map_err(RepositoryError::into_step)?;
            let Some(repository) = found else { return Ok(None) };
            let ours = self.manifests_of(&repository, params.backup).await;
            let ours = ours.map_err(ReadError::into_step)?;
            Ok(ours.into_iter().next().map(|(_, written)| written))
        })
    }

    fn write<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a BackupParams,
        prepared: &'a Prepared,
    ) -> BoxFuture<'a, Result<Written, StepError>> {
        Box::pin(self.write_disks(cx, params, prepared))
    }

    fn discard<'a>(&'a self, params: &'a BackupParams) -> BoxFuture<'a, Result<(), UndoError>> {
        Box::pin(self.discard_all(params))
    }
}

impl RestoreGround for HostGround {
    fn check<'a>(
        &'a self,
        params: &'a RestoreParams,
    ) -> BoxFuture<'a, Result<ManifestId, StepError>> {
        Box::pin(async move {
            let (backup, _) = self.row(params.backup).await?;
            let manifest = backup.manifest_id.ok_or_else(|| gone("The backup has no data."))?;
            let repository = self.repository(params).await?;
            let session = repository.read_backup(manifest).await;
            let session = session.map_err(RestoreError::into_step)?;
            let disks = session.manifest().disks.iter();
            let sizes: Vec<_> = disks.map(|disk| (disk.name.clone(), disk.size)).collect();
            // Every target is opened before the first is written: a mistake in the last one costs
            // nothing then.
            let opened = self.targets(&params.writes, &sizes).await.map(drop);
            session.end().await.map_err(RestoreError::into_step)?;
            opened.map(|()| manifest)
        })
    }

    fn overwrite<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a RestoreParams,
        manifest: ManifestId,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.overwrite_all(cx, params, manifest))
    }
}

impl BuryGround for HostGround {
    fn bury<'a>(
        &'a self,
        _: &'a StepCx<'_>,
        params: &'a Bury,
    ) -> BoxFuture<'a, Result<Kept, StepError>> {
        Box::pin(self.bury_all(params))
    }
}

impl VerifyGround for HostGround {
    fn read_back<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a VerifyParams,
    ) -> BoxFuture<'a, Result<Found, StepError>> {
        Box::pin(self.verify_all(cx, params))
    }
}

/// Something that the task is about is not there any more.
fn gone(message: &str) -> StepError {
    StepError::failed(ErrorClass::Permanent, "BackupService.6215", message)
}

/// Runs what blocks on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        StepError::failed(ErrorClass::Permanent, "BackupService.9910", "The work broke off.")
            .caused_by(error)
    })
}

/// Whether a manifest is not there or damaged: what is read back does not name it then.
async fn is_lost(repository: &Repository, manifest: ManifestId) -> Result<bool, StepError> {
    match repository.read_backup(manifest).await {
        Ok(session) => session.end().await.map(|()| false).map_err(RestoreError::into_step),
        Err(RestoreError::Absent { .. }) => Ok(true),
        Err(error) if error.class() == ErrorClass::Corruption => Ok(true),
        Err(error) => Err(error.into_step()),
    }
}
