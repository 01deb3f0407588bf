//! The bytes of the journal's objects: compressed, and sealed for their place.
//!
//! # Invariants
//! - A key of its own, from a random salt, seals each object (REPO-4); the object's name is
//!   associated data, so that it opens nowhere else (REPO-5).

use bytes::Bytes;

use super::{Journal, JournalError, PAYLOAD_LEN};
use crate::crypto::{self, SALT_LEN, SealKey, TAG_LEN, derive};
use crate::object::ObjectKey;
use crate::wire::{Reader, len_u32};

pub(super) const MAGIC: &[u8; 4] = b"SRJ0";
pub(super) const HEADER_LEN: usize = MAGIC.len() + SALT_LEN;
pub(super) const LABEL: &str = "strongroom/0/journal";
/// zstd's own level 3: these objects are small.
const LEVEL: i32 = 3;

impl Journal {
    /// Compresses and seals `plain` for the object at `key`.
    pub(super) fn seal(&self, key: &ObjectKey, plain: &[u8]) -> Result<Bytes, JournalError> {
        if plain.len() > PAYLOAD_LEN {
            return Err(JournalError::TooLong { len: plain.len() });
        }
        let packed = zstd::bulk::compress(plain, LEVEL)
            .expect("compressing into memory with a level that zstd has never fails");
        let salt = crypto::salt(&*self.rng);
        let mut out = Vec::with_capacity(HEADER_LEN + 4 + packed.len() + TAG_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&len_u32(plain.len()).to_le_bytes());
        out.extend_from_slice(&packed);
        self.object_key(&salt).seal_tail(0, key.as_str().as_bytes(), &mut out, HEADER_LEN);
        Ok(Bytes::from(out))
    }

    /// Opens what [`Self::seal`] made for the same key.
    pub(super) fn unseal(&self, key: &ObjectKey, sealed: Bytes) -> Result<Vec<u8>, JournalError> {
        let damaged = |what| JournalError::damaged(key, what);
        let mut bytes = Vec::from(sealed);
        let salt = bytes
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.first_chunk::<SALT_LEN>())
            .copied()
            .ok_or_else(|| damaged("it is not a sealed object"))?;
        let (_, sealed) = bytes.split_at_mut(HEADER_LEN);
        let opened = self
            .object_key(&salt)
            .open(0, key.as_str().as_bytes(), sealed)
            .map_err(|_| damaged("its seal does not open"))?;
        unpack(opened).ok_or_else(|| damaged("it cannot be unpacked"))
    }

    /// Reads and opens the object at `key`.
    pub(super) async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, JournalError> {
        let sealed = self.store.get(key).await?;
        self.unseal(key, sealed)
    }

    pub(super) fn object_key(&self, salt: &[u8; SALT_LEN]) -> SealKey {
        SealKey::new(&derive(&self.master, salt, LABEL))
    }
}

/// What was compressed: its length is believed only up to the limit.
fn unpack(opened: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(opened);
    let len = usize::try_from(reader.u32()?).ok().filter(|len| *len <= PAYLOAD_LEN)?;
    let plain = zstd::bulk::decompress(reader.0, len).ok()?;
    (plain.len() == len).then_some(plain)
}
