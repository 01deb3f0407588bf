//! A store in memory, faults, the suite for stores, and the proofs that every workflow must pass.
//!
//! # Why
//! That a step can be repeated, undone, killed and stolen is promised by its author and seldom
//! tried. Here each promise of a workflow is tried at each of its steps, in a simulated world.
//!
//! # Not here
//! Executor and clock of the simulation: [`strongroom_base::sim`].

mod fault;
mod lab;
mod memory;
mod probe;
mod proof;
#[expect(clippy::unwrap_used, reason = "a suite panics where a store breaks its contract")]
mod suite;

pub use fault::{Call, Fault, FaultStore};
pub use memory::MemoryStore;
pub use proof::{Broken, Proven, prove};
pub use suite::{Bench, store_suite};
