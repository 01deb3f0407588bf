//! Disks that are downloaded from the service: as a stream that goes on where it broke.
//!
//! # Invariants
//! - A file gets its name when it is complete, and never replaces another.
//! - Bytes of two different contents are never joined: a part that is there is used only if the
//!   service says that the rest belongs to it (`If-Range` with its `ETag`, RFC 9110 13.1.5).
//!
//! # Concurrency and crash
//! A killed export leaves a part and a note beside the target. The same command goes on from what
//! the note says was durable. Two commands cannot write the same part: its file is locked.

mod draft;
mod output;
mod transfer;

pub(crate) use draft::{Draft, Subject};
pub(crate) use output::Output;
pub(crate) use transfer::Transfer;
