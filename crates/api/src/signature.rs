//! Requests signed with an access key and its secret (AK/SK), in the three schemes that clients use.
//!
//! # Why
//! A client signs a canonical form of its request. Nothing tells the server that form; it must be
//! rebuilt from the bytes that came, and each scheme rebuilds it a little differently (contract
//! cbr-v3 10.2, related-services 1.9). The rebuilding needs no secret and the comparison needs
//! nothing else, so they are parted: [`SignedRequest`] yields a [`Claim`], and whoever keeps the
//! secrets asks [`Claim::is_signed_with`].
//!
//! ```text
//! RequestHead --parse--> SignedRequest --claim(body, now)--> Claim --is_signed_with(secret)--> yes or no
//! ```
//!
//! # Invariants
//! - API-1: a request is admitted only as it was signed: method, path, query, signed headers, date.
//!   Scheme [`Scheme::Scoped`] signs only the first value of a repeated query key; further values
//!   are not protected, and no verifier can change that.
//! - API-2: a refusal does not tell whether the access key exists.
//! - API-3: the body of an admitted request is the one that was signed; none is admitted unsigned.
//! - API-4: a signature counts for 15 minutes before and after its date.
//!
//! # Not here
//! Whose key it is, whether its security token fits, and what its user may do: the control
//! services. A signature may be used again within its 15 minutes, as the contract has it: there is
//! no nonce.

mod authorization;
pub mod canonical;
mod date;
mod error;
mod head;
mod payload;
mod request;

pub use strongroom_control::iam::{Claim, Scheme, SecretKey};

pub use error::{ParseError, Refusal};
pub use head::RequestHead;
pub use payload::BodyDigest;
pub use request::SignedRequest;
