//! The HTTP interface: the CBR v3 API and its neighbours, over the control services.
//!
//! # Why
//! The wire is somebody else's contract; its words, quirks and signatures end in this crate. A
//! handler reads a request, calls one method of the control services, and writes the answer.
//!
//! ```text
//! connection -> mount -> route -> body -> caller -> handler -> answer, or failure in a surface's words
//! ```
//!
//! # Invariants
//! API-1 to API-4 (signatures), kept by [`signature`]; API-5 and following, docs/invariants.md.
//!
//! # Not here
//! Who may do what, and every secret: those belong to the control services. TLS: the binary's.

mod answer;
mod auth;
mod body;
mod call;
mod cbr;
mod config;
mod document;
mod ecs;
mod evs;
mod failure;
mod form;
mod health;
mod iam;
mod ims;
mod invalid;
mod json;
mod percent;
mod query;
mod range;
mod route;
mod router;
mod schema;
mod server;
mod strongroom;
mod surface;
mod table;
#[cfg(test)]
mod testing;
mod tls;

pub mod error_body;
pub mod mount;
pub mod openapi;
pub mod signature;
pub mod time;

pub use config::{ApiConfig, Readiness};
pub use route::Route;
pub use router::router;
pub use server::{Security, serve};
pub use surface::Surface;
pub use table::routes;
pub use tls::{TlsConfig, TlsError};
