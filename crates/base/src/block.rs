//! The two small traits that join a disk to the engine: read at and extents, write at and flush.
//!
//! # Why
//! `repo` owns the backup and restore pipelines, `source` knows files, devices and NBD; neither
//! imports the other. Calls block: they run on the threads that hash and compress, where the bytes
//! are used while they are still in the processor's cache.
//!
//! # Concurrency and crash
//! Both traits are called from several threads at once, at different offsets.

#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::io;

use crate::error::ErrorClass;
use crate::range::ByteRange;

/// What a byte range of a disk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtentKind {
    /// Bytes that must be read.
    Data,
    /// Known to read as zeros (a hole, unallocated or zeroed); need not be read.
    Zero,
}

/// A byte range of a disk with its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where.
    pub range: ByteRange,
    /// What.
    pub kind: ExtentKind,
}

/// Why a disk could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No such file, device or export.
    #[error("no disk at {at}")]
    Absent {
        /// The path or address as the user gave it.
        at: String,
    },
    /// Somebody else writes to the disk, or may.
    #[error("disk {at} is in use: {why}")]
    InUse {
        /// The path or address as the user gave it.
        at: String,
        /// Who holds it, as far as can be told.
        why: String,
    },
    /// The disk changed while it was read, so that the bytes read belong to no single moment.
    #[error("disk {at} changed while it was read: {what}")]
    Changed {
        /// The path or address as the user gave it.
        at: String,
        /// Size or modification time, before and after.
        what: String,
    },
    /// The disk cannot be used as asked: an empty file, a directory, an unknown image format.
    #[error("disk {at} cannot be used: {why}")]
    Unusable {
        /// The path or address as the user gave it.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// The tool or server that gives access to the disk failed.
    #[error("access to disk {at} failed: {why}")]
    Access {
        /// The path or address as the user gave it.
        at: String,
        /// What the tool or server said.
        why: String,
    },
    /// Reading failed.
    #[error("reading {at} at byte {offset}")]
    Read {
        /// The path or address as the user gave it.
        at: String,
        /// First byte of the read that failed.
        offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Opening or inspecting failed.
    #[error("opening {at}")]
    Open {
        /// The path or address as the user gave it.
        at: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SourceError {
    /// Always permanent: a disk that cannot be read now is for the user to look at.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

/// A disk that can be read at any offset. Its size does not change while it is open.
pub trait BlockSource: Send + Sync {
    /// Size in bytes; need not be a multiple of anything.
    fn size(&self) -> u64;
    /// Fills `buffer` from byte `offset`. `offset + buffer.len()` is at most [`Self::size`].
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError>;
    /// The extents that cover `range` exactly, ascending, without gaps or overlaps. A source that
    /// knows nothing of its allocation answers one data extent.
    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError>;
    /// Called once after the last read: whether the disk is still what it was when it was opened.
    /// An image file whose size or modification time moved answers [`SourceError::Changed`].
    fn check_unchanged(&self) -> Result<(), SourceError>;
}

/// Why a disk could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Something stands where the new disk should go.
    #[error("{at} exists")]
    Exists {
        /// The path as the user gave it.
        at: String,
    },
    /// No such file or device to write in place.
    #[error("no disk at {at}")]
    Absent {
        /// The path as the user gave it.
        at: String,
    },
    /// Somebody else uses the disk.
    #[error("disk {at} is in use: {why}")]
    InUse {
        /// The path or address as the user gave it.
        at: String,
        /// Who holds it, as far as can be told.
        why: String,
    },
    /// The target is smaller than what must be written.
    #[error("disk {at} has {size} bytes, the backup needs {needed}")]
    TooSmall {
        /// The path as the user gave it.
        at: String,
        /// Bytes that the target has.
        size: u64,
        /// Bytes that the backup needs.
        needed: u64,
    },
    /// The target cannot be used as asked.
    #[error("disk {at} cannot be used: {why}")]
    Unusable {
        /// The path as the user gave it.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// The tool or server that gives access to the disk failed.
    #[error("access to disk {at} failed: {why}")]
    Access {
        /// The path or address as the user gave it.
        at: String,
        /// What the tool or server said.
        why: String,
    },
    /// Opening or creating failed.
    #[error("opening {at} for writing")]
    Open {
        /// The path as the user gave it.
        at: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Writing, zeroing or flushing failed.
    #[error("writing {at} at byte {offset}")]
    Write {
        /// The path as the user gave it.
        at: String,
        /// First byte of the write that failed.
        offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Reading the present content back, to write only what differs, failed.
    #[error("reading {at} at byte {offset} to compare")]
    Compare {
        /// The path as the user gave it.
        at: String,
        /// First byte of the read that failed.
        offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SinkError {
    /// Always permanent: a target that cannot be written is for the user to look at.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

/// A disk that can be written at any offset. Every byte is written or zeroed exactly once.
pub trait BlockSink: Send + Sync {
    /// Whether the calls must come in ascending order of offset without gaps (a pipe does). Then
    /// they also come from one thread at a time.
    fn in_order(&self) -> bool {
        false
    }
    /// Writes `bytes` at byte `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError>;
    /// Makes `range` read as zeros, by a hole where the target can have one.
    fn zero(&self, range: ByteRange) -> Result<(), SinkError>;
    /// Called once, after the last write: makes all of it durable and gives the disk its name.
    /// Without it, what was written so far is left behind as an unfinished file or a partly
    /// written device, never as a file that looks complete.
    fn finish(&self) -> Result<(), SinkError>;
}
