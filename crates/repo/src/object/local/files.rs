//! The few file calls that the store in a directory is made of.
//!
//! # Why
//! Durability is a matter of which calls are made in which order. With all of them behind one
//! trait, a model file system can forget whatever was not synced, and a trace of the real calls can
//! be compared with what the model saw.
//!
//! # Not here
//! The order of the calls: `tree`. The real ones: `directory_files`.

use std::fmt;
use std::io;

use strongroom_base::{ByteRange, Timestamp};

/// What kind of thing a directory entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// Anything else; symbolic links are not followed.
    Other,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name in the directory.
    pub name: String,
    /// What it names.
    pub kind: FileKind,
    /// Size in bytes.
    pub size: u64,
    /// When the content was last written.
    pub modified: Timestamp,
}

/// File calls below one root directory. Paths are relative to it, with `/` between parts; the empty
/// path is the root itself.
pub trait Files: Send + Sync + fmt::Debug + 'static {
    /// An open file.
    type File: Send;

    /// Makes an empty file and opens it for writing; `AlreadyExists` when the name is taken.
    fn create(&self, path: &str) -> io::Result<Self::File>;

    /// Appends all of `bytes`. Durable only after [`Files::sync`].
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content of `file` durable, but not its name.
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Renames `from`, which is open as `file`, to `to`; `AlreadyExists` when that name is taken.
    /// Durable only after [`Files::sync_dir`] of the directory of `to`.
    fn publish(&self, file: &Self::File, from: &str, to: &str) -> io::Result<()>;

    /// Makes a directory; `AlreadyExists` when the name is taken. Durable only after
    /// [`Files::sync_dir`] of its parent.
    fn make_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes the entries of `dir` durable, but not `dir` itself.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Reads the part of `range` that the file has; all of the file when there is no range.
    fn read(&self, path: &str, range: Option<ByteRange>) -> io::Result<Vec<u8>>;

    /// The entries of `dir`, in any order, without `.` and `..` and names that are not UTF-8.
    fn list(&self, dir: &str) -> io::Result<Vec<FileEntry>>;

    /// Removes a file. Durable only after [`Files::sync_dir`] of its directory.
    fn remove(&self, path: &str) -> io::Result<()>;
}
