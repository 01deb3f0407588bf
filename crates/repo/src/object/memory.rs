//! A store in memory, shared by its clones: for simulations, tests and damage campaigns.
//!
//! # Why
//! The protocol is decided by code over [`ObjectStore`]; a store without I/O lets a simulation run
//! that code step by step, and lets a test change or remove any object behind its back.
//!
//! # Concurrency and crash
//! One lock around the map: every call takes effect at one moment. Nothing survives the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteRange, Clock, Timestamp};

use super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// What the store keeps of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its bytes.
    pub bytes: Bytes,
    /// When it was written.
    pub modified: Timestamp,
}

type Objects = BTreeMap<ObjectKey, StoredObject>;

/// A store in memory. Clones share the objects.
#[derive(Clone)]
pub struct MemoryStore {
    objects: Arc<Mutex<Objects>>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store whose objects are dated by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { objects: Arc::default(), clock }
    }

    /// A second store with the same objects at this moment, independent from then on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { objects: Arc::new(Mutex::new(self.lock().clone())), clock: Arc::clone(&self.clock) }
    }

    /// Every object, as it stands now.
    pub fn snapshot(&self) -> BTreeMap<ObjectKey, StoredObject> {
        self.lock().clone()
    }

    /// Replaces every object by those of a `snapshot`.
    pub fn restore_snapshot(&self, snapshot: BTreeMap<ObjectKey, StoredObject>) {
        *self.lock() = snapshot;
    }

    /// The keys that start with `prefix`, in ascending order.
    pub fn keys(&self, prefix: &str) -> Vec<ObjectKey> {
        self.lock().keys().filter(|key| key.as_str().starts_with(prefix)).cloned().collect()
    }

    /// The bytes at `key` without going through the trait.
    pub fn raw(&self, key: &ObjectKey) -> Option<Bytes> {
        self.lock().get(key).map(|object| object.bytes.clone())
    }

    /// Writes `bytes` at `key` whatever is there, keeping the date of an object that is replaced:
    /// damage does not announce itself.
    pub fn overwrite(&self, key: &ObjectKey, bytes: Bytes) {
        let now = self.clock.now();
        let mut objects = self.lock();
        let modified = objects.get(key).map_or(now, |object| object.modified);
        objects.insert(key.clone(), StoredObject { bytes, modified });
    }

    /// Takes the object at `key` away, as if it had been lost.
    pub fn remove(&self, key: &ObjectKey) -> Option<Bytes> {
        self.lock().remove(key).map(|object| object.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().expect("no holder of this lock panics")
    }

    fn insert(&self, key: &ObjectKey, bytes: Bytes, same_is_fine: bool) -> ObjectResult<()> {
        let modified = self.clock.now();
        let mut objects = self.lock();
        match objects.get(key) {
            Some(stored) if same_is_fine && stored.bytes == bytes => Ok(()),
            Some(_) => Err(ObjectError::AlreadyExists { key: key.clone() }),
            None => {
                objects.insert(key.clone(), StoredObject { bytes, modified });
                Ok(())
            }
        }
    }

    fn read(&self, key: &ObjectKey) -> ObjectResult<Bytes> {
        self.raw(key).ok_or_else(|| ObjectError::NotFound { key: key.clone() })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("objects", &self.lock().len()).finish_non_exhaustive()
    }
}

/// `range` of `bytes`, without a copy.
fn slice(key: &ObjectKey, bytes: &Bytes, range: ByteRange) -> ObjectResult<Bytes> {
    let short = || ObjectError::Short { key: key.clone(), end: range.end };
    let start = usize::try_from(range.start).map_err(|_| short())?;
    let end = usize::try_from(range.end).map_err(|_| short())?;
    if end > bytes.len() || start > end { Err(short()) } else { Ok(bytes.slice(start..end)) }
}

impl ObjectStore for MemoryStore {
    fn label(&self) -> String {
        "mem:".to_owned()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move { self.insert(key, bytes, true) })
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move { self.insert(key, bytes, false) })
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move { self.read(key) })
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move { self.read(key).and_then(|bytes| slice(key, &bytes, range)) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(async move {
            let objects = self.lock();
            let listed = objects.iter().filter(|(key, _)| key.as_str().starts_with(prefix));
            Ok(listed
                .map(|(key, object)| ObjectMeta {
                    key: key.clone(),
                    size: object.bytes.len() as u64,
                    modified: object.modified,
                })
                .collect())
        })
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            drop(self.remove(key));
            Ok(())
        })
    }
}
