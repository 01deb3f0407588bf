//! Finds out whether a store keeps the guarantees of [`ObjectStore`], before it is trusted.
//!
//! # Why
//! Some stores ignore the condition of a create and answer success, others let two racing creates
//! both win; either would let a backup be committed twice or deleted while it is written. No
//! documentation is as sure as a try.
//!
//! # Concurrency and crash
//! Works under random keys of its own below `probe/`. A probe that is killed leaves small objects
//! there, which nobody reads.
//!
//! # Not here
//! What to do with a store that fails: the caller refuses it, or is told that there is one writer.

use bytes::Bytes;
use futures_util::future::join_all;
use strongroom_base::{ErrorClass, Rng};

use super::{ObjectError, ObjectKey, ObjectStore};

/// Keys that are raced for; a store without the guarantee loses at least one of 20 such races.
const RACES: usize = 20;

/// Creates that race for each key: as many as a busy repository has sessions.
const RACERS: usize = 16;

/// What a probe tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeReport {
    /// How many keys were raced for.
    pub races: usize,
    /// How many creates raced for each.
    pub racers: usize,
}

/// Why a store is not to be trusted, or could not be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Racing creates did not have one winner.
    #[error("{winners} of {RACERS} racing creates of one key won, where one must")]
    Winners {
        /// How many reported success.
        winners: usize,
    },
    /// The stored bytes are not the winner's.
    #[error("a racing create that lost changed the stored object")]
    WrongBytes,
    /// A create on a taken key reported success.
    #[error("a create replaced an object that exists")]
    Replaced,
    /// A key that was just created is missing from a listing.
    #[error("an object that was just written is missing from a listing")]
    NotListed,
    /// The store failed while it was tried.
    #[error("trying the store {at}")]
    Store {
        /// Its label.
        at: String,
        /// What it answered.
        #[source]
        source: ObjectError,
    },
}

impl ProbeError {
    /// Whether the store works but breaks a guarantee that only matters with several writers.
    pub fn is_broken_guarantee(&self) -> bool {
        !matches!(self, Self::Store { .. })
    }

    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store { source, .. } => source.class(),
            _ => ErrorClass::Permanent,
        }
    }
}

/// Tries REPO-1 and REPO-2 on `store`, and removes what it wrote.
///
/// Give it the store itself, not one that retries: a repeated create may lose against itself.
pub async fn probe(store: &dyn ObjectStore, rng: &dyn Rng) -> Result<ProbeReport, ProbeError> {
    let keys = race_keys(rng);
    let outcome = race_all(store, &keys).await;
    let cleaned = remove_all(store, &keys).await;
    outcome.and(cleaned)?;
    Ok(ProbeReport { races: RACES, racers: RACERS })
}

/// Keys that nobody else has: a random word and a number each.
fn race_keys(rng: &dyn Rng) -> Vec<ObjectKey> {
    let mut word = [0; 8];
    rng.fill(&mut word);
    let word = u64::from_le_bytes(word);
    let key = |n| ObjectKey::parse(&format!("probe/{word:016x}-{n:02}"));
    (0..RACES).filter_map(key).collect()
}

/// Tries all keys at once: a server that makes the racers for one key wait for each other (5 s for
/// 16 racers on one of those we test with) lets those for different keys go on.
async fn race_all(store: &dyn ObjectStore, keys: &[ObjectKey]) -> Result<(), ProbeError> {
    join_all(keys.iter().map(|key| try_key(store, key))).await.into_iter().collect()
}

async fn try_key(store: &dyn ObjectStore, key: &ObjectKey) -> Result<(), ProbeError> {
    race(store, key).await?;
    let again = Bytes::from_static(b"a create on a taken key");
    match store.create(key, again).await {
        Err(ObjectError::AlreadyExists { .. }) => {}
        Ok(()) => return Err(ProbeError::Replaced),
        Err(source) => return Err(failed(store, source)),
    }
    let listed = store.list("probe/").await.map_err(|source| failed(store, source))?;
    if listed.iter().any(|meta| meta.key == *key) { Ok(()) } else { Err(ProbeError::NotListed) }
}

/// Lets all racers create `key` at once and checks that there is one winner.
async fn race(store: &dyn ObjectStore, key: &ObjectKey) -> Result<(), ProbeError> {
    let body = |racer: usize| Bytes::from(format!("racer {racer} of {key}"));
    let results = join_all((0..RACERS).map(|racer| store.create(key, body(racer)))).await;
    let mut winners = Vec::new();
    let mut unclear = None;
    for (racer, result) in results.into_iter().enumerate() {
        match result {
            Ok(()) => winners.push(racer),
            Err(ObjectError::AlreadyExists { .. }) => {}
            // Under such a race a store may ask one of us to come back; it may yet have won.
            Err(error) if error.class() == ErrorClass::Retryable => unclear = Some(error),
            Err(source) => return Err(failed(store, source)),
        }
    }
    match (winners.as_slice(), unclear) {
        ([winner], _) => {
            let stored = store.get(key).await.map_err(|source| failed(store, source))?;
            if stored == body(*winner) { Ok(()) } else { Err(ProbeError::WrongBytes) }
        }
        ([], Some(source)) => Err(failed(store, source)),
        (several, _) => Err(ProbeError::Winners { winners: several.len() }),
    }
}

async fn remove_all(store: &dyn ObjectStore, keys: &[ObjectKey]) -> Result<(), ProbeError> {
    for key in keys {
        store.delete(key).await.map_err(|source| failed(store, source))?;
    }
    Ok(())
}

fn failed(store: &dyn ObjectStore, source: ObjectError) -> ProbeError {
    ProbeError::Store { at: store.label(), source }
}
