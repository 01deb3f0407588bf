//! Whether a backup's disk may be read by a user, and as what.

use super::{Backup, BackupStatus};
use crate::field::FieldError;
use crate::refusal::Refusal;
use crate::resource::ResourceType;
use crate::word::words;

words! {
    /// What a disk is exported as.
    ExportFormat in "format" {
        /// Its bytes.
        Raw = "raw",
        /// An image for QEMU.
        Qcow2 = "qcow2",
    }
}

impl Backup {
    /// Whether it can be exported: it is of one disk, and there.
    pub fn may_export(&self) -> Result<(), Refusal> {
        if self.source.resource_type != ResourceType::Disk {
            return Err(FieldError::new(
                "backup_id",
                "the backup of a disk, or a child of this one",
            )
            .into());
        }
        match self.status {
            BackupStatus::Available | BackupStatus::WaitingRestore | BackupStatus::Restoring => {
                Ok(())
            }
            _ => Err(Refusal::BackupNotAvailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::tests::backup;

    #[test]
    fn backup_of_a_disk_is_exported_while_it_is_there() {
        for status in BackupStatus::ALL {
            let backup = Backup { status: *status, ..backup() };
            let is_there = matches!(
                status,
                BackupStatus::Available | BackupStatus::WaitingRestore | BackupStatus::Restoring
            );
            let expected = if is_there { Ok(()) } else { Err(Refusal::BackupNotAvailable) };
            assert_eq!(backup.may_export(), expected, "{status}");
        }
    }

    #[test]
    fn backup_of_a_server_is_not_exported_as_one() {
        let mut backup = backup();
        backup.source.resource_type = ResourceType::Server;
        assert!(matches!(backup.may_export(), Err(Refusal::Field(_))));
    }
}
