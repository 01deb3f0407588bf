//! The way from a root to a disk, one part after another.
//!
//! # Concurrency and crash
//! Each part is opened relative to the one before (`O_PATH | O_NOFOLLOW`), so that whoever renames
//! a folder meanwhile moves us with it, and nobody leads us through a link.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::error::PlaceError;

/// A folder, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FolderIdentity {
    /// Number of the device that its file system is on.
    pub(super) device: u64,
    inode: u64,
}

impl FolderIdentity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// What may be at the end of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Device,
}

/// A disk at the end of its way.
#[derive(Debug)]
pub(super) struct Found {
    /// Without links below the root.
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
    /// Keeps the inode from being given to another file.
    _held: File,
}

impl Found {
    pub(super) fn is_device(&self) -> bool {
        self.metadata.file_type().is_block_device()
    }
}

/// How far we are.
#[derive(Debug)]
pub(super) struct Walk {
    path: PathBuf,
    /// Open to be looked at and walked from, not to be read.
    file: File,
    metadata: Metadata,
}

impl Walk {
    /// Begins at a path that the configuration gives, links in it followed.
    pub(super) fn to_trusted(path: &Path) -> Result<Self, PlaceError> {
        let opened = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let file = File::from(opened.map_err(|errno| absent_or_look(path, errno))?);
        let metadata = metadata_of(&file, path)?;
        Ok(Self { path: path.to_owned(), file, metadata })
    }

    /// Goes on to `part`, which must not be a link. `path` is for messages.
    pub(super) fn step(&mut self, part: &OsStr, path: &Path) -> Result<(), PlaceError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(&self.file, part, flags, Mode::empty());
        let file = File::from(opened.map_err(|errno| absent_or_look(path, errno))?);
        let metadata = metadata_of(&file, path)?;
        self.path.push(part);
        if metadata.is_symlink() {
            return Err(PlaceError::Link { link: self.path.clone() });
        }
        (self.file, self.metadata) = (file, metadata);
        Ok(())
    }

    pub(super) fn identity(&self) -> FolderIdentity {
        FolderIdentity::of(&self.metadata)
    }

    /// The folder that was reached, to be walked from.
    pub(super) fn into_folder(self, path: &Path) -> Result<File, PlaceError> {
        if self.metadata.is_dir() {
            return Ok(self.file);
        }
        let (found, expected) = (name_of(&self.metadata), "a folder");
        Err(PlaceError::Kind { path: path.to_owned(), found, expected })
    }

    /// The disk that was reached.
    pub(super) fn find(self, path: &Path, kind: Kind) -> Result<Found, PlaceError> {
        let (is_kind, expected) = match kind {
            Kind::File => (self.metadata.is_file(), "a file"),
            Kind::Device => (self.metadata.file_type().is_block_device(), "a block device"),
        };
        let path = path.to_owned();
        if !is_kind {
            return Err(PlaceError::Kind { path, found: name_of(&self.metadata), expected });
        }
        if kind == Kind::File && self.metadata.nlink() > 1 {
            return Err(PlaceError::OtherNames { path });
        }
        Ok(Found { path: self.path, metadata: self.metadata, _held: self.file })
    }
}

fn name_of(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_file() => "a file",
        () if kind.is_block_device() => "a block device",
        () => "no file, folder or block device",
    }
}

fn metadata_of(file: &File, path: &Path) -> Result<Metadata, PlaceError> {
    file.metadata().map_err(|source| PlaceError::Look { path: path.to_owned(), source })
}

fn absent_or_look(path: &Path, errno: Errno) -> PlaceError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => PlaceError::Absent { path },
        errno => PlaceError::Look { path, source: io::Error::from(errno) },
    }
}
