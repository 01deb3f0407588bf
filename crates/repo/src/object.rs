//! The object store: the contract that a bucket or directory must keep, and its backends.
//!
//! # Why
//! Whether backups survive depends on what the store guarantees, so the guarantees are stated on
//! one small trait, a probe checks them on a real store before it is trusted, and one conformance
//! suite (`testing::conformance`) runs over every backend.
//!
//! # Invariants
//! - REPO-1: [`ObjectStore::create`] has one winner for each key, however many race, and the
//!   winner's bytes are what everybody reads from then on.
//! - REPO-2: a key that `put` or `create` reported is durable, and in the next `list` of a control
//!   prefix.
//!
//! # Concurrency and crash
//! Any number of processes use one store at once. A call that fails or is dropped may or may not
//! have had its effect, and may have it later; nothing above may assume either.
//!
//! # Not here
//! What the keys mean: `crate::key`. Which objects exist when: docs/format.md.

pub mod address;
pub mod local;
pub mod memory;
pub mod metrics;
pub mod overlay;
pub mod probe;
pub mod retry;
pub mod s3;

use std::fmt;

use bytes::Bytes;
use strongroom_base::clock::{BoxFuture, Timestamp};
use strongroom_base::{ByteRange, ErrorClass};

/// The name of an object below the repository's prefix, such as `manifest/0f..`.
///
/// Lower-case letters, digits, `-` and `/`; no key is a prefix of another at a slash, because some
/// stores are directory trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Checks the characters. `None` for an empty key, an empty part or any other character.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let parts_valid = text.split('/').all(|part| !part.is_empty() && part.bytes().all(valid));
        parts_valid.then(|| Self(text.to_owned()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a listing tells of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its name.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub modified: Timestamp,
}

/// Why a call to the store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// No object at this key.
    #[error("no object {key}")]
    NotFound {
        /// Which.
        key: ObjectKey,
    },
    /// `create` found the key taken.
    #[error("object {key} exists")]
    AlreadyExists {
        /// Which.
        key: ObjectKey,
    },
    /// The object is shorter than the range that was asked for.
    #[error("object {key} ends before byte {end}")]
    Short {
        /// Which.
        key: ObjectKey,
        /// The end of the range.
        end: u64,
    },
    /// The store has no room left.
    #[error("the store is full (writing {key})")]
    Full {
        /// What was being written.
        key: ObjectKey,
    },
    /// The store refuses writes.
    #[error("the store is read-only (writing {key})")]
    ReadOnly {
        /// What was being written.
        key: ObjectKey,
    },
    /// The store refuses us: wrong credentials, no permission, no such bucket.
    #[error("the store refuses access to {at}: {why}")]
    Denied {
        /// A key or prefix.
        at: String,
        /// What the store said.
        why: String,
    },
    /// The store does not answer, or asks us to come back later.
    #[error("the store is unavailable ({at})")]
    Unavailable {
        /// A key or prefix.
        at: String,
        /// What the system or client library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else.
    #[error("the store failed ({at})")]
    Failed {
        /// A key or prefix.
        at: String,
        /// What the system or client library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ObjectError {
    /// Only an unavailable store is worth another try.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retryable,
            Self::Short { .. } => ErrorClass::Corruption,
            _ => ErrorClass::Permanent,
        }
    }

    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// The result of a call to the store.
pub type ObjectResult<T> = Result<T, ObjectError>;

/// A flat set of named byte strings, shared by every process that uses the repository.
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// The store's address for people and messages, without credentials.
    fn label(&self) -> String;

    /// Writes an object whole. No reader ever sees a part of it; when the call returns, it is
    /// durable. Used for data objects, whose random names nobody else writes: writing the same
    /// bytes again is harmless.
    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>>;

    /// As `put`, but only when the key is free: of all who race for it, one wins (REPO-1), the
    /// others get [`ObjectError::AlreadyExists`]. After a lost answer a caller cannot know whether
    /// it was itself that won: it compares the stored bytes with its own (`crate::control`).
    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>>;

    /// Reads an object whole.
    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>>;

    /// Reads exactly `range`; [`ObjectError::Short`] when the object ends earlier.
    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>>;

    /// Everything whose key starts with `prefix` (which ends with a slash, or is empty for all),
    /// in ascending order of keys. Contains whatever was reported written before the call began
    /// (REPO-2), unless it was deleted.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>>;

    /// Removes an object; an absent one is success.
    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>>;
}
