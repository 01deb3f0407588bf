//! A sealed journal in an object store: what its owner appended comes back in that order.
//!
//! # Responsibility
//! Bytes in, the same bytes out. An owner appends *turns* of payloads and now and then writes a
//! *snapshot*, which says all that came before; reading gives the newest snapshot and the turns
//! after it. docs/format.md, "The journal", has the bytes.
//!
//! # Why
//! Whoever has the store and the master key must be able to make anew what only a database knew. A
//! journal in the store needs no second place, and conditional create is all that it asks of it.
//!
//! # Invariants
//! - JRN-1: a turn that was reported appended is read back, whole and in its place, until a
//!   snapshot that was begun after it has its head.
//! - JRN-2: a snapshot counts from the moment its head is created, which is last; half a snapshot,
//!   half a turn and a turn that another one has overtaken count for nothing.
//! - JRN-3: an object that is missing or does not open is named by whoever reads; nothing of it is
//!   believed.
//! - JRN-4: nobody appends to a journal whose newest head names another owner.
//! - JRN-5: what the two newest heads need is never removed, nor anything younger than a week.
//!
//! # Concurrency and crash
//! Any number of processes of one owner append at once: who creates a number first has it, the
//! others take the next. Their order of precedence is the *fence*, which the owner raises before it
//! reads what it will append; a segment with a lower fence than one before it is not read. A crash
//! leaves segments of an unfinished turn, or parts without a head, which count for nothing.
//!
//! # Not here
//! What the payloads say and where fences come from.

mod append;
mod document;
mod name;
mod read;
mod seal;
mod snapshot;
mod sweep;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_base::ids::{from_hex, to_hex};
use strongroom_base::{Clock, ErrorClass, Rng, Secret};

use crate::object::{ObjectError, ObjectKey, ObjectStore};

pub use document::Head;
pub use read::{Piece, Reading, Unread};
pub use snapshot::SnapshotDraft;
pub use sweep::Swept;

/// The most bytes of one payload.
pub const PAYLOAD_LEN: usize = 64 << 20;

/// Whose journal it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub [u8; 16]);

impl OwnerId {
    /// A new random one.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(&self.0))
    }
}

impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerId({self})")
    }
}

/// Who writes: an owner, and its precedence among the owner's writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The owner.
    pub owner: OwnerId,
    /// Higher than that of every turn that ended before this one began to read what it appends.
    pub fence: u64,
}

/// Why a journal could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store failed.
    #[error("using the store of the journal")]
    Store(#[from] ObjectError),
    /// Nothing is there.
    #[error("there is no journal at {at}")]
    Absent {
        /// The store's address.
        at: String,
    },
    /// An object is not what was written.
    #[error("object {key} of the journal is damaged: {what}")]
    Damaged {
        /// Which.
        key: ObjectKey,
        /// What does not agree.
        what: &'static str,
    },
    /// No snapshot can be read.
    #[error(
        "no snapshot of the journal opens, {key} among them: damaged, or of another master key"
    )]
    Unreadable {
        /// The newest head.
        key: ObjectKey,
    },
    /// It belongs to somebody else.
    #[error("the journal at {at} belongs to another owner, {owner}")]
    Foreign {
        /// The store's address.
        at: String,
        /// The one that its newest head names.
        owner: OwnerId,
    },
    /// Other writers were faster, again and again.
    #[error("other writers of the journal were faster")]
    Overtaken,
    /// The payload is longer than [`PAYLOAD_LEN`].
    #[error("a payload of {len} bytes is too long for the journal")]
    TooLong {
        /// Its length.
        len: usize,
    },
}

impl JournalError {
    pub(crate) fn damaged(key: &ObjectKey, what: &'static str) -> Self {
        Self::Damaged { key: key.clone(), what }
    }

    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Overtaken => ErrorClass::Retryable,
            Self::Damaged { .. } | Self::Unreadable { .. } => ErrorClass::Corruption,
            _ => ErrorClass::Permanent,
        }
    }
}

/// A journal at the root of a store.
pub struct Journal {
    store: Arc<dyn ObjectStore>,
    master: Secret,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    seen: Mutex<Option<Seen>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({})", self.store.label())
    }
}

/// What a writer last saw of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// The newest head that opens.
    head: Option<Head>,
    /// The number of the next head.
    generation: u32,
    /// The number of the next segment.
    next: u64,
    /// The fence of the last segment or the head.
    fence: u64,
    /// When, by the monotonic clock.
    at: Duration,
}

/// A writer looks anew after an hour: numbers below a head may be free again after a week, and who
/// slept that long must not use one.
const LOOK_AGAIN: Duration = Duration::from_hours(1);

impl Journal {
    /// The journal at the root of `store`; asks nothing of the store yet.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        master: Secret,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { store, master, clock, rng, seen: Mutex::default() }
    }

    /// Whether somebody began a journal at the root of `store`. Needs no key.
    pub async fn is_begun(store: &dyn ObjectStore) -> Result<bool, ObjectError> {
        Ok(!store.list(name::HEADS).await?.is_empty())
    }

    /// The newest head, looked for anew.
    pub async fn newest_head(&self) -> Result<Option<Head>, JournalError> {
        Ok(self.look_now().await?.head)
    }

    /// The newest head that opens, at most an hour old; none in an empty place.
    pub async fn head(&self) -> Result<Option<Head>, JournalError> {
        Ok(self.look().await?.head)
    }

    /// The highest fence that a writer is known to have had, as far as the last segment tells.
    pub async fn fence(&self) -> Result<u64, JournalError> {
        Ok(self.look().await?.fence)
    }

    async fn look(&self) -> Result<Seen, JournalError> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Some(seen) if self.clock.monotonic().saturating_sub(seen.at) < LOOK_AGAIN => Ok(seen),
            _ => self.look_now().await,
        }
    }

    /// Lists the journal.
    async fn look_now(&self) -> Result<Seen, JournalError> {
        let at = self.clock.monotonic();
        let heads = self.list_heads().await?;
        let segments = self.list_segments().await?;
        let generation = heads.last().map_or(0, |last| last.number.saturating_add(1));
        let head = match self.first_readable(&heads).await? {
            (Some((_, head)), _) => Some(head),
            (None, Some(key)) => return Err(JournalError::Unreadable { key }),
            (None, None) => None,
        };
        let last = segments.last();
        let next = last.map_or(0, |last| last.number.saturating_add(1));
        let mut fence = head.map_or(0, |head| head.fence);
        if let Some(last) = last {
            match self.read_segment(&last.key).await {
                Ok(segment) => fence = fence.max(segment.writer.fence),
                // Readers name it; the next number is known without it.
                Err(JournalError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let next = next.max(head.map_or(0, |head| head.from));
        let seen = Seen { head, generation, next, fence, at };
        self.keep(Some(seen));
        Ok(seen)
    }

    fn keep(&self, seen: Option<Seen>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}
