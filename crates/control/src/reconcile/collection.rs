//! Gives the bytes of deleted backups back, and removes the repositories of deleted vaults.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::{ByteCount, CancelToken, Chain};
use strongroom_db::{StoredRepository, Tx};
use strongroom_model::VaultId;
use strongroom_repo::{AgeLiveness, CollectOptions, Repository};

use super::usage::usage_of;
use crate::error::Error;
use crate::service::Service;

/// How long a collection waits for writers before it leaves the rest to the next one.
const WAIT: Duration = Duration::from_mins(1);
/// Repositories looked at by one statement.
const PAGE: u64 = 100;

/// What collections of some repositories did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionReport {
    /// Vaults whose repositories were collected.
    pub collected: Vec<VaultId>,
    /// Bytes that were removed from the store.
    pub removed_bytes: u64,
    /// Vaults, long gone, whose repositories were removed.
    pub removed: Vec<VaultId>,
}

impl Service {
    /// Collects the repositories that are due, one after the other.
    pub async fn collect_due(&self, cancel: &CancelToken) -> Result<CollectionReport, Error> {
        let mut report = CollectionReport::default();
        let mut after = None;
        loop {
            let page = self.0.db.repository_page_all(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(last.vault_id);
            for one in page {
                if cancel.is_cancelled() {
                    return Ok(report);
                }
                if !self.is_due(one.collected_at, self.0.settings.collect_every) {
                    continue;
                }
                if let Err(error) = self.collect(&one, cancel, &mut report).await {
                    let vault = one.vault_id;
                    tracing::warn!(vault.id = %vault, error = %Chain(&error), "not collected");
                }
            }
        }
    }

    pub(super) fn is_due(&self, last: Option<strongroom_base::Timestamp>, every: Duration) -> bool {
        last.is_none_or(|last| self.0.clock.now().since(last) >= every)
    }

    async fn collect(
        &self,
        one: &StoredRepository,
        cancel: &CancelToken,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        let id = one.vault_id;
        let tx = self.0.db.begin().await?;
        tx.repository_begin_collection(id).await?;
        tx.commit().await?;
        let Some(repository) = self.0.repositories.find(id).await.map_err(Error::internal)? else {
            // Its last object went, and the process died before the row.
            return self.forget(one, report).await;
        };
        self.sweep_orphans(one, &repository).await?;
        if one.collected_at.is_none() {
            // Somebody may wait for it, and a collection waits for half an hour for a dead writer.
            self.note_usage(id, &repository).await?;
        }
        let options = CollectOptions {
            grave_delay: self.0.settings.grave_delay,
            liveness: Arc::new(AgeLiveness::default()),
            wait: WAIT,
            cancel: cancel.clone(),
            ..CollectOptions::default()
        };
        let done = repository.collect(&options).await.map_err(Error::internal)?;
        report.removed_bytes = report.removed_bytes.saturating_add(done.removed_bytes);
        report.collected.push(id);
        if done.removed_bytes > 0 {
            tracing::info!(vault.id = %id, removed_bytes = done.removed_bytes, "collected");
        }
        let is_empty = done.left.is_none() && done.waiting == 0;
        if one.retired_at.is_some() && is_empty {
            return self.remove_repository(one, &repository, report).await;
        }
        if !self.note_usage(id, &repository).await? {
            return Ok(());
        }
        let tx = self.0.db.begin().await?;
        tx.repository_set_collected(id, self.0.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Writes what a vault really needs; until then its row has an estimate. False if a backup was
    /// counted meanwhile, which may be missing in what the repository said: it is asked again later.
    async fn note_usage(&self, id: VaultId, repository: &Repository) -> Result<bool, Error> {
        let used = async |tx: &Tx| Ok(tx.vault_lock_by_id(id).await?.map(|stored| stored.used));
        let before: Result<_, Error> = used(&self.0.db.begin().await?).await;
        let before = before?;
        let usage = usage_of(repository).await?;
        let tx = self.0.db.begin().await?;
        if used(&tx).await? != before {
            return Ok(false);
        }
        if before.is_some() {
            tx.vault_set_used(id, ByteCount(usage.used)).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Removes all objects of a repository whose vault is gone and which has no backup, deleted
    /// ones among them.
    async fn remove_repository(
        &self,
        one: &StoredRepository,
        repository: &Repository,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        let catalog = repository.catalog().await.map_err(Error::internal)?;
        if !catalog.backups.is_empty() || !catalog.damaged.is_empty() {
            return Ok(());
        }
        let tx = self.0.db.begin().await?;
        let is_vault_gone = tx.vault_lock_by_id(one.vault_id).await?.is_none();
        drop(tx);
        if !is_vault_gone {
            return Ok(());
        }
        let store = self.0.repositories.store(one.vault_id).map_err(Error::internal)?;
        for object in store.list("").await.map_err(Error::internal)? {
            store.delete(&object.key).await.map_err(Error::internal)?;
        }
        self.forget(one, report).await
    }

    async fn forget(
        &self,
        one: &StoredRepository,
        report: &mut CollectionReport,
    ) -> Result<(), Error> {
        self.0.repositories.close(one.vault_id);
        if one.retired_at.is_none() {
            // A vault whose repository vanished: its next backup makes a new one.
            tracing::error!(vault.id = %one.vault_id, "the repository of a vault is not there");
            return Ok(());
        }
        let tx = self.0.db.begin().await?;
        tx.repository_delete(one.vault_id).await?;
        tx.commit().await?;
        report.removed.push(one.vault_id);
        Ok(())
    }
}
