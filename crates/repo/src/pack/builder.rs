//! Builds a pack: seals frames one after the other, then the footer.

use bytes::Bytes;
use strongroom_base::Rng;

use super::footer::{Footer, PackFrame};
use super::frame::PackedFrame;
use super::{END_MAGIC, FOOTER_PART, HEADER_LEN, MAGIC, PackKind, TRAILER_LEN, bound};
use crate::buffer::BufferPool;
use crate::crypto::{RepoKeys, SALT_LEN, SealKey, TAG_LEN, salt};
use crate::key::PackId;
use crate::wire::len_u32;

/// Size at which a pack is closed.
pub(crate) const PACK_LEN: usize = 16 << 20;
/// Most memory that an open or sealed pack holds: the last frame may go beyond the limit.
pub(crate) const PACK_MEMORY: usize = PACK_LEN + PACK_LEN / 8;
/// Direct I/O wants memory that starts at a page.
const ALIGN: usize = 4096;

/// A pack under construction.
pub(crate) struct PackBuilder {
    id: PackId,
    keys: RepoKeys,
    seal: SealKey,
    salt: [u8; SALT_LEN],
    /// The pack's bytes from `start` on; `start` puts them at a page boundary in memory.
    buffer: Vec<u8>,
    start: usize,
    /// Where the buffer comes from and goes to.
    pool: BufferPool,
    footer: Footer,
}

/// A pack that is ready to be written. Its bytes never change again.
#[derive(Debug, Clone)]
pub(crate) struct SealedPack {
    pub(crate) id: PackId,
    pub(crate) salt: [u8; SALT_LEN],
    pub(crate) bytes: Bytes,
    pub(crate) footer: Footer,
}

impl PackBuilder {
    /// An empty pack whose memory comes from `pool`.
    pub(crate) fn new(
        id: PackId,
        kind: PackKind,
        keys: &RepoKeys,
        rng: &dyn Rng,
        pool: &BufferPool,
    ) -> Self {
        let mut buffer = pool.take_empty(PACK_MEMORY + ALIGN);
        let start = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        buffer.resize(start, 0);
        let salt = salt(rng);
        buffer.extend_from_slice(MAGIC);
        buffer.extend_from_slice(&0_u16.to_le_bytes());
        buffer.push(kind.to_byte());
        buffer.push(0);
        buffer.extend_from_slice(&0_u32.to_le_bytes());
        buffer.extend_from_slice(&salt);
        let footer = Footer { kind, frames: Vec::new() };
        let (keys, seal, pool) = (keys.clone(), keys.pack_key(&salt), pool.clone());
        Self { id, keys, seal, salt, buffer, start, pool, footer }
    }

    /// Seals and appends a frame.
    pub(crate) fn push(&mut self, frame: PackedFrame) {
        let offset = self.buffer.len();
        let part = len_u32(self.footer.frames.len());
        self.buffer.extend_from_slice(frame.payload());
        let place = bound(self.keys.repo(), self.id, part);
        self.seal.seal_tail(part, &place, &mut self.buffer, offset);
        self.footer.frames.push(PackFrame {
            offset: len_u32(offset - self.start),
            sealed_len: len_u32(self.buffer.len() - offset),
            raw_len: frame.raw_len,
            codec: frame.codec,
            units: frame.units,
        });
    }

    /// Whether the pack has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() - self.start >= PACK_LEN
    }

    /// Whether nothing was pushed.
    pub(crate) fn is_empty(&self) -> bool {
        self.footer.frames.is_empty()
    }

    /// Seals the footer.
    pub(crate) fn finish(mut self) -> SealedPack {
        let offset = self.buffer.len();
        self.buffer.extend_from_slice(&self.footer.encode());
        let place = bound(self.keys.repo(), self.id, FOOTER_PART);
        self.seal.seal_tail(FOOTER_PART, &place, &mut self.buffer, offset);
        let sealed_len = len_u32(self.buffer.len() - offset);
        self.buffer.extend_from_slice(&sealed_len.to_le_bytes());
        self.buffer.extend_from_slice(END_MAGIC);
        let bytes = self.pool.share(self.buffer, self.start);
        debug_assert!(bytes.len() >= HEADER_LEN + TAG_LEN + TRAILER_LEN);
        SealedPack { id: self.id, salt: self.salt, bytes, footer: self.footer }
    }
}
