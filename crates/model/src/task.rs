//! Tasks: work that a user can see going on.
//!
//! # Why
//! Clients poll tasks and know six states that only go forward. The service has more: a task that
//! is being cancelled or undone is still running for a client, one whose undoing failed has failed.
//! [`TaskStatus::shown`] is the one place that says so.
//!
//! # Invariants
//! - MODEL-3: what clients see of a task goes forward and ends once.
//!
//! # Not here
//! How a task is run, and who runs it.

mod status;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;

pub use status::{ShownStatus, TaskStatus};

use crate::backup::BackupName;
use crate::field::FieldError;
use crate::id::{BackupId, CheckpointId, ProjectId, ResourceId, TaskId, VaultId};
use crate::name::Name;
use crate::resource::{ResourceName, ResourceType};
use crate::vault::ObjectType;
use crate::word::words;

words! {
    /// What a task does (contract, 5.2).
    TaskKind in "operation_type" {
        /// Makes the backup of one resource.
        Backup = "backup",
        /// Writes a backup to a resource.
        Restore = "restore",
        /// Deletes one backup.
        Delete = "delete",
        /// Copies a backup to another vault.
        Replication = "replication",
        /// Deletes a vault with its backups.
        VaultDelete = "vault_delete",
        /// Takes resources out of a vault, and deletes their backups.
        RemoveResource = "remove_resource",
        /// Takes over backups that are in the store. Known to lists alone.
        Sync = "sync",
        /// Reads back what is stored. Ours, not the contract's.
        Verify = "verify",
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// What it does.
    pub kind: TaskKind,
    /// Its state.
    pub status: TaskStatus,
    /// How far it is.
    pub progress: Percent,
    /// Bytes that it has gone through.
    pub bytes_done: u64,
    /// Bytes that it will go through in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Why it failed or was skipped.
    pub failure: Option<TaskFailure>,
    /// The request that asked for it.
    pub request_id: String,
    /// For which type of resource it works.
    pub object: ObjectType,
    /// The vault. Kept by name too: tasks outlive their vault (R22).
    pub vault_id: VaultId,
    /// The vault's name when the task was made.
    pub vault_name: Name,
    /// The run that it belongs to.
    pub checkpoint_id: Option<CheckpointId>,
    /// What it works on, shown to users.
    pub details: TaskDetails,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// When somebody first took it up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Why a task failed or was skipped, as clients are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFailure {
    /// A number of the contract (section 6.2), or a word of ours.
    pub code: String,
    /// A sentence without paths and other inner things.
    pub message: String,
}

/// What a task works on, as far as it has such things.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskDetails {
    /// The resource that is backed up, or restored to.
    pub resource: Option<TaskResource>,
    /// The backup that is made, restored or deleted.
    pub backup: Option<TaskBackup>,
    /// Resources that are taken out of a vault.
    pub removed: Vec<TaskResource>,
    /// How many backups are to be deleted, and how many could not be.
    pub deletions: Option<Deletions>,
    /// Something that users should know about it.
    pub note: Option<String>,
}

/// A resource, by the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResource {
    /// Its id.
    pub id: ResourceId,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: ResourceName,
}

/// A backup, by the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskBackup {
    /// Its id.
    pub id: BackupId,
    /// Its name.
    pub name: BackupName,
}

/// What became of many deletions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletions {
    /// How many there are.
    pub total: u64,
    /// How many failed.
    pub failed: u64,
}

/// A whole number from 0 to 100.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(into = "u8", try_from = "i64")]
pub struct Percent(u8);

impl Percent {
    /// All of it.
    pub const WHOLE: Self = Self(100);

    /// Checks a number, as the field `progress`.
    pub fn new(percent: i64) -> Result<Self, FieldError> {
        let fits = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
        fits.map(Self).ok_or(FieldError::new("progress", "0 to 100"))
    }

    /// How much `done` is of `all`, rounded down; more than all counts as all.
    pub fn of(done: u64, all: u64) -> Self {
        let percent = (u128::from(done) * 100).checked_div(u128::from(all)).unwrap_or(0);
        u8::try_from(percent.min(100)).map_or(Self::WHOLE, Self)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl TryFrom<i64> for Percent {
    type Error = FieldError;
    fn try_from(percent: i64) -> Result<Self, FieldError> {
        Self::new(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_rounded_down_and_has_an_end() {
        let check = |done, all, expected| assert_eq!(Percent::of(done, all).get(), expected);
        check(0, 0, 0);
        check(5, 0, 0);
        check(999, 1000, 99);
        check(1000, 1000, 100);
        check(u64::MAX, 1, 100);
        check(u64::MAX - 1, u64::MAX, 99);
        assert!(Percent::new(101).is_err());
        assert!(Percent::new(-1).is_err());
        assert_eq!(Percent::new(100), Ok(Percent::WHOLE));
    }

    #[test]
    fn details_that_are_absent_in_a_document_are_none() {
        assert_eq!(serde_json::from_str::<TaskDetails>("{}").unwrap(), TaskDetails::default());
    }
}
