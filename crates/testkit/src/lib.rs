//! What several crates' tests need and no build ships: the whole service in one process, clients'
//! side of HTTP, and recorded traffic of real clients with what replays it.
//!
//! # Not here
//! Fakes of traits: the crate that owns a trait has them in its `testing` module.

#![expect(
    clippy::indexing_slicing,
    reason = "what is missing in an answer is null, and then a test says so"
)]

pub mod described;
pub mod exchange;
pub mod replay;
pub mod server;
pub mod signer;
pub mod trace;

pub use exchange::{Answer, Ask};
pub use server::{Names, Server};
