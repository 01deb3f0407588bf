//! What needs recorded traffic and the crates that must understand it.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected shall stop there")]

mod canonical;
mod sent;
mod signature;
