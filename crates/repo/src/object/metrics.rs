//! A decorator that counts requests and bytes, for the cost lines and the bench.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteCount, ByteRange};

use super::{ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// What the calls of one kind cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls, failed ones included.
    pub requests: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Object bytes that successful calls moved; none for `list` and `delete`.
    pub bytes: ByteCount,
}

/// What all calls cost so far, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreUsage {
    /// [`ObjectStore::put`].
    pub put: Usage,
    /// [`ObjectStore::create`].
    pub create: Usage,
    /// [`ObjectStore::get`].
    pub get: Usage,
    /// [`ObjectStore::get_range`].
    pub range: Usage,
    /// [`ObjectStore::list`]: one for each call, however many pages the store needs for it.
    pub list: Usage,
    /// [`ObjectStore::delete`].
    pub delete: Usage,
}

impl StoreUsage {
    /// Calls of every kind.
    pub fn requests(&self) -> u64 {
        self.kinds().iter().map(|(_, usage)| usage.requests).sum()
    }

    /// Bytes sent to the store.
    pub fn written(&self) -> ByteCount {
        self.put.bytes + self.create.bytes
    }

    /// Bytes received from the store.
    pub fn read(&self) -> ByteCount {
        self.get.bytes + self.range.bytes
    }

    /// Every kind with its name, in a fixed order.
    pub fn kinds(&self) -> [(&'static str, Usage); 6] {
        [
            ("put", self.put),
            ("create", self.create),
            ("get", self.get),
            ("range", self.range),
            ("list", self.list),
            ("delete", self.delete),
        ]
    }
}

#[derive(Debug, Default)]
struct Counter {
    requests: AtomicU64,
    failures: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    fn note<T>(&self, result: &ObjectResult<T>, bytes: impl FnOnce(&T) -> usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match result {
            Ok(value) => self.bytes.fetch_add(bytes(value) as u64, Ordering::Relaxed),
            Err(_) => self.failures.fetch_add(1, Ordering::Relaxed),
        };
    }

    fn read(&self) -> Usage {
        Usage {
            requests: self.requests.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            bytes: ByteCount(self.bytes.load(Ordering::Relaxed)),
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    put: Counter,
    create: Counter,
    get: Counter,
    range: Counter,
    list: Counter,
    delete: Counter,
}

/// Counts what passes through to `inner`. Clones share the counters.
#[derive(Debug, Clone)]
pub struct CountingStore {
    inner: Arc<dyn ObjectStore>,
    counters: Arc<Counters>,
}

impl CountingStore {
    /// Counts from zero. Put it beneath a retrying store to count every attempt.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, counters: Arc::default() }
    }

    /// What was counted so far.
    pub fn usage(&self) -> StoreUsage {
        let counters = &self.counters;
        StoreUsage {
            put: counters.put.read(),
            create: counters.create.read(),
            get: counters.get.read(),
            range: counters.range.read(),
            list: counters.list.read(),
            delete: counters.delete.read(),
        }
    }
}

impl ObjectStore for CountingStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            let len = bytes.len();
            let result = self.inner.put(key, bytes).await;
            self.counters.put.note(&result, |()| len);
            result
        })
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            let len = bytes.len();
            let result = self.inner.create(key, bytes).await;
            self.counters.create.note(&result, |()| len);
            result
        })
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move {
            let result = self.inner.get(key).await;
            self.counters.get.note(&result, Bytes::len);
            result
        })
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move {
            let result = self.inner.get_range(key, range).await;
            self.counters.range.note(&result, Bytes::len);
            result
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(async move {
            let result = self.inner.list(prefix).await;
            self.counters.list.note(&result, |_| 0);
            result
        })
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            let result = self.inner.delete(key).await;
            self.counters.delete.note(&result, |()| 0);
            result
        })
    }
}
