//! The contract's numbers for refusals (section 6.2).
//!
//! They stand here because tasks and skipped resources keep them; the statuses of answers are known
//! to the layer that answers.

use std::fmt;

use strongroom_model::Refusal;

use crate::error::Noun;

/// A code `BackupService.NNNN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupService.{:04}", self.0)
    }
}

/// The code of a refusal.
pub fn code_of(refusal: &Refusal) -> Code {
    use Refusal as R;
    Code(match refusal {
        R::Field(_) => 9900,
        R::NothingToBackUp => 1,
        R::TargetTooSmall { .. } => 2001,
        R::TargetBeingBackedUp { .. } => 2002,
        R::TargetNotSource { .. } => 2003,
        R::BackupNotAvailable => 2005,
        R::ServerDeleted { .. } => 2007,
        R::ServerNotRestorable { .. } => 2008,
        R::TypeNotRestorable => 2009,
        R::TargetBeingRestored { .. } => 2010,
        R::DiskNotDetached { .. } => 2011,
        R::MappedDiskNotAllowed { .. } => 2012,
        R::DataToSystemDisk { .. } => 2013,
        R::TooManyResources => 6100,
        R::SizeInvalid => 6101,
        R::ResourceTypeMismatch { .. } => 6102,
        R::BoundElsewhere { .. } => 6103,
        R::NamedTwice { .. } => 6104,
        R::TakesNoResources => 6108,
        R::Prepaid => 6109,
        R::Unlocking | R::VaultLocked => 6110,
        R::HasLockedBackups => 6111,
        R::VaultStatusForbids { .. } => 6112,
        R::VaultStatusForbidsBackup { .. } => 6113,
        R::VaultFull => 6114,
        R::ProtectTypeUnsupported => 6116,
        R::SizeChanging => 6123,
        R::VaultTypeForbidsBackup => 6124,
        R::VaultBusy | R::ResourceBusy { .. } => 6125,
        R::ResourceBeingRemoved { .. } => 6134,
        R::NotInVault { .. } => 6135,
        R::BackupNotDeletable => 6201,
        R::VaultStatusForbidsRestore { .. } => 6202,
        R::ResourceNotProtectable { .. } => 6215,
        R::BackupInUse => 6216,
        R::BackupLocked => 6220,
        R::TooManyTags => 6600,
        R::TagAbsent => 6601,
        R::DiskNotProtectable { .. } => 7003,
        R::DiskBoundHere { .. } => 7006,
        R::ServerNotProtectable { .. } => 7101,
        R::ServerWithoutDisks { .. } => 7108,
    })
}

/// The code for something that is not there.
pub fn code_of_absent(noun: Noun) -> Code {
    Code(match noun {
        Noun::Policy => 6000,
        Noun::Vault => 6105,
        Noun::Backup => 6200,
        Noun::Checkpoint => 6217,
        Noun::Task => 6500,
        Noun::Disk => 7000,
        Noun::Server => 7100,
        Noun::Resource | Noun::Project | Noun::Domain | Noun::User | Noun::Token => 6302,
    })
}
