//! Deterministic simulation: async code in a world that one number decides.
//!
//! # Why
//! The hard cases of the engine and of the task runtime need an exact order of events: who runs
//! next, when a sleeper wakes, who dies where. Here one seed decides; the same seed replays the
//! same run.
//!
//! # Invariants
//! - Same seed, same code, same run. It holds only for code that draws its randomness, time and
//!   threads from parameters: `select!` without `biased` and the order of a `HashMap` break it.
//!
//! # Concurrency and crash
//! One thread. Whatever happens later is an event on the executor's time line.
//!
//! # Not here
//! The simulated stores; they stand beside their traits.

mod clock;
mod executor;

pub use clock::{START, SimClock};
pub use executor::{Ended, Event, Executor, Sim, Stuck, TimerId, Why};
