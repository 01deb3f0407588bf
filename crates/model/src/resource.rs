//! Resources: the servers, disks and shares whose backups vaults take.
//!
//! # Not here
//! The resources themselves, which belong to a provider: [`crate::server`], [`crate::disk`].

mod addition;
mod protection;
mod removal;
mod selection;

use serde::{Deserialize, Serialize};
use strongroom_base::ByteCount;

pub use addition::{Addition, Candidate, check_addition};
pub use protection::{ProtectStatus, SourceState};
pub use removal::check_removal;
pub use selection::{IncludedVolume, VolumeSelection};

use crate::field::FieldError;
use crate::id::{ResourceId, VaultId};
use crate::text::checked_text;
use crate::word::words;

words! {
    /// The type of a resource.
    ResourceType in "type" {
        /// A server with its disks.
        Server = "OS::Nova::Server",
        /// A disk.
        Disk = "OS::Cinder::Volume",
        /// A share. No vault takes any yet.
        Share = "OS::Sfs::Turbo",
    }
}

/// The name of a resource as its own service has it: up to 255 characters (contract, 3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ResourceName(String);

impl ResourceName {
    /// Checks `text`, as the field `name`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.chars().count() > 255 {
            return Err(FieldError::new("name", "at most 255 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

checked_text!(ResourceName);

/// A resource that is in a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundResource {
    /// Its id; a resource is in one vault at most (R34).
    pub id: ResourceId,
    /// The vault.
    pub vault_id: VaultId,
    /// Its type, which the vault's kind decides.
    pub resource_type: ResourceType,
    /// Its name when it was last looked at.
    pub name: ResourceName,
    /// The size of the disks that are backed up, in gigabytes.
    pub size_gigabytes: u64,
    /// Which of a server's disks are backed up.
    pub volumes: VolumeSelection,
    /// What is happening to it.
    pub status: ProtectStatus,
}

/// A resource in a vault, and what its backups there amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUse {
    /// The resource.
    pub resource: BoundResource,
    /// How many backups of it the vault has.
    pub backup_count: u64,
    /// What they need in the store.
    pub backup_bytes: ByteCount,
}
