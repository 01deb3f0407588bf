//! Disks, as the block storage service shows them.

use std::collections::BTreeMap;

use strongroom_base::{ByteCount, Timestamp};

use crate::description::Description;
use crate::id::{ProjectId, ResourceId, UserId};
use crate::resource::ResourceName;
use crate::word::words;
use crate::zone::AvailabilityZone;

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

words! {
    /// How a disk's bytes are kept on its host.
    DiskImageFormat in "format" {
        /// Bytes one after another in a file.
        Raw = "raw",
        /// A QEMU image.
        Qcow2 = "qcow2",
        /// A block device.
        Block = "block",
    }
}

/// A disk that is known by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its id.
    pub id: ResourceId,
    /// The project that may protect it.
    pub project_id: ProjectId,
    /// Who made it known.
    pub user_id: UserId,
    /// Its name.
    pub name: ResourceName,
    /// What its maker says about it.
    pub description: Description,
    /// Its state.
    pub status: DiskStatus,
    /// How many bytes a guest sees.
    pub size: ByteCount,
    /// How they are kept.
    pub format: DiskImageFormat,
    /// Where, on the host.
    pub path: String,
    /// The server that it belongs to.
    pub attachment: Option<Attachment>,
    /// We made its file, so that deleting the disk deletes the file.
    pub is_managed: bool,
    /// A word that its maker gave; nothing follows from it.
    pub volume_type: String,
    /// Where it is.
    pub zone: Option<AvailabilityZone>,
    /// What its maker keeps with it.
    pub metadata: BTreeMap<String, String>,
    /// Its maker says that several servers may share it.
    pub is_multiattach: bool,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a disk belongs to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    /// The server.
    pub server: ResourceId,
    /// 0 for its first disk.
    pub position: u32,
    /// It boots from it.
    pub is_system: bool,
}

impl Disk {
    /// Its size in whole gigabytes, rounded up.
    pub fn size_gigabytes(&self) -> u64 {
        self.size.0.div_ceil(1 << 30)
    }
}

impl DiskStatus {
    /// Whether a disk in this state can be put into a vault and backed up (R33).
    pub const fn can_be_protected(self) -> bool {
        matches!(self, Self::Available | Self::InUse)
    }

    /// Whether a disk in this state can be deleted (EVS-11); what died while it was deleted can be
    /// deleted again, and what died while it was made can be deleted too.
    pub const fn can_be_deleted(self) -> bool {
        matches!(
            self,
            Self::Creating
                | Self::Available
                | Self::Error
                | Self::ErrorExtending
                | Self::ErrorRestoring
                | Self::ErrorDeleting
                | Self::Deleting
        )
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
