//! Secret keys as the catalogue keeps them.
//!
//! # Why
//! Signatures are checked with the secret itself, so that it cannot be kept as a hash. It is sealed
//! under a key derived from the master key, which is not in the catalogue: who reads the catalogue
//! signs nothing.
//!
//! # Invariants
//! - A sealed secret opens for its own access key only.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use strongroom_base::{Rng, Secret};
use zeroize::Zeroizing;

use super::SecretKey;

/// What the derived key is for.
const LABEL: &[u8] = b"strongroom/control/0/access-keys";
/// A sealed secret that opens for no access key: 40 characters between a nonce and a tag.
pub(super) const STAND_IN: [u8; NONCE_LEN + 40 + 16] = [0; NONCE_LEN + 40 + 16];

/// A secret in the catalogue does not open: it, its access key or the master key is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of an access key does not open")]
pub(super) struct SealBroken;

/// Seals the secret of an access key: a random nonce, and AES-256-GCM with the access key as
/// associated data. A user has few keys, so random nonces do not meet.
pub(super) fn seal(master: &Secret, rng: &dyn Rng, access: &str, secret: &SecretKey) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce);
    let mut text = Zeroizing::new(secret.expose().as_bytes().to_vec());
    let bound = Aad::from(access.as_bytes());
    let tag = key(master)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), bound, &mut text)
        .expect("a secret is far shorter than AES-GCM's limit of 64 GiB");
    [nonce.as_slice(), text.as_slice(), tag.as_ref()].concat()
}

/// Opens what [`seal`] made for the same access key.
pub(super) fn unseal(
    master: &Secret,
    access: &str,
    sealed: &[u8],
) -> Result<SecretKey, SealBroken> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealBroken)?;
    let mut text = Zeroizing::new(text.to_vec());
    let bound = Aad::from(access.as_bytes());
    let opened = key(master)
        .open_in_place(Nonce::assume_unique_for_key(*nonce), bound, &mut text)
        .map_err(|_| SealBroken)?;
    let opened = str::from_utf8(opened).map_err(|_| SealBroken)?;
    Ok(SecretKey::new(opened.to_owned()))
}

/// HKDF-SHA-256 (RFC 5869) of the master key, for this purpose.
fn key(master: &Secret) -> LessSafeKey {
    let mut derived = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(master.expose())
        .expand(&[LABEL], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(derived.as_mut()))
        .expect("HKDF-SHA256 gives up to 255 times 32 bytes");
    let key = UnboundKey::new(&AES_256_GCM, derived.as_ref()).expect("the key has 32 bytes");
    LessSafeKey::new(key)
}

#[cfg(test)]
mod tests {
    use strongroom_base::rng::SeededRng;

    use super::*;

    // proves: CTL-2
    #[test]
    fn secret_opens_for_its_access_key_and_master_key_alone() {
        let master = Secret::new([7; 32]);
        let rng = SeededRng::new(1);
        let secret = SecretKey::new("abcdefghij".repeat(4));
        let sealed = seal(&master, &rng, "AK1", &secret);
        assert_eq!(sealed.len(), STAND_IN.len());
        assert!(!sealed.windows(4).any(|part| part == b"abcd"));
        assert_ne!(sealed, seal(&master, &rng, "AK1", &secret), "each has its own nonce");
        let opened = unseal(&master, "AK1", &sealed).unwrap();
        assert_eq!(opened.expose(), secret.expose());
        let is_broken = |master: &Secret, access: &str, sealed: &[u8]| {
            unseal(master, access, sealed).err() == Some(SealBroken)
        };
        assert!(is_broken(&master, "AK2", &sealed));
        assert!(is_broken(&Secret::new([8; 32]), "AK1", &sealed));
        assert!(is_broken(&master, "AK1", &STAND_IN));
        for length in 0..sealed.len() {
            assert!(is_broken(&master, "AK1", &sealed[..length]), "{length}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(is_broken(&master, "AK1", &changed), "{place}");
        }
    }
}
