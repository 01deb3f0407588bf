//! Why a request that is well formed is refused all the same.
//!
//! # Why
//! Clients know refusals by numbers (contract, section 6.2). The rules speak of reasons; the layer
//! that answers has the table from reason to number, status and text.
//!
//! # Not here
//! Things that do not exist: whoever looks them up decides what that means. Rights:
//! [`crate::permission::Denied`].

use crate::field::FieldError;
use crate::id::{ResourceId, VaultId};
use crate::resource::ResourceType;
use crate::vault::VaultStatus;

/// A refusal. The number after each is the contract's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field's value does not go with the other fields or with the object. 9900.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Nothing is left to back up: the vault is empty, or all was skipped. 0001.
    #[error("no resource is left to back up")]
    NothingToBackUp,
    /// The disk is smaller than what would be restored to it. 2001.
    #[error("disk {disk} is smaller than the backup")]
    TargetTooSmall {
        /// The disk.
        disk: ResourceId,
    },
    /// The target is being backed up. 2002.
    #[error("resource {target} is being backed up")]
    TargetBeingBackedUp {
        /// The server or disk.
        target: ResourceId,
    },
    /// The target is not what was backed up. 2003.
    #[error("resource {target} is not the one that was backed up")]
    TargetNotSource {
        /// The server or disk.
        target: ResourceId,
    },
    /// The backup is not in a state to be restored. 2005.
    #[error("the backup is not available")]
    BackupNotAvailable,
    /// The server was deleted. 2007.
    #[error("server {server} was deleted")]
    ServerDeleted {
        /// The server.
        server: ResourceId,
    },
    /// The server is in a state in which nothing is restored to it. 2008.
    #[error("the state of server {server} does not allow a restore")]
    ServerNotRestorable {
        /// The server.
        server: ResourceId,
    },
    /// Backups of this type are not restored in place. 2009.
    #[error("backups of this type are not restored in place")]
    TypeNotRestorable,
    /// The target is being restored. 2010.
    #[error("resource {target} is being restored")]
    TargetBeingRestored {
        /// The server or disk.
        target: ResourceId,
    },
    /// The disk is attached, or otherwise not free. 2011.
    #[error("disk {disk} is not detached and available")]
    DiskNotDetached {
        /// The disk.
        disk: ResourceId,
    },
    /// The disk of a mapping does not belong to the server. 2012.
    #[error("disk {disk} is not one of the server's disks")]
    MappedDiskNotAllowed {
        /// The disk.
        disk: ResourceId,
    },
    /// A data disk's backup would overwrite a system disk. 2013.
    #[error("disk {disk} is a system disk, the backup is of a data disk")]
    DataToSystemDisk {
        /// The disk.
        disk: ResourceId,
    },
    /// The vault would have more resources than it may. 6100.
    #[error("the vault has too many resources")]
    TooManyResources,
    /// The size is out of range, or below what is used. 6101.
    #[error("the vault's size is out of range or below what is used")]
    SizeInvalid,
    /// The resource is of a type that the vault does not take. 6102.
    #[error("the vault does not take resources of type {resource_type}")]
    ResourceTypeMismatch {
        /// The type.
        resource_type: ResourceType,
    },
    /// The resource is in another vault. 6103.
    #[error("resource {resource} is in another vault")]
    BoundElsewhere {
        /// The resource.
        resource: ResourceId,
        /// The vault it is in; not for the caller, who may not know it.
        vault: VaultId,
    },
    /// The request names a resource twice. 6104.
    #[error("resource {resource} is named twice")]
    NamedTwice {
        /// The resource.
        resource: ResourceId,
    },
    /// The vault takes no resources: it is for replicas. 6108.
    #[error("a replication vault takes no resources")]
    TakesNoResources,
    /// Nothing is sold here, so nothing is prepaid. 6109.
    #[error("prepaid vaults are not offered")]
    Prepaid,
    /// A locked vault is never unlocked. 6110.
    #[error("vault not support to modify locked attribute from true to false.")]
    Unlocking,
    /// What a locked vault has stays in it. 6110.
    #[error("the vault is locked")]
    VaultLocked,
    /// A locked vault has automatic backups that have not expired. 6111.
    #[error("the vault is locked and has backups that have not expired")]
    HasLockedBackups,
    /// The vault's state does not allow it. 6112.
    #[error("not allowed while the vault is {status}")]
    VaultStatusForbids {
        /// The state.
        status: VaultStatus,
    },
    /// The vault's state does not allow a backup. 6113.
    #[error("no backup is made while the vault is {status}")]
    VaultStatusForbidsBackup {
        /// The state.
        status: VaultStatus,
    },
    /// The vault is full and does not grow by itself. 6114.
    #[error("the vault is full")]
    VaultFull,
    /// There are no vaults for this protection of this type of resource. 6116.
    #[error("this type of protection is not supported for this type of resource")]
    ProtectTypeUnsupported,
    /// The vault's size is being changed. 6123.
    #[error("the vault's size is being changed")]
    SizeChanging,
    /// A replication vault makes no backups. 6124.
    #[error("a replication vault makes no backups")]
    VaultTypeForbidsBackup,
    /// A backup or restore is running in the vault. 6125.
    #[error("a task is running in the vault")]
    VaultBusy,
    /// A backup or restore of the resource is running. 6125.
    #[error("a task is running on resource {resource}")]
    ResourceBusy {
        /// The resource.
        resource: ResourceId,
    },
    /// The resource is being removed from the vault. 6134.
    #[error("resource {resource} is being removed from the vault")]
    ResourceBeingRemoved {
        /// The resource.
        resource: ResourceId,
    },
    /// The resource is not in the vault. 6135.
    #[error("resource {resource} is not in the vault")]
    NotInVault {
        /// The resource.
        resource: ResourceId,
    },
    /// The backup cannot be deleted: state, child of a server's backup, vault being deleted, or the
    /// newest while the next is made. 6201.
    #[error("the backup cannot be deleted now")]
    BackupNotDeletable,
    /// Nothing is restored from the vault in its present state. 6202.
    #[error("nothing is restored while the vault is {status}")]
    VaultStatusForbidsRestore {
        /// The state.
        status: VaultStatus,
    },
    /// The resource's state does not allow to protect it. 6215.
    #[error("the state of resource {resource} does not allow a backup")]
    ResourceNotProtectable {
        /// The resource.
        resource: ResourceId,
    },
    /// The backup is in use: restored, exported, or a disk is being made from it. 6216.
    #[error("the backup is in use")]
    BackupInUse,
    /// An automatic backup of a locked vault is deleted by its expiry alone. 6220.
    #[error("an automatic backup of a locked vault cannot be deleted before it expires")]
    BackupLocked,
    /// The vault would have more tags than it may. 6600.
    #[error("the vault has too many tags")]
    TooManyTags,
    /// The vault has no tag of this key. 6601.
    #[error("the vault has no tag of this key")]
    TagAbsent,
    /// The disk's state does not allow to protect it. 7003.
    #[error("the state of disk {disk} does not allow a backup")]
    DiskNotProtectable {
        /// The disk.
        disk: ResourceId,
    },
    /// The disk is in this vault already. 7006.
    #[error("disk {disk} is in the vault already")]
    DiskBoundHere {
        /// The disk.
        disk: ResourceId,
    },
    /// The server's state does not allow to protect it. 7101.
    #[error("the state of server {server} does not allow a backup")]
    ServerNotProtectable {
        /// The server.
        server: ResourceId,
    },
    /// The server has no disk, or all are left out. 7108.
    #[error("server {server} has no disk to back up")]
    ServerWithoutDisks {
        /// The server.
        server: ResourceId,
    },
}
