//! A file that gets its name when it is complete.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use strongroom_base::SinkError;
use tempfile::{NamedTempFile, TempPath};

/// A file beside its later name, removed when dropped before [`Draft::publish`].
///
/// Only its owner may read it, then and later: it holds somebody's disk.
#[derive(Debug)]
pub(super) struct Draft {
    at: String,
    target: PathBuf,
    folder: PathBuf,
    path: PathBuf,
    name: Mutex<Option<TempPath>>,
}

impl Draft {
    /// Makes an empty file beside `target`, which must not exist.
    pub(super) fn create(target: &Path) -> Result<(Self, File), SinkError> {
        let at = target.display().to_string();
        let failed = |source| SinkError::Open { at: at.clone(), source };
        let target = std::path::absolute(target).map_err(failed)?;
        // Not `exists`: a link that leads nowhere is something, too.
        if target.symlink_metadata().is_ok() {
            return Err(SinkError::Exists { at });
        }
        let folder = target.parent().unwrap_or(Path::new("/")).to_owned();
        let draft: NamedTempFile = tempfile::Builder::new()
            .prefix(".strongroom-")
            .suffix(".part")
            .tempfile_in(&folder)
            .map_err(failed)?;
        let (file, draft) = draft.into_parts();
        let path = draft.to_path_buf();
        Ok((Self { at, target, folder, path, name: Mutex::new(Some(draft)) }, file))
    }

    /// The final name, for messages.
    pub(super) fn at(&self) -> String {
        self.at.clone()
    }

    /// Where the file is until it is published.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, durably, unless the name was taken meanwhile. The caller has made
    /// the content durable.
    pub(super) fn publish(&self) -> Result<(), SinkError> {
        let failed = |source| SinkError::Open { at: self.at(), source };
        let draft = self.name.lock().expect("no holder of this lock panics").take();
        let Some(draft) = draft else {
            return Err(failed(io::Error::other("the disk was finished already")));
        };
        draft.persist_noclobber(&self.target).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => SinkError::Exists { at: self.at() },
            _ => failed(error.error),
        })?;
        // The name is in the folder, so the folder must be durable as well.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}
