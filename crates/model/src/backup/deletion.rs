//! Whether a backup may be deleted by hand.

use strongroom_base::Timestamp;

use super::{Backup, BackupStatus};
use crate::refusal::Refusal;
use crate::vault::{Vault, VaultStatus};

/// What is known around a backup that shall be deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeletionFacts {
    /// It is the newest of its resource, and another one is being made, which builds on it.
    pub is_base_of_running: bool,
    /// It is being exported, shared or copied, or a disk is being made from it.
    pub is_in_use: bool,
}

impl Backup {
    /// Whether it may be deleted at `now` (R21, R29, R70, R74). Expiry does not ask this.
    pub fn may_delete(
        &self,
        vault: &Vault,
        facts: DeletionFacts,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let is_whole = self.parent_id.is_none();
        if !is_whole || vault.status == VaultStatus::Deleting {
            return Err(Refusal::BackupNotDeletable);
        }
        match self.status {
            BackupStatus::Available | BackupStatus::Error => {}
            BackupStatus::WaitingRestore | BackupStatus::Restoring => {
                return Err(Refusal::BackupInUse);
            }
            _ => return Err(Refusal::BackupNotDeletable),
        }
        if vault.is_locked && self.is_kept_by_lock(now) {
            return Err(Refusal::BackupLocked);
        }
        if facts.is_in_use {
            return Err(Refusal::BackupInUse);
        }
        if facts.is_base_of_running { Err(Refusal::BackupNotDeletable) } else { Ok(()) }
    }

    /// Whether a locked vault keeps it at `now`: it is automatic, holds something, and has not
    /// expired (R29, R31).
    pub fn is_kept_by_lock(&self, now: Timestamp) -> bool {
        let has_expired = self.expires_at.is_some_and(|at| at <= now);
        self.is_automatic && self.status != BackupStatus::Error && !has_expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::tests::backup;
    use crate::id::BackupId;
    use crate::vault::tests::vault;

    const NOW: Timestamp = Timestamp(100);

    #[test]
    fn state_decides_whether_a_backup_may_be_deleted() {
        let check = |status: BackupStatus, expected| {
            let backup = Backup { status, ..backup() };
            assert_eq!(backup.may_delete(&vault(), DeletionFacts::default(), NOW), expected);
        };
        check(BackupStatus::Available, Ok(()));
        check(BackupStatus::Error, Ok(()));
        check(BackupStatus::Protecting, Err(Refusal::BackupNotDeletable));
        check(BackupStatus::WaitingProtect, Err(Refusal::BackupNotDeletable));
        check(BackupStatus::Deleting, Err(Refusal::BackupNotDeletable));
        check(BackupStatus::WaitingDelete, Err(Refusal::BackupNotDeletable));
        check(BackupStatus::Restoring, Err(Refusal::BackupInUse));
        check(BackupStatus::WaitingRestore, Err(Refusal::BackupInUse));
    }

    #[test]
    fn what_is_around_it_decides_too() {
        let check = |backup: Backup, status: VaultStatus, facts: DeletionFacts, expected| {
            let vault = Vault { status, ..vault() };
            assert_eq!(backup.may_delete(&vault, facts, NOW), expected);
        };
        let none = DeletionFacts::default();
        let available = VaultStatus::Available;
        let child = Backup { parent_id: Some(BackupId([9; 16])), ..backup() };
        check(child, available, none, Err(Refusal::BackupNotDeletable));
        check(backup(), VaultStatus::Deleting, none, Err(Refusal::BackupNotDeletable));
        let facts = DeletionFacts { is_base_of_running: true, ..none };
        check(backup(), available, facts, Err(Refusal::BackupNotDeletable));
        let facts = DeletionFacts { is_in_use: true, ..none };
        check(backup(), available, facts, Err(Refusal::BackupInUse));
    }

    // proves: MODEL-4
    #[test]
    fn locked_vault_keeps_automatic_backups_until_they_expire() {
        let check = |is_locked, is_automatic, expires_at: Option<u64>, expected| {
            let vault = Vault { is_locked, ..vault() };
            let expires_at = expires_at.map(Timestamp);
            let backup = Backup { is_automatic, expires_at, ..backup() };
            assert_eq!(backup.may_delete(&vault, DeletionFacts::default(), NOW), expected);
        };
        check(true, true, None, Err(Refusal::BackupLocked));
        check(true, true, Some(101), Err(Refusal::BackupLocked));
        check(true, true, Some(100), Ok(()));
        check(true, false, None, Ok(()));
        check(false, true, None, Ok(()));
        let failed = Backup { is_automatic: true, status: BackupStatus::Error, ..backup() };
        assert!(!failed.is_kept_by_lock(NOW));
    }
}
