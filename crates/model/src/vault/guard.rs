//! What may be done to a vault now.

use strongroom_base::ByteCount;

use super::{ProtectType, Vault, VaultStatus};
use crate::refusal::Refusal;

impl Vault {
    /// Whether the vault may be deleted, with all that is in it (R20, R24, R31). `is_busy`: a backup
    /// or restore is waiting or running in it. `has_unexpired`: it has automatic backups that have
    /// not expired.
    pub fn may_delete(&self, is_busy: bool, has_unexpired: bool) -> Result<(), Refusal> {
        match self.status {
            VaultStatus::Available | VaultStatus::Error | VaultStatus::Frozen => {}
            status => return Err(Refusal::VaultStatusForbids { status }),
        }
        if self.is_locked && has_unexpired {
            return Err(Refusal::HasLockedBackups);
        }
        if is_busy { Err(Refusal::VaultBusy) } else { Ok(()) }
    }

    /// Whether settings, tags and resources of the vault may change at all (R16, R24).
    pub fn may_change(&self) -> Result<(), Refusal> {
        if self.is_open() {
            Ok(())
        } else {
            Err(Refusal::VaultStatusForbids { status: self.status })
        }
    }

    /// Whether resources may be put into the vault (R23).
    pub fn may_take_resources(&self) -> Result<(), Refusal> {
        self.may_change()?;
        match self.kind.protect() {
            ProtectType::Backup => Ok(()),
            ProtectType::Replication => Err(Refusal::TakesNoResources),
        }
    }

    /// Whether resources may be taken out of the vault, and their backups with them (R28).
    pub fn may_give_up_resources(&self) -> Result<(), Refusal> {
        self.may_change()?;
        if self.is_locked { Err(Refusal::VaultLocked) } else { Ok(()) }
    }

    /// Whether a backup may be made in the vault, of which `used` bytes are used (R18, R23, R69). A
    /// vault that grows by itself is never full.
    pub fn may_back_up(&self, used: ByteCount) -> Result<(), Refusal> {
        if self.kind.protect() == ProtectType::Replication {
            return Err(Refusal::VaultTypeForbidsBackup);
        }
        if !self.is_open() {
            return Err(Refusal::VaultStatusForbidsBackup { status: self.status });
        }
        let is_full = self.size.is_full(used) && !self.is_auto_expand;
        if is_full { Err(Refusal::VaultFull) } else { Ok(()) }
    }

    /// Whether something may be restored from the vault (R82). It may be full (R18).
    pub fn may_restore(&self) -> Result<(), Refusal> {
        if self.is_open() {
            Ok(())
        } else {
            Err(Refusal::VaultStatusForbidsRestore { status: self.status })
        }
    }

    /// Whether a notice is due when the used bytes go from `before` to `after`: once for each time
    /// that the threshold is crossed upwards (R25).
    pub fn is_notice_due(&self, before: ByteCount, after: ByteCount) -> bool {
        let is_above = |used| self.threshold.is_exceeded(used, self.size);
        self.has_notices && is_above(after) && !is_above(before)
    }

    /// Available, or changing its size, which stands in nobody's way (R16).
    fn is_open(&self) -> bool {
        matches!(self.status, VaultStatus::Available | VaultStatus::Lock)
    }
}
