//! A repository: a key prefix with our format, keys and packs; making one and opening one.
//!
//! # Concurrency and crash
//! `init` writes the key slot first and the configuration last; a crash in between leaves a slot
//! of a repository that never was, which the next `init` ignores. Two racing `init`s: the
//! configuration's conditional create names the winner.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use strongroom_base::ids::RepoId;
use strongroom_base::{Clock, ErrorClass, Rng, Secret};

use crate::compute::Compute;
use crate::crypto::RepoKeys;
use crate::crypto::slot::{self, RepoSecrets, SlotError};
use crate::format::{self, Config, ConfigError, FORMAT_VERSION, Sharing};
use crate::key;
use crate::memory::MemoryBudget;
use crate::object::{ObjectError, ObjectKey, ObjectStore};

/// Everything outside the engine that it works with.
#[derive(Clone)]
pub struct Env {
    /// Where the repository lies.
    pub store: Arc<dyn ObjectStore>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub rng: Arc<dyn Rng>,
    /// What hashes and compresses.
    pub compute: Arc<dyn Compute>,
    /// What the sessions of this process share.
    pub memory: MemoryBudget,
}

/// An open repository. Clones share everything.
#[derive(Clone)]
pub struct Repository {
    pub(crate) env: Env,
    pub(crate) keys: RepoKeys,
    pub(crate) sharing: Sharing,
    #[cfg(feature = "testing")]
    pub(crate) without: Option<crate::rules::Rule>,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({} at {})", self.keys.repo(), self.env.store.label())
    }
}

/// Why a repository could not be made or opened, or its keys not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nothing is there.
    #[error("no repository at {at}")]
    Absent {
        /// The store's address.
        at: String,
    },
    /// There is one already.
    #[error("there is a repository at {at} already")]
    Exists {
        /// The store's address.
        at: String,
    },
    /// Something else is there.
    #[error("{at} holds something else ({example})")]
    NotOurs {
        /// The store's address.
        at: String,
        /// One of the things that are there.
        example: String,
    },
    /// Made by a newer version.
    #[error("the repository has format {found}, this build reads up to {max}")]
    TooNew {
        /// The repository's format.
        found: u32,
        /// The newest format that this build reads.
        max: u32,
    },
    /// No slot opens with this master key.
    #[error("wrong key for repository {repo}")]
    WrongKey {
        /// Which repository.
        repo: RepoId,
    },
    /// The configuration or every fitting key slot is not what was written.
    #[error("object {key} is damaged")]
    Damaged {
        /// Which object.
        key: ObjectKey,
    },
    /// The slot is the last one: without it nobody could open the repository.
    #[error("{key} is the last key slot")]
    LastSlot {
        /// Which slot.
        key: ObjectKey,
    },
    /// No such key slot.
    #[error("no key slot {name}")]
    NoSlot {
        /// As asked for.
        name: String,
    },
    /// The store failed.
    #[error("using the store")]
    Store(#[from] ObjectError),
}

impl OpenError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Damaged { .. } => ErrorClass::Corruption,
            _ => ErrorClass::Permanent,
        }
    }
}

impl Repository {
    /// Makes a new repository in an empty place, opened by `master`, for any number of users.
    pub async fn init(env: Env, master: &Secret) -> Result<Self, OpenError> {
        Self::init_for(env, master, Sharing::Many).await
    }

    /// As [`Self::init`]; `sharing` is written down for everybody who opens the repository.
    pub async fn init_for(env: Env, master: &Secret, sharing: Sharing) -> Result<Self, OpenError> {
        let at = env.store.label();
        let there = env.store.list("").await?;
        if there.iter().any(|meta| meta.key == key::config()) {
            return Err(OpenError::Exists { at });
        }
        // Slots without a configuration are what an `init` that died leaves behind.
        if let Some(other) = there.iter().find(|meta| !meta.key.as_str().starts_with(key::KEYS)) {
            return Err(OpenError::NotOurs { at, example: other.key.to_string() });
        }
        let repo = RepoId::random(&*env.rng);
        let secrets = RepoSecrets::random(&*env.rng);
        create_slot(&env, repo, &secrets, master).await?;
        let config = Config { version: FORMAT_VERSION, repo, sharing };
        let bytes = format::encode(&config);
        match env.store.create(&key::config(), Bytes::from(bytes.clone())).await {
            Ok(()) => {}
            Err(ObjectError::AlreadyExists { .. }) => {
                // Ours after all if the answer to the first try was lost.
                if env.store.get(&key::config()).await? != bytes {
                    return Err(OpenError::Exists { at });
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self::with(env, &config, &secrets))
    }

    /// Opens a repository with one of its master keys.
    pub async fn open(env: Env, master: &Secret) -> Result<Self, OpenError> {
        let config = read_config(&env).await?;
        let repo = config.repo;
        let mut result = Err(OpenError::WrongKey { repo });
        for slot_key in slots(&env, repo).await? {
            let bytes = env.store.get(&slot_key).await?;
            match slot::unwrap(&bytes, master, repo) {
                Ok(secrets) => return Ok(Self::with(env, &config, &secrets)),
                Err(SlotError::WrongKey) => {}
                Err(SlotError::Damaged) => result = Err(OpenError::Damaged { key: slot_key }),
            }
        }
        result
    }

    fn with(env: Env, config: &Config, secrets: &RepoSecrets) -> Self {
        let keys = RepoKeys::new(config.repo, &secrets.repo_key, &secrets.name_secret);
        Self {
            env,
            keys,
            sharing: config.sharing,
            #[cfg(feature = "testing")]
            without: None,
        }
    }

    /// The repository's id.
    pub fn id(&self) -> RepoId {
        self.keys.repo()
    }

    /// How many processes may work on it at once.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// What the repository works with.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The names of the key slots.
    pub async fn slots(&self) -> Result<Vec<String>, OpenError> {
        let slots = slots(&self.env, self.id()).await?;
        Ok(slots.iter().map(slot_name).collect())
    }

    /// Adds a slot for another master key; `present` is one that opens the repository now.
    pub async fn add_slot(&self, present: &Secret, new: &Secret) -> Result<String, OpenError> {
        let mut result = Err(OpenError::WrongKey { repo: self.id() });
        for slot_key in slots(&self.env, self.id()).await? {
            let bytes = self.env.store.get(&slot_key).await?;
            match slot::unwrap(&bytes, present, self.id()) {
                Ok(secrets) => return create_slot(&self.env, self.id(), &secrets, new).await,
                Err(SlotError::WrongKey) => {}
                Err(SlotError::Damaged) => result = Err(OpenError::Damaged { key: slot_key }),
            }
        }
        result
    }

    /// Removes a key slot, but never the last.
    pub async fn remove_slot(&self, name: &str) -> Result<(), OpenError> {
        let slots = slots(&self.env, self.id()).await?;
        let Some(slot) = slots.iter().find(|slot| slot_name(slot) == name) else {
            return Err(OpenError::NoSlot { name: name.to_owned() });
        };
        if slots.len() == 1 {
            return Err(OpenError::LastSlot { key: slot.clone() });
        }
        Ok(self.env.store.delete(slot).await?)
    }

    /// Key slots whose checksum does not agree, whatever master key they were made for.
    pub(crate) async fn damaged_slots(&self) -> Result<Vec<ObjectKey>, crate::error::ReadError> {
        let mut damaged = Vec::new();
        for meta in self.env.store.list(key::KEYS).await? {
            let bytes = self.env.store.get(&meta.key).await?;
            if !slot::is_whole(&bytes) {
                damaged.push(meta.key);
            }
        }
        Ok(damaged)
    }

    /// The same repository as another process sees it: through an environment of its own.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// The same repository with one rule of the protocol left out: tests must then lose a unit.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without(mut self, rule: crate::rules::Rule) -> Self {
        self.without = Some(rule);
        self
    }
}

/// Whether anything is at the store's address that says it is a repository, and which one.
pub async fn identify(env: &Env) -> Result<RepoId, OpenError> {
    read_config(env).await.map(|config| config.repo)
}

async fn read_config(env: &Env) -> Result<Config, OpenError> {
    let bytes = match env.store.get(&key::config()).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => late_config(env).await?,
        Err(error) => return Err(error.into()),
    };
    format::decode(&bytes).map_err(|error| match error {
        ConfigError::NotOurs => {
            let (at, example) = (env.store.label(), key::CONFIG.to_owned());
            OpenError::NotOurs { at, example }
        }
        ConfigError::Damaged => OpenError::Damaged { key: key::config() },
        ConfigError::TooNew(found) => OpenError::TooNew { found, max: FORMAT_VERSION },
    })
}

/// The configuration, which was not there a moment ago: perhaps somebody is just making the
/// repository. Slots without it are what an `init` that died, or goes on, leaves: no repository.
async fn late_config(env: &Env) -> Result<Bytes, OpenError> {
    let at = env.store.label();
    let there = env.store.list("").await?;
    if there.is_empty() {
        return Err(OpenError::Absent { at });
    }
    match env.store.get(&key::config()).await {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    Err(match there.iter().find(|meta| !meta.key.as_str().starts_with(key::KEYS)) {
        Some(other) => OpenError::NotOurs { at, example: other.key.to_string() },
        None => OpenError::Absent { at },
    })
}

async fn slots(env: &Env, repo: RepoId) -> Result<Vec<ObjectKey>, ObjectError> {
    let listed = env.store.list(key::KEYS).await?;
    let ours = format!("{repo}-");
    Ok(listed
        .into_iter()
        .map(|meta| meta.key)
        .filter(|slot| slot_name(slot).starts_with(&ours))
        .collect())
}

fn slot_name(slot: &ObjectKey) -> String {
    slot.as_str().strip_prefix(key::KEYS).unwrap_or_default().to_owned()
}

async fn create_slot(
    env: &Env,
    repo: RepoId,
    secrets: &RepoSecrets,
    master: &Secret,
) -> Result<String, OpenError> {
    let name = format!("{repo}-{}", RepoId::random(&*env.rng));
    let slot_key = key::slot(&name).expect("hexadecimal ids are valid in keys");
    let bytes = Bytes::from(slot::wrap(secrets, master, repo, &*env.rng));
    // The name is random: nobody else writes it, so a retry may overwrite it with the same bytes.
    env.store.put(&slot_key, bytes).await?;
    Ok(name)
}
