//! A decorator that refuses every write, for commands that must not change a repository.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_base::ByteRange;
use strongroom_base::clock::BoxFuture;

use super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// Passes reads on and answers writes and deletions with [`ObjectError::ReadOnly`].
#[derive(Debug, Clone)]
pub struct ReadOnlyStore {
    inner: Arc<dyn ObjectStore>,
}

impl ReadOnlyStore {
    /// A view of `inner` without writes.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }
}

fn refuse(key: &ObjectKey) -> BoxFuture<'_, ObjectResult<()>> {
    Box::pin(async move { Err(ObjectError::ReadOnly { key: key.clone() }) })
}

impl ObjectStore for ReadOnlyStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, _bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        refuse(key)
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, _bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        refuse(key)
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.inner.get(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.inner.get_range(key, range)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        self.inner.list(prefix)
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        refuse(key)
    }
}
