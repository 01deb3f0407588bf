//! Maps a local, unlinked file: bytes that the kernel can evict, unlike anonymous memory.
#![expect(unsafe_code, reason = "mapping a file is unsafe; this module is the only one that does")]

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Deref;

use memmap2::Mmap;

/// Below this many bytes a mapping saves nothing worth a file.
const MAPPED_FROM: usize = 256 << 10;

/// Immutable bytes, on the heap when small, in a mapped file of the temporary folder when large.
pub(crate) enum Mapped {
    Heap(Vec<u8>),
    File(Mmap),
}

impl Mapped {
    /// Takes `bytes` over.
    pub(crate) fn new(bytes: Vec<u8>) -> io::Result<Self> {
        if bytes.len() < MAPPED_FROM {
            return Ok(Self::Heap(bytes));
        }
        let mut file: File = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        // SAFETY: the file has no name and no other handle, so nobody can change or shorten it
        // while it is mapped.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self::File(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::File(map) => map,
        }
    }
}
