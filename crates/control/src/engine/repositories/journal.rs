//! What lies beside the repositories in the same store: the catalogue's journal.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_model::VaultId;
use strongroom_repo::journal::{Journal, JournalError};
use strongroom_repo::object::ObjectStore;
use strongroom_repo::object::address::{StoreAddress, StoreOpenError};
use strongroom_repo::object::local::directory_files::LocalOpenError;
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::s3::S3Credentials;

use super::{Repositories, RepositoriesParts};
use crate::journal::CatalogueError;

impl Repositories {
    /// The journal of the catalogue; asks nothing of the store yet.
    pub(crate) fn journal(&self) -> Result<Journal, StoreOpenError> {
        let (clock, rng) = (Arc::clone(&self.parts.clock), Arc::clone(&self.parts.rng));
        let store = self.below("journal")?;
        Ok(Journal::new(store, self.parts.master.clone(), clock, rng))
    }

    /// The journal of a catalogue that is lost: makes nothing where there is none.
    pub(crate) async fn lost_journal(&self) -> Result<Journal, CatalogueError> {
        let RepositoriesParts { address, credentials, .. } = &self.parts;
        // One request that is not repeated: a wrong address is told at once.
        if is_journaled(address, credentials.as_ref()).await? {
            return Ok(self.journal()?);
        }
        Err(JournalError::Absent { at: address.to_string() }.into())
    }

    /// The vaults whose repositories are in the store, or parts of them. Lists every object of every
    /// repository: for disasters only.
    pub(crate) async fn list_vaults(&self) -> Result<BTreeSet<VaultId>, CatalogueError> {
        let listed = self.below("vaults")?.list("").await.map_err(CatalogueError::List)?;
        let vault = |key: &str| key.split_once('/').and_then(|(vault, _)| vault.parse().ok());
        Ok(listed.iter().filter_map(|meta| vault(meta.key.as_str())).collect())
    }

    fn below(&self, name: &str) -> Result<Arc<dyn ObjectStore>, StoreOpenError> {
        let parts = &self.parts;
        let store = parts.address.below(name).create(parts.credentials.as_ref())?;
        let (clock, rng) = (Arc::clone(&parts.clock), Arc::clone(&parts.rng));
        Ok(Arc::new(RetryStore::new(store, clock, rng)))
    }
}

/// Whether the store has a catalogue's journal. Asked without a key, before there is one; makes
/// nothing.
pub async fn is_journaled(
    address: &StoreAddress,
    credentials: Option<&S3Credentials>,
) -> Result<bool, CatalogueError> {
    match address.below("journal").open(credentials) {
        Ok(store) => Journal::is_begun(&*store).await.map_err(CatalogueError::Look),
        Err(StoreOpenError::Local(LocalOpenError::Absent { .. })) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
