//! A client of the Network Block Device protocol: reads, writes, zeroes and block status.
//!
//! # Why
//! QEMU knows every image format and its dirty bitmaps; NBD is how it hands them out. Of the
//! crates that speak NBD none has structured replies with block status and blocks the caller. The
//! protocol is that of the NBD project's `doc/proto.md`; constants here bear its names.
//!
//! # Invariants
//! - No length from the server is allocated before it was compared with a limit.
//! - After an answer that broke the protocol the connection is never used again: the stream may
//!   stand in the middle of a message.
//!
//! # Concurrency and crash
//! One [`Client`] serves one request at a time; a pool spreads threads over several. A server
//! that goes away fails the call, and every later call.
//!
//! # Not here
//! Who starts the server: `qemu`. TLS and TCP: the servers here are on a Unix socket of their own.

mod client;
mod coverage;
mod error;
mod handshake;
mod pool;
pub mod protocol;

pub(crate) use client::push_extent;
pub use client::{Client, drive};
pub use error::NbdError;
pub use handshake::{Export, negotiate};
pub(crate) use pool::Pool;
