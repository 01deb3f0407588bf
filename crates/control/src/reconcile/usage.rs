//! What vaults need in the store.

use strongroom_model::VaultId;
use strongroom_model::action::Action;
use strongroom_repo::Repository;

use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// A vault's bytes in the store; they add up to what the store lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// What its backups need.
    pub used: u64,
    /// What a collection can free, once delays are over.
    pub reclaimable: u64,
    /// What the repository itself needs.
    pub overhead: u64,
    /// All of it.
    pub stored: u64,
}

impl Service {
    /// Counts a vault's bytes in the store. It reads the repository's index and maps.
    pub async fn vault_usage(&self, cx: &OpContext, id: VaultId) -> Result<Usage, Error> {
        self.authorize(cx, Action::VaultGet).await?;
        let found = self.0.db.vault_get(cx.project, id).await?;
        found.ok_or(Error::NotFound(Noun::Vault))?;
        match self.0.repositories.find(id).await.map_err(Error::internal)? {
            Some(repository) => usage_of(&repository).await,
            None => Ok(Usage::default()),
        }
    }
}

/// The bytes of a repository.
pub(super) async fn usage_of(repository: &Repository) -> Result<Usage, Error> {
    let stat = repository.stat().await.map_err(Error::internal)?;
    Ok(Usage {
        used: stat.used,
        reclaimable: stat.reclaimable,
        overhead: stat.overhead,
        stored: stat.stored,
    })
}
