//! The states of a vault.

use crate::state::StateMachine;
use crate::word::words;

words! {
    /// The state of a vault (contract, 5.2 and 5.5).
    VaultStatus in "status" {
        /// Ready.
        Available = "available",
        /// Its size is being changed. Not the lock of its backups, which is no state.
        Lock = "lock",
        /// Its account does not pay: looked at and deleted, nothing else (R24).
        Frozen = "frozen",
        /// Going, with its backups.
        Deleting = "deleting",
        /// Could not be deleted.
        Error = "error",
    }
}

impl StateMachine for VaultStatus {
    const TRANSITIONS: &'static [(Self, &'static [Self])] = &[
        (Self::Available, &[Self::Lock, Self::Frozen, Self::Deleting]),
        (Self::Lock, &[Self::Available]),
        (Self::Frozen, &[Self::Available, Self::Deleting]),
        (Self::Deleting, &[Self::Error]),
        (Self::Error, &[Self::Deleting]),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::check_transitions;

    // proves: MODEL-1
    #[test]
    fn vault_changes_its_state_as_the_contract_says() {
        check_transitions(
            VaultStatus::ALL,
            &[
                "available: lock frozen deleting",
                "lock: available",
                "frozen: available deleting",
                "deleting: error",
                "error: deleting",
            ],
        );
    }
}
