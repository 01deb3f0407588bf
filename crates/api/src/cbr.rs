//! CBR v3: vaults, backups and the tasks on them.
//!
//! One file per noun, one function per operation; [`routes`] is the only list. The forms of requests
//! and answers stand in [`wire`], what goes wrong in [`errors`].

mod backups;
mod checkpoints;
mod errors;
mod protectables;
mod resources;
mod restores;
mod routes;
mod tags;
mod tasks;
mod vaults;
mod versions;
pub(crate) mod wire;

pub(crate) use errors::tell;
pub(crate) use routes::{ROUTES, is_yet_to_come};
