//! The real binary against the real world: processes that are killed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is a test in all its parts, and it starts the real program"
)]

mod arena;
mod kill;
