//! A provider in memory with faults, and the suite that every provider must pass.
//!
//! # Why
//! Workflows of the service are tried at each of their steps, thousands of times; their disks must
//! cost nothing and fail where a test wants it. The suite holds the fake to what real disks do.

mod fake;
#[expect(clippy::unwrap_used, reason = "a suite panics where a provider breaks its contract")]
mod suite;

pub use fake::{Call, FakeProvider, Fault};
pub use suite::{Bench, check_provider};
