//! Buffers that return to their pool, so that steady work neither allocates nor clears memory.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;

type Shelf = Mutex<Vec<Vec<u8>>>;

/// Direct I/O wants memory that starts at a page.
const ALIGN: usize = 4096;

/// Keeps the buffers of one session for reuse.
#[derive(Debug, Clone, Default)]
pub(crate) struct BufferPool(Arc<Shelf>);

impl BufferPool {
    /// A buffer of `len` bytes with arbitrary content that starts at a page boundary in memory.
    pub(crate) fn take(&self, len: usize) -> Buffer {
        let mut bytes = self.used().unwrap_or_default();
        if bytes.len() < len + ALIGN {
            // Zeros from the kernel: nothing is cleared or copied.
            bytes = vec![0; len + ALIGN];
        }
        let start = bytes.as_ptr().align_offset(ALIGN).min(ALIGN);
        Buffer { bytes, start, len, home: Arc::downgrade(&self.0) }
    }

    /// An empty vector with room for `capacity` bytes, to be filled and given to [`Self::share`].
    pub(crate) fn take_empty(&self, capacity: usize) -> Vec<u8> {
        let mut bytes = self.used().unwrap_or_default();
        bytes.clear();
        bytes.reserve_exact(capacity);
        bytes
    }

    /// The bytes from `start` on, to be read by many; the last reader returns them to the pool.
    pub(crate) fn share(&self, bytes: Vec<u8>, start: usize) -> Bytes {
        let len = bytes.len().saturating_sub(start);
        Bytes::from_owner(Buffer { bytes, start, len, home: Arc::downgrade(&self.0) })
    }

    fn used(&self) -> Option<Vec<u8>> {
        self.0.lock().ok().and_then(|mut shelf| shelf.pop())
    }
}

/// Bytes that go back to their pool when dropped.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
    home: Weak<Shelf>,
}

impl From<Vec<u8>> for Buffer {
    /// A buffer without a pool.
    fn from(bytes: Vec<u8>) -> Self {
        Self { start: 0, len: bytes.len(), bytes, home: Weak::new() }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(shelf) = self.home.upgrade()
            && let Ok(mut shelf) = shelf.lock()
        {
            shelf.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_reuses_and_aligns() {
        let pool = BufferPool::default();
        let first = pool.take(10_000);
        assert_eq!(first.as_ptr().align_offset(ALIGN), 0);
        assert_eq!(first.len(), 10_000);
        drop(first);
        let second = pool.take(5);
        assert_eq!((second.len(), second.as_ptr().align_offset(ALIGN)), (5, 0));
        assert!(pool.0.lock().unwrap().is_empty());
    }

    #[test]
    fn share_returns_the_memory_with_the_last_reader() {
        let pool = BufferPool::default();
        let mut bytes = pool.take_empty(100);
        let memory = bytes.as_ptr();
        bytes.extend_from_slice(b"xxshared");
        let shared = pool.share(bytes, 2);
        let part = shared.slice(2..);
        drop(shared);
        assert_eq!((&*part, pool.used()), (&b"ared"[..], None));
        drop(part);
        let again = pool.take_empty(100);
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
    }
}
