//! The store in a directory: whole files, made durable before anybody can see them.
//!
//! # Why
//! A directory is a fine store if three things hold that plain file calls do not give: a file is
//! never visible in part, one of several racing creates wins, and what was reported survives a
//! power cut. So an object is written under a temporary name, synced, given its name by a rename
//! that refuses to replace, and then its directory is synced.
//!
//! # Invariants
//! - REPO-1, REPO-2 of `crate::object`.
//! - A name is given only to a file whose content is durable.
//! - What a listing or a refused create told is durable too, even if another process wrote it and
//!   has not yet synced: otherwise a decision could rest on an object that a power cut takes away.
//!
//! # Concurrency and crash
//! Any number of threads and processes. A crash leaves at most a file in `.tmp`, which is no
//! object; [`LocalStore::sweep_temporaries`] removes such files when they are old. Directories are
//! never removed: a process that made one durable may go on relying on it.
//!
//! # Not here
//! The system calls: [`files`]. Which of them survive a power cut: `model_files`.

pub mod directory_files;
mod failure;
pub mod files;
#[cfg(feature = "testing")]
pub mod model_files;
mod tree;

use std::fmt;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteRange, Timestamp};

use self::directory_files::{DirectoryFiles, LocalOpenError};
use self::files::Files;
use self::tree::Tree;
use super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// A store in a directory. Clones share what they know about it.
///
/// Its calls block threads of the tokio runtime's blocking pool, so it needs such a runtime.
pub struct LocalStore<F = DirectoryFiles> {
    tree: Arc<Tree<F>>,
    label: String,
}

impl LocalStore {
    /// Opens the store in the directory `root`, which must exist. Writes nothing.
    ///
    /// # Errors
    /// When there is no such directory, or it cannot be opened.
    pub fn open(root: &Path) -> Result<Self, LocalOpenError> {
        let files = DirectoryFiles::open(root)?;
        Ok(Self::with_files(files, format!("fs://{}", root.display())))
    }

    /// As [`LocalStore::open`], but makes the directory and its parents where they are missing, and
    /// makes them durable.
    ///
    /// # Errors
    /// When the directory can be neither made nor opened.
    pub fn create(root: &Path) -> Result<Self, LocalOpenError> {
        DirectoryFiles::make_root(root)?;
        Self::open(root)
    }
}

impl<F: Files> LocalStore<F> {
    /// A store over other file calls, for tests.
    pub fn with_files(files: F, label: String) -> Self {
        Self { tree: Arc::new(Tree::new(files)), label }
    }

    /// Removes temporary files that were last written more than `age` before `now`, and says how
    /// many. Writers that still use one must be impossible at that age: take days.
    ///
    /// # Errors
    /// When the directory of temporary files cannot be read or changed.
    pub async fn sweep_temporaries(&self, now: Timestamp, age: Duration) -> ObjectResult<u64> {
        self.blocking("", move |tree| tree.sweep_temporaries(now, age)).await
    }

    /// Runs `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        at: &str,
        work: impl FnOnce(&Tree<F>) -> ObjectResult<T> + Send + 'static,
    ) -> ObjectResult<T> {
        let tree = Arc::clone(&self.tree);
        match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(source) => {
                    Err(ObjectError::Unavailable { at: at.to_owned(), source: Box::new(source) })
                }
            },
        }
    }
}

impl<F> Clone for LocalStore<F> {
    fn clone(&self) -> Self {
        Self { tree: Arc::clone(&self.tree), label: self.label.clone() }
    }
}

impl<F> fmt::Debug for LocalStore<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalStore").field(&self.label).finish()
    }
}

impl<F: Files> ObjectStore for LocalStore<F> {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        let owned = key.clone();
        Box::pin(self.blocking(key.as_str(), move |tree| tree.put(&owned, &bytes)))
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        let owned = key.clone();
        Box::pin(self.blocking(key.as_str(), move |tree| tree.create(&owned, &bytes)))
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        let owned = key.clone();
        Box::pin(self.blocking(key.as_str(), move |tree| tree.get(&owned)))
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        let owned = key.clone();
        Box::pin(self.blocking(key.as_str(), move |tree| tree.get_range(&owned, range)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        let owned = prefix.to_owned();
        Box::pin(self.blocking(prefix, move |tree| tree.list(&owned)))
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        let owned = key.clone();
        Box::pin(self.blocking(key.as_str(), move |tree| tree.delete(&owned)))
    }
}
