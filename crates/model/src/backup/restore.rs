//! Whether a backup may be restored to a server or disk, and what is written where.

use std::collections::BTreeSet;

use super::{Backup, BackupStatus, ImageType};
use crate::disk::DiskStatus;
use crate::field::FieldError;
use crate::id::{BackupId, ResourceId};
use crate::refusal::Refusal;
use crate::resource::ResourceType;
use crate::server::ServerStatus;
use crate::vault::Vault;

/// What the service is doing with a server or disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// Backing it up.
    BackingUp,
    /// Restoring it.
    Restoring,
}

/// A disk that shall be overwritten, as its provider shows it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetDisk {
    /// Its id.
    pub id: ResourceId,
    /// Its size, in gigabytes.
    pub size_gigabytes: u64,
    /// Its state.
    pub status: DiskStatus,
    /// Whether a server starts from it.
    pub is_system: bool,
    /// What is being done with it.
    pub activity: Activity,
}

/// A server whose disks shall be overwritten, as its provider shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetServer {
    /// Its id.
    pub id: ResourceId,
    /// Its state.
    pub status: ServerStatus,
    /// Its disks.
    pub disks: Vec<TargetDisk>,
    /// What is being done with it.
    pub activity: Activity,
}

/// Which disk gets the content of which disk's backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// A child of the server's backup.
    pub backup: BackupId,
    /// A disk of the server.
    pub disk: ResourceId,
}

const MAPPINGS: FieldError = FieldError::new(
    "mappings",
    "a list of disk backups of this server's backup and disks, neither of them named twice",
);

impl Backup {
    /// Whether this disk's backup may be written over `target` (R82, R83, R86).
    pub fn may_restore_to_disk(&self, vault: &Vault, target: &TargetDisk) -> Result<(), Refusal> {
        self.check_restorable(vault, ResourceType::Disk)?;
        if target.id != self.source.id {
            return Err(Refusal::TargetNotSource { target: target.id });
        }
        target.activity.check(target.id)?;
        if !target.status.can_be_restored() {
            return Err(Refusal::DiskNotDetached { disk: target.id });
        }
        self.check_fits(target)
    }

    /// Whether this server's backup, which has `children`, may be written over the disks of `target`
    /// as `asked` says (R82, R84, R86). Gives what is written where: without `asked`, each disk's
    /// backup to the disk it is of, if the server still has that (R87).
    pub fn may_restore_to_server(
        &self,
        vault: &Vault,
        children: &[Self],
        target: &TargetServer,
        asked: &[Mapping],
    ) -> Result<Vec<Mapping>, Refusal> {
        self.check_restorable(vault, ResourceType::Server)?;
        if target.id != self.source.id {
            return Err(Refusal::TargetNotSource { target: target.id });
        }
        check_server(target)?;
        let mappings = if asked.is_empty() {
            to_sources(children, target)
        } else {
            check_named_once(asked)?;
            asked.to_vec()
        };
        if mappings.is_empty() {
            // None of the disks is left: then the server is not what was backed up.
            return Err(Refusal::TargetNotSource { target: target.id });
        }
        for mapping in &mappings {
            let child = children.iter().find(|child| child.id == mapping.backup);
            child.ok_or(MAPPINGS)?.check_mapped(mapping.disk, target)?;
        }
        Ok(mappings)
    }

    fn check_restorable(&self, vault: &Vault, resource_type: ResourceType) -> Result<(), Refusal> {
        vault.may_restore()?;
        if self.status != BackupStatus::Available || self.image_type != ImageType::Backup {
            return Err(Refusal::BackupNotAvailable);
        }
        if self.source.resource_type != resource_type {
            return Err(Refusal::TypeNotRestorable);
        }
        Ok(())
    }

    fn check_mapped(&self, disk: ResourceId, server: &TargetServer) -> Result<(), Refusal> {
        let target = server.disks.iter().find(|target| target.id == disk);
        let target = target.ok_or(Refusal::MappedDiskNotAllowed { disk })?;
        target.activity.check(disk)?;
        if target.is_system && !self.is_system_disk {
            return Err(Refusal::DataToSystemDisk { disk });
        }
        self.check_fits(target)
    }

    fn check_fits(&self, target: &TargetDisk) -> Result<(), Refusal> {
        if target.size_gigabytes < self.source.size_gigabytes {
            Err(Refusal::TargetTooSmall { disk: target.id })
        } else {
            Ok(())
        }
    }
}

impl Activity {
    fn check(self, target: ResourceId) -> Result<(), Refusal> {
        match self {
            Self::Idle => Ok(()),
            Self::BackingUp => Err(Refusal::TargetBeingBackedUp { target }),
            Self::Restoring => Err(Refusal::TargetBeingRestored { target }),
        }
    }
}

fn check_server(server: &TargetServer) -> Result<(), Refusal> {
    match server.status {
        ServerStatus::Active | ServerStatus::Shutoff => server.activity.check(server.id),
        ServerStatus::Deleted => Err(Refusal::ServerDeleted { server: server.id }),
        _ => Err(Refusal::ServerNotRestorable { server: server.id }),
    }
}

/// Each disk's backup to the disk it is of, where the server still has it.
fn to_sources(children: &[Backup], target: &TargetServer) -> Vec<Mapping> {
    let is_there = |disk| target.disks.iter().any(|target| target.id == disk);
    children
        .iter()
        .map(|child| Mapping { backup: child.id, disk: child.source.id })
        .filter(|mapping| is_there(mapping.disk))
        .collect()
}

fn check_named_once(mappings: &[Mapping]) -> Result<(), FieldError> {
    let backups: BTreeSet<_> = mappings.iter().map(|mapping| mapping.backup).collect();
    let disks: BTreeSet<_> = mappings.iter().map(|mapping| mapping.disk).collect();
    if backups.len() == mappings.len() && disks.len() == mappings.len() {
        Ok(())
    } else {
        Err(MAPPINGS)
    }
}

#[cfg(test)]
mod tests;
