//! A disk in memory to read from and one to write to, with faults that a test asks for, and the
//! suite that every disk must pass.
//!
//! # Why
//! The engine may not know the crate that opens real disks, yet its tests need disks that fail,
//! change and shrink at a chosen byte. Everything here panics when a disk breaks its contract.

mod conformance;
mod sink;
mod source;

pub use conformance::{check_sink, check_source};
pub use sink::MemorySink;
pub use source::MemorySource;
