//! Whether a file is still what it was when it was opened.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use strongroom_base::SourceError;

/// An open file with its size and modification time of a moment.
///
/// A write moves the modification time by less than the kernel's tick (4 ms) only where a file
/// system has coarse times and nobody asked for the time in between; we ask when we open.
#[derive(Debug)]
pub(crate) struct Stamp {
    file: File,
    at: String,
    size: u64,
    modified: Option<(i64, i64)>,
}

impl Stamp {
    /// Remembers what `file` is now. `at` is its name for messages.
    pub(crate) fn of(file: File, at: String) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { at, size: metadata.len(), modified: modified(&metadata), file })
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Fails when the size or modification time moved, or the file lost its last name.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        let fail = |what: String| Err(SourceError::Changed { at: self.at.clone(), what });
        let metadata = self.file.metadata();
        let metadata =
            metadata.map_err(|source| SourceError::Open { at: self.at.clone(), source })?;
        if metadata.len() != self.size {
            return fail(format!("its size went from {} to {} bytes", self.size, metadata.len()));
        }
        match (self.modified, modified(&metadata)) {
            (Some(before), Some(now)) if before != now => fail(format!(
                "its modification time went from {}.{:09} to {}.{:09}",
                before.0, before.1, now.0, now.1
            )),
            (Some(_), _) if metadata.nlink() == 0 => fail("it was deleted".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Devices have no modification time worth looking at: nobody else can write to one that is held.
fn modified(metadata: &Metadata) -> Option<(i64, i64)> {
    let is_device = metadata.file_type().is_block_device();
    (!is_device).then(|| (metadata.mtime(), metadata.mtime_nsec()))
}
