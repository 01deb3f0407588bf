//! The HTTP interface: how requests of the CBR v3 API and its neighbours look on the wire.
//!
//! # Why
//! The wire is somebody else's contract; its words, quirks and signatures end in this crate. What
//! stands here so far is pure: bytes and text in, values out, so that it is tested without a server.
//!
//! # Invariants
//! API-1 to API-4 (signatures), kept by [`signature`].
//!
//! # Not here
//! Who may do what, and every secret: those belong to the control services.

pub mod error_body;
pub mod mount;
pub mod signature;
pub mod time;
