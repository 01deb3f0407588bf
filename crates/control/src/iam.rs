//! Identity: who a caller is, tokens, projects, users, domains, and what they may do.
//!
//! # Why
//! Whoever calls shows a token or a signature; both lead to a [`Caller`](crate::Caller) with the
//! roles that its user has at that moment, so that what is taken away is gone with the next request
//! (IAM-3). Users act in their own domain only.
//!
//! # Invariants
//! - CTL-1: a refused login or signature does not tell what was wrong with it, by answer, by work
//!   done, or by when the answer comes.
//! - CTL-2: a secret leaves this module once, when it is made: passwords are kept hashed, tokens as
//!   their SHA-256, secret keys sealed; no `Debug` shows one.
//! - CTL-3: what is taken from a user (a role, a token, a key) counts from the next request on; an
//!   exchanged token ends no later than the one it was asked for with.
//! - CTL-4: what none of the caller's roles allows is refused, and recorded where doing it would have
//!   been; the refusal stands when the record fails.
//!
//! # Concurrency and crash
//! All state is in the catalogue; any number of processes share it. Wrong passwords are counted
//! there, so guesses at several processes count together.
//!
//! # Not here
//! Which role may do what: `model::permission`. Requests and their signatures: crate `api`.

mod access_key;
mod authenticate;
mod authorize;
mod bootstrap;
mod claim;
mod directory;
mod login;
mod password;
mod random_text;
mod reset;
mod scope;
mod sealing;
mod token;

pub use access_key::NewAccessKey;
pub use bootstrap::{Bootstrap, FirstAdmin};
pub use claim::{Claim, Scheme, SecretKey};
pub use directory::{ProjectQuery, UserQuery};
pub(crate) use password::Passwords;
pub use reset::NewPassword;
pub use token::{
    DomainChoice, Identity, IssuedToken, ProjectChoice, TokenRequest, UserChoice, WantedScope,
};
