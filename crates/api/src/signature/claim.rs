//! What a signature claims, and the one place where a secret decides whether that is true.
//!
//! # Why
//! Secrets of access keys stay with the control services: they look the key up and answer yes or
//! no. So nothing in this file knows of requests. It is meant to move to the access keys of
//! `strongroom-control` as it stands once that crate exists; this crate will then only fill
//! [`Claim`] in.
//!
//! # Invariants
//! - API-2: a claim of an unknown key costs the same work and gets the same answer as a false one.

use std::fmt;

use aws_lc_rs::{hkdf, hmac};
use strongroom_base::ids::to_hex;
use zeroize::Zeroizing;

use crate::signature::Scheme;

/// "Who has the secret of this access key has signed this text."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Tells how the key is derived.
    pub scheme: Scheme,
    /// The key that it names.
    pub access_key_id: String,
    /// What goes with a temporary access key. Whoever knows the keys compares it; that it fits is
    /// not part of the signature.
    pub security_token: Option<String>,
    /// Day, region, service, as far as the scheme has them, joined by slashes; empty without.
    pub scope: String,
    /// The text that was signed. Where two texts are possible, one of them is.
    pub strings_to_sign: Vec<String>,
    /// An HMAC-SHA256.
    pub signature: [u8; 32],
}

/// The secret half of an access key: wiped on drop, never shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<String>);

impl SecretKey {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl Claim {
    /// Whether `secret` made the signature, compared in constant time. None stands for an access
    /// key that does not exist: the same work is done, and the answer is no.
    pub fn is_signed_with(&self, secret: Option<&SecretKey>) -> bool {
        let stand_in = SecretKey::new("an access key that does not exist".to_owned());
        let key = self.signing_key(secret.unwrap_or(&stand_in));
        let mut is_signed = false;
        for text in &self.strings_to_sign {
            is_signed |= hmac::verify(&key, text.as_bytes(), &self.signature).is_ok();
        }
        is_signed && secret.is_some()
    }

    /// The key that the scheme derives from the secret (contract cbr-v3 10.2).
    fn signing_key(&self, secret: &SecretKey) -> hmac::Key {
        let secret = secret.0.as_bytes();
        match self.scheme {
            Scheme::Plain => hmac_key(secret),
            Scheme::Scoped => {
                let seed = Zeroizing::new([b"SDK", secret].concat());
                self.scope.split('/').fold(hmac_key(&seed), |key, part| {
                    hmac_key(hmac::sign(&key, part.as_bytes()).as_ref())
                })
            }
            Scheme::Derived => {
                let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, self.access_key_id.as_bytes());
                let mut derived = Zeroizing::new([0; 32]);
                salt.extract(secret)
                    .expand(&[self.scope.as_bytes()], hkdf::HKDF_SHA256)
                    .and_then(|okm| okm.fill(derived.as_mut()))
                    .expect("HKDF-SHA256 gives up to 255 times 32 bytes");
                hmac_key(Zeroizing::new(to_hex(derived.as_ref())).as_bytes())
            }
        }
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A claim that `secret` makes true, or that is false in its signature alone.
    fn claim(scheme: Scheme, scope: &str, secret: &SecretKey) -> Claim {
        let mut claim = Claim {
            scheme,
            access_key_id: "AK1".to_owned(),
            security_token: None,
            scope: scope.to_owned(),
            strings_to_sign: vec!["text".to_owned()],
            signature: [0; 32],
        };
        let tag = hmac::sign(&claim.signing_key(secret), b"text");
        claim.signature.copy_from_slice(tag.as_ref());
        claim
    }

    // proves: API-2
    #[test]
    fn claim_of_an_unknown_key_is_false_like_any_other() {
        let secret = SecretKey::new("right".to_owned());
        let wrong = SecretKey::new("wrong".to_owned());
        for (scheme, scope) in [
            (Scheme::Plain, ""),
            (Scheme::Scoped, "20260101///sdk_request"),
            (Scheme::Derived, "20260101/region-1/cbr"),
        ] {
            let claim = claim(scheme, scope, &secret);
            assert!(claim.is_signed_with(Some(&secret)));
            assert!(!claim.is_signed_with(Some(&wrong)));
            assert!(!claim.is_signed_with(None));
        }
        // Not even who signs with the stand-in gets in.
        let stand_in = SecretKey::new("an access key that does not exist".to_owned());
        assert!(!claim(Scheme::Plain, "", &stand_in).is_signed_with(None));
    }

    #[test]
    fn one_of_the_strings_must_be_the_signed_one() {
        let secret = SecretKey::new("right".to_owned());
        let mut claim = claim(Scheme::Plain, "", &secret);
        claim.strings_to_sign = vec!["other".to_owned(), "text".to_owned()];
        assert!(claim.is_signed_with(Some(&secret)));
        claim.strings_to_sign = vec!["other".to_owned()];
        assert!(!claim.is_signed_with(Some(&secret)));
        claim.strings_to_sign = vec![];
        assert!(!claim.is_signed_with(Some(&secret)));
    }

    #[test]
    fn secret_is_not_printed() {
        let secret = SecretKey::new("right".to_owned());
        assert_eq!(format!("{secret:?}"), "SecretKey(..)");
    }
}
