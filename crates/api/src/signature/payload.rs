//! The part of a signature that covers the body.

use aws_lc_rs::digest::{SHA256, digest};
use strongroom_base::ids::to_hex;

use crate::signature::Refusal;

/// What a client sends in X-Sdk-Content-Sha256 when it left the body out.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The SHA-256 of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// Of a body at hand.
    pub fn of(body: &[u8]) -> Self {
        Self(sha256(body))
    }

    /// Of a body whose hash was computed while it came.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Whether the body has no bytes; nobody knows another with that hash.
    pub(super) fn is_empty(self) -> bool {
        self == Self::of(b"")
    }
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // The lengths agree by the algorithm; `copy_from_slice` would say so by a panic.
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// The texts that may stand for the body in the canonical form, given what the client declared in
/// X-Sdk-Content-Sha256.
///
/// A declared hash must be that of the body. A body that was left out of the signature is refused:
/// every call that takes a body acts on it, and of the contract's clients none leaves one out but
/// for media that no call here takes. An empty body may be declared so, and then two texts are
/// possible: the libraries in Python hash the empty string all the same, those in Go do not.
pub(super) fn texts(declared: Option<&str>, body: BodyDigest) -> Result<Vec<String>, Refusal> {
    let hash = to_hex(&body.0);
    match declared {
        None => Ok(vec![hash]),
        Some(UNSIGNED) if body.is_empty() => Ok(vec![UNSIGNED.to_owned(), hash]),
        Some(UNSIGNED) => Err(Refusal::UnsignedPayload),
        Some(text) if text.eq_ignore_ascii_case(&hash) => Ok(vec![text.to_owned()]),
        Some(_) => Err(Refusal::BodyHash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    // proves: API-3
    #[test]
    fn body_is_always_covered() {
        let check = |declared: Option<&str>, body: &[u8], expected: Result<&[&str], Refusal>| {
            let texts = texts(declared, BodyDigest::of(body));
            let expected = expected.map(|e| e.iter().map(ToString::to_string).collect());
            assert_eq!(texts, expected, "{declared:?}");
        };
        let hash = to_hex(&sha256(b"{}"));
        let upper = hash.to_uppercase();
        check(None, b"", Ok(&[EMPTY]));
        check(None, b"{}", Ok(&[&hash]));
        check(Some(&hash), b"{}", Ok(&[&hash]));
        check(Some(&upper), b"{}", Ok(&[&upper]));
        check(Some(&hash), b"{ }", Err(Refusal::BodyHash));
        check(Some(EMPTY), b"{}", Err(Refusal::BodyHash));
        check(Some(""), b"", Err(Refusal::BodyHash));
        check(Some("unsigned-payload"), b"", Err(Refusal::BodyHash));
        check(Some(UNSIGNED), b"", Ok(&[UNSIGNED, EMPTY]));
        check(Some(UNSIGNED), b"{}", Err(Refusal::UnsignedPayload));
    }
}
