//! The repositories of vaults: one for each, in a place of the store that follows from the
//! vault's id.
//!
//! # Why
//! A repository is one domain of capacity, keys and locks (house rule: one for each vault). It is
//! made by the first backup, so that making a vault asks nothing of the store.
//!
//! # Concurrency and crash
//! Two workers may make the same repository at once; its configuration is created once, and the
//! slower one opens what the faster one made. A half-made one is finished by the next.

mod journal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_base::{Clock, ErrorClass, Rng, Secret};
use strongroom_model::VaultId;
use strongroom_repo::compute::Compute;
use strongroom_repo::object::address::{StoreAddress, StoreOpenError};
use strongroom_repo::object::retry::RetryStore;
use strongroom_repo::object::s3::S3Credentials;
use strongroom_repo::object::{ObjectKey, ObjectStore};
use strongroom_repo::{Env, MemoryBudget, OpenError, Repository};

use crate::error::Cause;

pub use journal::is_journaled;

/// How often a repository is looked for that somebody else makes at the same time.
const TRIES: usize = 3;

/// What repositories are opened with.
pub struct RepositoriesParts {
    /// The store of all of them.
    pub address: StoreAddress,
    /// For a bucket.
    pub credentials: Option<S3Credentials>,
    /// Opens every repository.
    pub master: Secret,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Threads.
    pub compute: Arc<dyn Compute>,
    /// What all sessions of the process may hold together.
    pub memory: MemoryBudget,
}

/// The repositories of vaults.
pub struct Repositories {
    parts: RepositoriesParts,
    open: Mutex<BTreeMap<VaultId, Repository>>,
}

/// Why a vault's repository could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The store could not be opened.
    #[error("opening the store of vault {vault}")]
    Store {
        /// The vault.
        vault: VaultId,
        /// Why.
        #[source]
        source: StoreOpenError,
    },
    /// The repository could not be opened.
    #[error("opening the repository of vault {vault}")]
    Open {
        /// The vault.
        vault: VaultId,
        /// Why.
        #[source]
        source: OpenError,
    },
}

impl RepositoryError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store { source, .. } => source.class(),
            Self::Open { source, .. } => source.class(),
        }
    }
}

impl Repositories {
    /// Opens nothing yet.
    pub fn new(parts: RepositoriesParts) -> Self {
        Self { parts, open: Mutex::default() }
    }

    /// A vault's repository; none before its first backup.
    pub async fn find(&self, vault: VaultId) -> Result<Option<Repository>, RepositoryError> {
        if let Some(open) = self.opened(vault) {
            return Ok(Some(open));
        }
        let env = self.env(vault)?;
        match Repository::open(env, &self.parts.master).await {
            Ok(repository) => Ok(Some(self.keep(vault, repository))),
            Err(OpenError::Absent { .. }) => Ok(None),
            Err(source) => Err(RepositoryError::Open { vault, source }),
        }
    }

    /// A vault's repository, made if there is none.
    pub async fn find_or_make(&self, vault: VaultId) -> Result<Repository, RepositoryError> {
        let mut tries = TRIES;
        loop {
            if let Some(repository) = self.find(vault).await? {
                return Ok(repository);
            }
            match Repository::init(self.env(vault)?, &self.parts.master).await {
                Ok(repository) => return Ok(self.keep(vault, repository)),
                // Somebody else was faster: it is there now, or its first objects without it.
                Err(OpenError::Exists { .. } | OpenError::NotOurs { .. }) if tries > 1 => {
                    tries -= 1;
                }
                Err(source) => return Err(RepositoryError::Open { vault, source }),
            }
        }
    }

    /// The place of a vault's repository, without looking whether one is there.
    pub(crate) fn store(&self, vault: VaultId) -> Result<Arc<dyn ObjectStore>, RepositoryError> {
        let parts = &self.parts;
        let address = parts.address.below("vaults").below(&vault.to_string());
        let store = address.create(parts.credentials.as_ref());
        let store = store.map_err(|source| RepositoryError::Store { vault, source })?;
        let (clock, rng) = (Arc::clone(&parts.clock), Arc::clone(&parts.rng));
        Ok(Arc::new(RetryStore::new(store, clock, rng)))
    }

    /// Whether the store answers.
    pub(crate) async fn check_store(&self) -> Result<(), Cause> {
        let store = self.parts.address.create(self.parts.credentials.as_ref())?;
        let Some(nothing) = ObjectKey::parse("ready") else { return Ok(()) };
        match store.get(&nothing).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Forgets an open repository.
    pub(crate) fn close(&self, vault: VaultId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&vault);
    }

    fn env(&self, vault: VaultId) -> Result<Env, RepositoryError> {
        let parts = &self.parts;
        Ok(Env {
            store: self.store(vault)?,
            clock: Arc::clone(&parts.clock),
            rng: Arc::clone(&parts.rng),
            compute: Arc::clone(&parts.compute),
            memory: parts.memory.clone(),
        })
    }

    fn opened(&self, vault: VaultId) -> Option<Repository> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&vault).cloned()
    }

    fn keep(&self, vault: VaultId, repository: Repository) -> Repository {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(vault).or_insert(repository).clone()
    }
}
