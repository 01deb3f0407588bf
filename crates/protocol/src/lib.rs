//! Exhaustive model of the commit, deletion, undelete, hold, merge and GC protocol.
//!
//! # Why
//! Writers, readers, deletions and collectors run at the same time on a store that has nothing but
//! conditional creates, and any of them may be paused for an hour or die between two operations.
//! Tests by chance do not meet the one order of steps that loses data; here a small world is tried
//! in every order. One unit stands for all: it lies in pack `P` of manifest `M0`, writers back its
//! content up again, users delete, collectors clean up. Each step is one atomic operation on the
//! store. A pause is an actor that is not scheduled, so that every pause of every length is there.
//!
//! # Invariants
//! - A committed manifest without a grave, with an ungrave or with an accepted hold has its unit
//!   in a present, indexed, undamaged pack; where verify finds the only such copy damaged, nothing
//!   is promised until a writer has uploaded the unit again.
//! - An admitted reader finds its manifest and its unit.
//! - A collector never misses a unit that a manifest needs.
//! - What a writer was told is true: done is committed, failed never will be.
//! - A hold and a deletion of the same manifest are not both accepted.
//! - When everybody has ended or died, one more collection leaves one copy of what is needed, no
//!   deleted manifest and no condemned set; where nothing is needed it leaves nothing.
//!
//! # Concurrency and crash
//! Pure computation without threads. Memory is about 150 bytes for each state.
//!
//! A crate of its own, since it uses nothing of the engine and is the one thing of ours that is
//! optimised for tests (docs/adr/2026-12-01-own-code-without-optimisation.md).
//!
//! # Not here
//! The product's own code under faults: the `testing::sim` of the engine. The rules' meaning for the
//! code: [`Rule::text`].

#![expect(clippy::indexing_slicing, reason = "indices are numbers of actors in a closed world")]

mod burial;
mod collector;
mod fault;
mod hold;
mod invariant;
mod janitor;
mod merge;
mod reader;
mod rule;
mod search;
mod state;
mod step;
mod undelete;
mod world;
mod writer;

pub use collector::{Grain, List};
pub use rule::Rule;
pub use world::{Asleep, ORDERS, Size, World, breaking_world, worlds};

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// States visited.
    pub states: usize,
    /// What is broken, then the shortest path to it, one step a line.
    pub violation: Option<Vec<String>>,
}

/// Visits every state of `world`, up to the first that breaks an invariant.
pub fn explore(world: &World) -> Outcome {
    search::explore(world)
}
