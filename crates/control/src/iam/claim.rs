//! What a signature claims, and the one place where a secret decides whether that is true.
//!
//! # Why
//! Secrets of access keys stay with the control services: they look the key up and answer yes or
//! no. So nothing in this file knows of requests; who reads a request fills [`Claim`] in.
//!
//! # Invariants
//! - API-2: a claim of an unknown key costs the same work and gets the same answer as a false one.

use std::fmt;

use aws_lc_rs::{hkdf, hmac};
use strongroom_base::ids::to_hex;
use zeroize::Zeroizing;

/// How a request was signed (contract cbr-v3 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `SDK-HMAC-SHA256 Credential=<AK>/<day>/<region>/<service>/sdk_request`: gophertelekomcloud
    /// (contract scheme A). Region and service are empty there.
    Scoped,
    /// `SDK-HMAC-SHA256 Access=<AK>`: Huawei's libraries and Terraform provider (scheme B).
    Plain,
    /// `V11-HMAC-SHA256 Credential=<AK>/<day>/<region>/<service>`: the same with a derived key
    /// (scheme C).
    Derived,
}

impl Scheme {
    /// The name in the header and in the string to sign.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Scoped | Self::Plain => "SDK-HMAC-SHA256",
            Self::Derived => "V11-HMAC-SHA256",
        }
    }
}

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

    /// The text, for whoever shows a new access key to its owner.
    pub fn expose(&self) -> &str {
        &self.0
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
    use strongroom_base::ids::from_hex;

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

    /// The self-check vectors of contract cbr-v3, 10.2, from the hash of the canonical form on.
    #[test]
    fn vectors_of_the_contract_are_signed() {
        const DATE: &str = "20260101T000000Z";
        let check = |scheme: Scheme, scope: &str, canonical: &str, signature: &str| {
            let lines = [scheme.algorithm(), DATE, scope, canonical];
            let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            let claim = Claim {
                scheme,
                access_key_id: "AKEXAMPLE0001".to_owned(),
                security_token: None,
                scope: scope.to_owned(),
                strings_to_sign: vec![lines.join("\n")],
                signature: from_hex(signature).unwrap(),
            };
            let right = SecretKey::new("SKexample0002".to_owned());
            let wrong = SecretKey::new("SKexample0003".to_owned());
            assert!(claim.is_signed_with(Some(&right)), "{scheme:?}");
            assert!(!claim.is_signed_with(Some(&wrong)), "{scheme:?}");
        };
        let list = "22da584bd4bc430bf899a1971ae1a158bb8597f9de520b3e1b976ab2560b68a5";
        let create = "6f5210cca0d295625fb943e1ada7717531b3792352f70254d292c6bac7cd306a";
        let plain = Scheme::Plain;
        check(plain, "", list, "d48485dbe85319555754b33095c82744025f2d19314a0c362f1a11c9d45848cb");
        check(
            plain,
            "",
            create,
            "546d2da950a7244e2bafbf49d5c5356f8d3e706cd4e63921aafa489cbadb9811",
        );
        let (derived, scope) = (Scheme::Derived, "20260101/region-1/cbr");
        let signature = "30e5f27b70ed805049b56852774daa866b36e02bde40b76d334e5665ef86808b";
        check(derived, scope, list, signature);
        let signature = "7ff4648cc5d9286d6daa7261c01fba7e786189f617d26d376983f5acbe2a08be";
        check(derived, scope, create, signature);
        let (scoped, scope) = (Scheme::Scoped, "20260101///sdk_request");
        let list = "b5accce3016ffd03675f7408b327ef80d8d8212527ad900ab565f196476ac7b6";
        let signature = "846521837307f047512c08d6f1001e5e19798e88c4c5ae8c17c5f83ca9e36630";
        check(scoped, scope, list, signature);
        let create = "63568c890a70dad99a0cfa0e4f6e663fde7047327ac1bc13b75383014d4c46c5";
        let signature = "f2e99505d088ca23ac02c6247eace361052feddd914d000b5b8d4f69fc0d8948";
        check(scoped, scope, create, signature);
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
