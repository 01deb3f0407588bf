//! The states of a backup.

use crate::state::StateMachine;
use crate::word::words;

words! {
    /// The state of a backup (contract, 3.7 and 5.5).
    BackupStatus in "status" {
        /// Committed; can be restored.
        Available = "available",
        /// Being made.
        Protecting = "protecting",
        /// Being deleted.
        Deleting = "deleting",
        /// Being restored.
        Restoring = "restoring",
        /// Could not be made, or not be deleted.
        Error = "error",
        /// Will be made.
        WaitingProtect = "waiting_protect",
        /// Will be deleted.
        WaitingDelete = "waiting_delete",
        /// Will be restored.
        WaitingRestore = "waiting_restore",
    }
}

impl StateMachine for BackupStatus {
    // A restore that fails or is cancelled leaves the backup as good as it was.
    const TRANSITIONS: &'static [(Self, &'static [Self])] = &[
        (Self::WaitingProtect, &[Self::Protecting, Self::Error]),
        (Self::Protecting, &[Self::Available, Self::Error]),
        (
            Self::Available,
            &[Self::WaitingRestore, Self::Restoring, Self::WaitingDelete, Self::Deleting],
        ),
        (Self::WaitingRestore, &[Self::Restoring, Self::Available]),
        (Self::Restoring, &[Self::Available]),
        (Self::Error, &[Self::WaitingDelete, Self::Deleting]),
        (Self::WaitingDelete, &[Self::Deleting, Self::Error]),
        (Self::Deleting, &[Self::Error]),
    ];
}

impl BackupStatus {
    /// Whether it is not there yet.
    pub const fn is_being_made(self) -> bool {
        matches!(self, Self::WaitingProtect | Self::Protecting)
    }

    /// Whether it is going.
    pub const fn is_being_deleted(self) -> bool {
        matches!(self, Self::WaitingDelete | Self::Deleting)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::check_transitions;

    // proves: MODEL-1
    #[test]
    fn backup_changes_its_state_as_the_contract_says() {
        check_transitions(
            BackupStatus::ALL,
            &[
                "available: deleting restoring waiting_delete waiting_restore",
                "protecting: available error",
                "deleting: error",
                "restoring: available",
                "error: deleting waiting_delete",
                "waiting_protect: protecting error",
                "waiting_delete: deleting error",
                "waiting_restore: available restoring",
            ],
        );
    }

    proptest! {
        // proves: MODEL-2
        #[test]
        fn backup_that_failed_or_is_being_deleted_never_becomes_available(
            wishes in prop::collection::vec(prop::sample::select(BackupStatus::ALL), 0..40),
        ) {
            let mut status = BackupStatus::WaitingProtect;
            let mut is_lost = false;
            for wish in wishes {
                status = status.advance(wish).unwrap_or(status);
                is_lost |= status == BackupStatus::Error || status.is_being_deleted();
                prop_assert!(!is_lost || status == BackupStatus::Error || status.is_being_deleted());
            }
        }
    }
}
