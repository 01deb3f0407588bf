//! Disks, as the block storage service shows them.

use crate::word::words;

words! {
    /// The state of a disk (related services, 5.3; those that a disk of ours can be in).
    DiskStatus in "status" {
        /// Being made.
        Creating = "creating",
        /// Ready, attached to nothing.
        Available = "available",
        /// Being attached.
        Attaching = "attaching",
        /// Attached to a server.
        InUse = "in-use",
        /// Being detached.
        Detaching = "detaching",
        /// Growing.
        Extending = "extending",
        /// Could not grow.
        ErrorExtending = "error_extending",
        /// Being overwritten by a restore.
        RestoringBackup = "restoring-backup",
        /// A restore failed or was cancelled; what is on it is neither old nor new.
        ErrorRestoring = "error_restoring",
        /// Being deleted.
        Deleting = "deleting",
        /// Could not be deleted.
        ErrorDeleting = "error_deleting",
        /// Out of order.
        Error = "error",
    }
}

impl DiskStatus {
    /// Whether a disk in this state can be put into a vault and backed up (R33).
    pub const fn can_be_protected(self) -> bool {
        matches!(self, Self::Available | Self::InUse)
    }

    /// Whether a disk backup can be written over it (R83): detached. One that a restore left half
    /// written can be restored again; nothing else brings it back.
    pub const fn can_be_restored(self) -> bool {
        matches!(self, Self::Available | Self::ErrorRestoring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_states_of_a_disk_let_it_be_used() {
        let words = |rule: fn(DiskStatus) -> bool| -> Vec<&str> {
            let fit = DiskStatus::ALL.iter().filter(|status| rule(**status));
            fit.map(|status| status.as_str()).collect()
        };
        assert_eq!(words(DiskStatus::can_be_protected), ["available", "in-use"]);
        assert_eq!(words(DiskStatus::can_be_restored), ["available", "error_restoring"]);
    }
}
