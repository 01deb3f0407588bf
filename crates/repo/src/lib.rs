//! The repository engine: turns "this disk now" into objects in a store, and back.
//!
//! # Why
//! Backups must outlive every process that made them and every process that deletes others. The
//! engine therefore keeps nothing but objects in a store: sealed, named by content where they are
//! data, decided by one conditional create where they are decisions.
//!
//! # Invariants
//! docs/invariants.md lists REPO-1 and following with the test that proves each.
//!
//! # Not here
//! Disks and files, and whoever owns a repository: the engine knows an id.

mod buffer;
mod buried;
mod catalog;
pub mod compute;
mod condemned;
mod control;
mod crypto;
mod damaged;
mod diff;
mod error;
mod format;
mod gc;
#[cfg(test)]
mod golden;
mod grave;
mod hold;
mod index;
pub mod journal;
mod key;
mod manifest;
mod memory;
pub mod object;
mod pack;
mod repository;
mod restore;
pub mod rules;
mod session;
mod stage;
mod stat;
#[cfg(feature = "testing")]
pub mod testing;
mod verify;
mod walk;
mod wire;

pub use catalog::{BackupEntry, Catalog};
pub use crypto::UnitId;
pub use diff::DiskDiff;
pub use error::ReadError;
pub use format::{FORMAT_VERSION, Sharing};
pub use gc::{CollectError, CollectOptions, CollectReport, Left};
pub use grave::GraveError;
pub use hold::Hold;
pub use key::PackId;
pub use manifest::map::UNIT_LEN;
pub use manifest::{BackupCost, DiskRecord, Manifest};
pub use memory::{MemoryBudget, return_large_buffers};
pub use pack::frame::DEFAULT_LEVEL;
pub use repository::{Env, OpenError, Repository, identify};
pub use restore::{DiskPiece, ReadSession, RestoreError};
pub use session::SessionKind;
pub use session::liveness::{AgeLiveness, Liveness};
pub use session::writer::{BackupError, DiskInput, NewBackup};
pub use stat::Stat;
pub use verify::{
    AffectedBackup, DamagedObject, VerifyError, VerifyLevel, VerifyOptions, VerifyReport,
};
