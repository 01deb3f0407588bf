//! Deterministic simulation: the product's own async code in a world that one number decides.
//!
//! # Why
//! The protocol's hard cases need an exact order of events: a request that arrives an hour late, a
//! crash between two writes. Here one seed picks who runs next, how long each request travels and
//! what goes wrong; the same seed replays the same run.
//!
//! # Invariants
//! - Same seed, same code, same run: [`World::digest`] tells. It holds only for code that draws
//!   its randomness, time and threads from `Rng`, `Clock` and `Compute`: `select!` without
//!   `biased` and the order of a `HashMap` break it.
//! - No request is on its way longer than [`LONGEST_FLIGHT`].
//!
//! # Concurrency and crash
//! One thread. Whatever happens later (a request that arrives, a sleeper that wakes) is an event
//! on the executor's time line and belongs to the world, so it happens even if its actor died.
//!
//! # Not here
//! Executor and clock: [`strongroom_base::sim`]. Faults for ordinary tests on any store:
//! [`super::fault`].

mod flight;
mod store;
mod world;

#[cfg(test)]
mod tests;

pub use flight::{Fate, Fault, Faults, LONGEST_FLIGHT, TIMEOUT};
pub use store::SimStore;
pub use strongroom_base::sim::{Ended, Executor, START, Sim, SimClock, Stuck, TimerId, Why};
pub use world::{Objects, Request, Stored, Watch, World};
