//! Key slots: the repository's secrets, wrapped under a master key, in the store.
//!
//! # Why
//! Recovery must need nothing but the store and one master key. A slot is made so that three cases
//! can be told apart: the right key, a wrong key (the check value differs), damage (the checksum
//! differs, or the check value agrees and the seal does not open).
//!
//! # Not here
//! The bytes of a slot, normatively: docs/format.md.

use strongroom_base::ids::RepoId;
use strongroom_base::{Rng, Secret};

use super::{SALT_LEN, SealKey, derive, salt, secret};

const MAGIC: &[u8; 8] = b"SRSLOT\0\0";
const CHECK_LEN: usize = 16;
const SECRETS_LEN: usize = 64;
const TAG: usize = super::TAG_LEN;
/// Magic, salt, check value, sealed secrets with tag, checksum.
const SLOT_LEN: usize = 8 + SALT_LEN + CHECK_LEN + SECRETS_LEN + TAG + 32;

/// The two secrets of a repository.
#[derive(Debug, Clone)]
pub(crate) struct RepoSecrets {
    /// Derives every key that encrypts.
    pub(crate) repo_key: Secret,
    /// Derives the keys of names; never encrypts, never changes.
    pub(crate) name_secret: Secret,
}

impl RepoSecrets {
    /// The secrets of a new repository.
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        Self { repo_key: secret(rng), name_secret: secret(rng) }
    }
}

/// Why a slot does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotError {
    /// Made for another master key.
    WrongKey,
    /// Not what was written.
    Damaged,
}

/// Wraps `secrets` under `master` for `repo`.
pub(crate) fn wrap(secrets: &RepoSecrets, master: &Secret, repo: RepoId, rng: &dyn Rng) -> Vec<u8> {
    let salt = salt(rng);
    let mut out = Vec::with_capacity(SLOT_LEN);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&salt);
    out.extend_from_slice(&check_value(master, &salt));
    let start = out.len();
    out.extend_from_slice(secrets.repo_key.expose());
    out.extend_from_slice(secrets.name_secret.expose());
    wrapping_key(master, &salt).seal_tail(0, &repo.0, &mut out, start);
    let checksum = blake3::hash(&out);
    out.extend_from_slice(checksum.as_bytes());
    out
}

/// Whether a slot's checksum agrees; needs no key.
pub(crate) fn is_whole(slot: &[u8]) -> bool {
    slot.len() == SLOT_LEN
        && slot.split_last_chunk::<32>().is_some_and(|(body, sum)| blake3::hash(body) == *sum)
}

/// Opens a slot.
pub(crate) fn unwrap(slot: &[u8], master: &Secret, repo: RepoId) -> Result<RepoSecrets, SlotError> {
    if !is_whole(slot) {
        return Err(SlotError::Damaged);
    }
    let (body, _) = slot.split_last_chunk::<32>().ok_or(SlotError::Damaged)?;
    let rest = body.strip_prefix(MAGIC).ok_or(SlotError::Damaged)?;
    let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or(SlotError::Damaged)?;
    let (check, sealed) = rest.split_first_chunk::<CHECK_LEN>().ok_or(SlotError::Damaged)?;
    if *check != check_value(master, salt) {
        return Err(SlotError::WrongKey);
    }
    let mut sealed = sealed.to_vec();
    let opened =
        wrapping_key(master, salt).open(0, &repo.0, &mut sealed).map_err(|_| SlotError::Damaged)?;
    let (repo_key, rest) = opened.split_first_chunk::<32>().ok_or(SlotError::Damaged)?;
    let name_secret = rest.first_chunk::<32>().ok_or(SlotError::Damaged)?;
    let secrets =
        RepoSecrets { repo_key: Secret::new(*repo_key), name_secret: Secret::new(*name_secret) };
    zeroize::Zeroize::zeroize(&mut sealed);
    Ok(secrets)
}

fn wrapping_key(master: &Secret, salt: &[u8]) -> SealKey {
    SealKey::new(&derive(master, salt, "strongroom/0/slot"))
}

fn check_value(master: &Secret, salt: &[u8]) -> [u8; CHECK_LEN] {
    let check = derive(master, salt, "strongroom/0/slot-check");
    let mut out = [0; CHECK_LEN];
    for (to, from) in out.iter_mut().zip(check.expose()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn unwrap_tells_wrong_key_from_damage() {
        let rng = SeededRng::new(1);
        let (repo, master) = (RepoId([3; 16]), Secret::new([4; 32]));
        let secrets = RepoSecrets::random(&rng);
        let slot = wrap(&secrets, &master, repo, &rng);
        let opened = unwrap(&slot, &master, repo).unwrap();
        assert_eq!(opened.repo_key, secrets.repo_key);
        assert_eq!(opened.name_secret, secrets.name_secret);
        let other = Secret::new([5; 32]);
        assert_eq!(unwrap(&slot, &other, repo).unwrap_err(), SlotError::WrongKey);
        assert_eq!(unwrap(&slot, &master, RepoId([9; 16])).unwrap_err(), SlotError::Damaged);
        for n in 0..slot.len() {
            let mut damaged = slot.clone();
            damaged[n] ^= 0x10;
            assert_eq!(unwrap(&damaged, &master, repo).unwrap_err(), SlotError::Damaged);
            assert_eq!(unwrap(&slot[..n], &master, repo).unwrap_err(), SlotError::Damaged);
        }
    }
}
