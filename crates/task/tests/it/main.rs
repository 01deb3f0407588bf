//! The task runtime in a simulated world: example workflows with all proofs, and each invariant.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod bank;
mod disk;
mod executor;
mod flaws;
mod invariants;
mod proofs;
mod registry;
mod shelf;
mod stage;
mod store;
