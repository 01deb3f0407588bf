//! The task runtime in a simulated world: example workflows with all proofs, and each invariant.

mod bank;
mod disk;
mod executor;
mod flaws;
mod invariants;
mod proofs;
mod shelf;
mod stage;
mod store;
