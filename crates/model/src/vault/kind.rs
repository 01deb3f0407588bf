//! What a vault protects, and how.

use crate::field::FieldError;
use crate::refusal::Refusal;
use crate::resource::ResourceType;
use crate::word::words;

words! {
    /// The type of resource that a vault is for.
    ObjectType in "object_type" {
        /// Servers with their disks.
        Server = "server",
        /// Single disks.
        Disk = "disk",
        /// Shares. Known, so that lists can be asked for them; no such vault can be made yet.
        Turbo = "turbo",
    }
}

words! {
    /// What a vault keeps.
    ProtectType in "protect_type" {
        /// Backups that are made in it.
        Backup = "backup",
        /// Copies of another vault's backups.
        Replication = "replication",
    }
}

words! {
    /// What belongs together in a backup.
    Consistency in "consistent_level" {
        /// All disks as they were at one moment, as after a power cut.
        Crash = "crash_consistent",
        /// The same, after applications were told.
        Application = "app_consistent",
    }
}

words! {
    /// Where the vault's resources run, in the words of the cloud.
    CloudType in "cloud_type" {
        /// In the cloud.
        Public = "public",
        /// Outside.
        Hybrid = "hybrid",
    }
}

words! {
    /// How a vault is paid.
    ChargingMode in "charging_mode" {
        /// By use.
        PostPaid = "post_paid",
        /// In advance; refused, see [`ChargingMode::check`].
        PrePaid = "pre_paid",
    }
}

impl ChargingMode {
    /// Refuses what is not offered: nothing is sold here.
    pub fn check(self) -> Result<(), Refusal> {
        match self {
            Self::PostPaid => Ok(()),
            Self::PrePaid => Err(Refusal::Prepaid),
        }
    }
}

impl ObjectType {
    /// The id by which clients know the part of the service that protects such objects
    /// (contract, 5.1).
    pub const fn provider_id(self) -> &'static str {
        match self {
            Self::Server => "0daac4c5-6707-4851-97ba-169e36266b66",
            Self::Disk => "d1603440-187d-4516-af25-121250c7cc97",
            Self::Turbo => "3f3c3220-245c-4805-b811-758870015881",
        }
    }

    /// The type whose provider has this id, if there is one.
    pub fn from_provider_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|object| object.provider_id() == id)
    }

    /// The resources that such a vault takes.
    pub const fn resource_type(self) -> ResourceType {
        match self {
            Self::Server => ResourceType::Server,
            Self::Disk => ResourceType::Disk,
            Self::Turbo => ResourceType::Share,
        }
    }
}

/// What a vault protects and how, checked together; fixed when the vault is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultKind {
    object: ObjectType,
    protect: ProtectType,
    consistency: Consistency,
}

impl VaultKind {
    /// Checks that there are vaults of this kind (contract, 5.1). Replication is for servers alone
    /// (6116 otherwise), and so is the consistency of applications.
    pub fn new(
        object: ObjectType,
        protect: ProtectType,
        consistency: Consistency,
    ) -> Result<Self, Refusal> {
        if object == ObjectType::Turbo {
            return Err(FieldError::new("object_type", "server or disk").into());
        }
        let is_server = object == ObjectType::Server;
        if protect == ProtectType::Replication && !is_server {
            return Err(Refusal::ProtectTypeUnsupported);
        }
        if consistency == Consistency::Application && !is_server {
            let allowed = "crash_consistent unless object_type is server";
            return Err(FieldError::new("consistent_level", allowed).into());
        }
        Ok(Self { object, protect, consistency })
    }

    /// What it protects.
    pub const fn object(self) -> ObjectType {
        self.object
    }

    /// What it keeps.
    pub const fn protect(self) -> ProtectType {
        self.protect
    }

    /// What belongs together in a backup.
    pub const fn consistency(self) -> Consistency {
        self.consistency
    }

    /// The name of the product, as price lists spell it (contract, 5.1).
    pub const fn spec_code(self) -> &'static str {
        match (self.object, self.protect, self.consistency) {
            (ObjectType::Server, ProtectType::Backup, Consistency::Application) => {
                "vault.backup.database.normal"
            }
            (ObjectType::Server, ProtectType::Backup, _) => "vault.backup.server.normal",
            (ObjectType::Server, ProtectType::Replication, _) => "vault.replication.server.normal",
            (ObjectType::Disk, ..) => "vault.backup.volume.normal",
            (ObjectType::Turbo, ..) => "vault.backup.turbo.normal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_exist_have_a_spec_code() {
        let check = |words: [&str; 3], code: Option<&str>| {
            let [object, protect, consistency] = words;
            let kind = VaultKind::new(
                ObjectType::parse(object).unwrap(),
                ProtectType::parse(protect).unwrap(),
                Consistency::parse(consistency).unwrap(),
            );
            assert_eq!(kind.ok().map(VaultKind::spec_code), code, "{words:?}");
        };
        let (crash, app) = ("crash_consistent", "app_consistent");
        check(["server", "backup", crash], Some("vault.backup.server.normal"));
        check(["server", "backup", app], Some("vault.backup.database.normal"));
        check(["server", "replication", crash], Some("vault.replication.server.normal"));
        check(["disk", "backup", crash], Some("vault.backup.volume.normal"));
        check(["disk", "backup", app], None);
        check(["disk", "replication", crash], None);
        check(["turbo", "backup", crash], None);
    }

    #[test]
    fn provider_ids_name_their_type() {
        for object in ObjectType::ALL {
            assert_eq!(ObjectType::from_provider_id(object.provider_id()), Some(*object));
        }
        assert_eq!(ObjectType::from_provider_id("server"), None);
    }

    #[test]
    fn prepaid_is_refused() {
        assert_eq!(ChargingMode::PostPaid.check(), Ok(()));
        assert_eq!(ChargingMode::PrePaid.check(), Err(Refusal::Prepaid));
    }
}
