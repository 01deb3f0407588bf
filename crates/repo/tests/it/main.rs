//! The engine's component tests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall stop there"
)]

mod collect;
mod damage;
mod deletions;
mod engine;
mod faulty_writes;
mod invariants;
mod journal;
mod memory;
mod object;
mod power_cut;
mod s3;
mod simulation;
mod stream;
mod world;
