//! Checkpoints: the backups that one run of a vault made.
//!
//! # Why
//! A checkpoint has no state of its own: it is what its backups make of it. A state in its row
//! could contradict them after a crash.

mod choice;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;

pub use choice::{Choice, Skipped, choose};

use crate::backup::{BackupName, BackupStatus};
use crate::description::Description;
use crate::id::{CheckpointId, ProjectId, ResourceId, VaultId};
use crate::name::Name;
use crate::resource::{ResourceName, ResourceType, ResourceUse};
use crate::word::words;

words! {
    /// The state of a checkpoint, as clients wait for it (contract, 3.8). They know `deleted` and
    /// `error-deleting` too; here such a checkpoint is gone, or in error.
    CheckpointStatus in "status" {
        /// Backups are being made.
        Protecting = "protecting",
        /// All that are there are available.
        Available = "available",
        /// All that are there are being deleted.
        Deleting = "deleting",
        /// One of them failed.
        Error = "error",
    }
}

impl CheckpointStatus {
    /// The state of a checkpoint whose backups are in these states; none when it has none left:
    /// then there is no such checkpoint (R75).
    pub fn of(backups: &[BackupStatus]) -> Option<Self> {
        if backups.is_empty() {
            return None;
        }
        Some(if backups.iter().any(|backup| backup.is_being_made()) {
            Self::Protecting
        } else if backups.contains(&BackupStatus::Error) {
            Self::Error
        } else if backups.iter().all(|backup| backup.is_being_deleted()) {
            Self::Deleting
        } else {
            Self::Available
        })
    }
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its id.
    pub id: CheckpointId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// The vault whose run it was.
    pub vault_id: VaultId,
    /// The run's name.
    pub name: BackupName,
    /// What its maker says about it.
    pub description: Description,
    /// A policy made it.
    pub is_automatic: bool,
    /// After how many days its backups expire; never without (R77).
    pub retention_days: Option<u32>,
    /// Resources of the vault that the run left out, and why.
    pub skipped: Vec<LeftOut>,
    /// When the run was asked for.
    pub created_at: Timestamp,
}

/// A resource that a run left out, as clients are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The resource.
    pub id: ResourceId,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its name.
    pub name: ResourceName,
    /// A number of the contract (section 6.2).
    pub code: String,
    /// A sentence that says why.
    pub reason: String,
}

/// A checkpoint with what clients see beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointView {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// What its backups make of it.
    pub status: CheckpointStatus,
    /// The name of its vault.
    pub vault_name: Name,
    /// The resources that it has backups of, as the vault has them now.
    pub resources: Vec<ResourceUse>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn status_is_what_the_backups_make_of_it() {
        use BackupStatus as B;
        use CheckpointStatus as C;

        let check = |backups: &[BackupStatus], expected: Option<CheckpointStatus>| {
            assert_eq!(CheckpointStatus::of(backups), expected, "{backups:?}");
        };
        check(&[], None);
        check(&[B::WaitingProtect, B::Available], Some(C::Protecting));
        check(&[B::Protecting, B::Error], Some(C::Protecting));
        check(&[B::Available, B::Available], Some(C::Available));
        check(&[B::Available, B::Error], Some(C::Error));
        check(&[B::Restoring, B::WaitingRestore], Some(C::Available));
        check(&[B::Deleting, B::Available], Some(C::Available));
        check(&[B::Deleting, B::WaitingDelete], Some(C::Deleting));
    }

    proptest! {
        #[test]
        fn checkpoint_is_available_only_when_nothing_is_missing(
            backups in prop::collection::vec(prop::sample::select(BackupStatus::ALL), 0..6),
        ) {
            let is_available = CheckpointStatus::of(&backups) == Some(CheckpointStatus::Available);
            let is_bad = |backup: &BackupStatus| backup.is_being_made() || *backup == BackupStatus::Error;
            prop_assert!(!is_available || !backups.iter().any(is_bad));
        }

        #[test]
        fn order_of_the_backups_does_not_matter(
            backups in prop::collection::vec(prop::sample::select(BackupStatus::ALL), 0..6),
        ) {
            let reversed: Vec<_> = backups.iter().rev().copied().collect();
            prop_assert_eq!(CheckpointStatus::of(&backups), CheckpointStatus::of(&reversed));
        }
    }
}
