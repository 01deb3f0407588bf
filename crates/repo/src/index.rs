//! The index: where every unit and node lies.
//!
//! # Why
//! Units are named by content and lie anywhere; nodes and manifests name them and never change
//! when a collector moves them. Segments are written by sessions, sorted, sealed and immutable;
//! a process maps them from an unlinked local file, so that the kernel may evict them.
//!
//! # Invariants
//! - REPO-3: an index segment names only packs that are already durable.
//! - A segment is data: losing one loses no byte, it can be rebuilt from the packs' footers.

pub(crate) mod filter;
pub(crate) mod mmap;
pub(crate) mod segment;
pub(crate) mod view;
