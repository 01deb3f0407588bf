//! What several crates' tests need and no build ships: recorded traffic of real clients.
//!
//! # Not here
//! Fakes of traits: the crate that owns a trait has them in its `testing` module.

pub mod trace;
