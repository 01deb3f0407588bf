//! The services: what callers may ask for, decided and carried out.
//!
//! # Why
//! One operation is one method of [`Service`]: it authorises its caller, asks the model's rules with
//! facts that it reads in the transaction that writes, and writes effect, task and audit record in
//! that one transaction. Bytes move later, in the workflows, which any worker may go on with.
//!
//! # Invariants
//! CTL-1 and following, docs/invariants.md.
//!
//! # Concurrency and crash
//! Requests that change one vault take its row first, so they come one after the other. Nothing
//! outside of the database happens in a request; what a task does is repeated until it is done.
//!
//! # Not here
//! Requests and answers as clients see them; tables; the engine.

mod audit;
mod caller;
pub mod cbr;
mod disk_usage;
mod engine;
mod error;
pub mod evs;
pub mod export;
pub mod host;
pub mod iam;
mod journal;
mod operation;
mod outcomes;
pub mod reconcile;
mod recover;
mod service;
mod settings;
mod worker;
mod workflow;

pub use caller::{Caller, OpContext};
pub use engine::{Repositories, RepositoriesParts, RepositoryError, is_journaled};
pub use error::{Error, Noun};
pub use journal::{CatalogueError, CatalogueJournal, JournalReport};
pub use recover::{RecoverParts, RecoverReport, Unreadable, recover};
pub use service::{Parts, Service};
pub use settings::Settings;
