//! The service as its clients see it: which cloud, signing in, requests, names, waiting.
//!
//! # Why
//! Commands about vaults and backups go through the public interface like every other client, so
//! that they can do nothing that others cannot. Answers stay JSON as the service gave it: scripts
//! read the same words here and there.
//!
//! # Invariants
//! - A token goes to the service's own address only: redirects are not followed.
//! - A request that was answered with 401 is sent once more, with a new token.
//!
//! # Not here
//! What commands print: `cmd`. Disks that are downloaded: `export`.

mod cloud;
mod clouds_file;
mod environment;
mod error;
mod identity;
mod lookup;
mod outcome;
mod page;
mod request;
mod session;
mod task_watch;
mod wire_value;

pub(crate) use cloud::Cloud;
pub(crate) use environment::Environment;
pub(crate) use error::{ClientError, Refusal};
pub(crate) use lookup::{Noun, find, find_child, find_member, seek};
pub(crate) use outcome::check_outcomes;
pub(crate) use request::{Area, Request};
pub(crate) use session::Session;
pub(crate) use task_watch::{wait, wait_until_gone};
pub(crate) use wire_value::{date, gib, items, mib, number, or_dash, short_id, text};
