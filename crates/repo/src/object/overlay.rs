//! A decorator for commands that only read: what the store does not take, it keeps in memory.
//!
//! # Why
//! Readers write too: they announce themselves, and they mark a listing to see that it is fresh.
//! A store that is full or read-only takes none of that, and it is just then that a backup must
//! come back. What it refuses lives here until the process ends, so that the same code reads on.
//!
//! # Concurrency and crash
//! Nobody else sees what is kept here. A collector does not know such a reader: if the backup is
//! deleted and collected meanwhile, a read fails because a pack is missing; it never gives a wrong
//! byte. A marker kept here says nothing about the listing, which may be old, and a removal that
//! the store refuses is not done. So nothing that deletes or commits may work on an overlay.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteRange, Clock};

use super::memory::MemoryStore;
use super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// Reads through to `inner`, keeps in memory what `inner` is too full or not allowed to write.
/// Clones share everything.
#[derive(Clone)]
pub struct OverlayStore {
    inner: Arc<dyn ObjectStore>,
    kept: MemoryStore,
    in_use: Arc<AtomicBool>,
    on_refusal: Arc<dyn Fn(&ObjectError) + Send + Sync>,
}

impl OverlayStore {
    /// An overlay over `inner`; what is kept is dated by `clock`. `on_refusal` is called once, with
    /// the first refusal, because people must know that nobody sees their reader.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        on_refusal: impl Fn(&ObjectError) + Send + Sync + 'static,
    ) -> Self {
        let kept = MemoryStore::new(clock);
        Self { inner, kept, in_use: Arc::default(), on_refusal: Arc::new(on_refusal) }
    }

    /// Whether the store refused a write, so that others do not see what this process wrote.
    pub fn is_in_use(&self) -> bool {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Whether `refusal` is one that the overlay stands in for, from now on for every write.
    fn takes_over(&self, refusal: &ObjectResult<()>) -> bool {
        match refusal {
            Err(error @ (ObjectError::Full { .. } | ObjectError::ReadOnly { .. })) => {
                if !self.in_use.swap(true, Ordering::Relaxed) {
                    (self.on_refusal)(error);
                }
                true
            }
            _ => false,
        }
    }

    async fn create_kept(&self, key: &ObjectKey, bytes: Bytes) -> ObjectResult<()> {
        match self.inner.get(key).await {
            Ok(_) => Err(ObjectError::AlreadyExists { key: key.clone() }),
            Err(error) if error.is_not_found() => self.kept.create(key, bytes).await,
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for OverlayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OverlayStore").field(&self.inner).finish()
    }
}

impl ObjectStore for OverlayStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            if !self.is_in_use() {
                let written = self.inner.put(key, bytes.clone()).await;
                if !self.takes_over(&written) {
                    return written;
                }
            }
            self.kept.put(key, bytes).await
        })
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            if !self.is_in_use() {
                let created = self.inner.create(key, bytes.clone()).await;
                if !self.takes_over(&created) {
                    return created;
                }
            }
            self.create_kept(key, bytes).await
        })
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move {
            match self.kept.raw(key) {
                Some(bytes) => Ok(bytes),
                None => self.inner.get(key).await,
            }
        })
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move {
            match self.kept.raw(key) {
                Some(_) => self.kept.get_range(key, range).await,
                None => self.inner.get_range(key, range).await,
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(async move {
            let mut listed = self.inner.list(prefix).await?;
            listed.extend(self.kept.list(prefix).await?);
            listed.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(listed)
        })
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            if self.kept.remove(key).is_some() {
                return Ok(());
            }
            let removed = self.inner.delete(key).await;
            if self.takes_over(&removed) { Ok(()) } else { removed }
        })
    }
}
