//! Vaults: a project's containers of backups, with a size and the resources whose backups they
//! take.
//!
//! # Why
//! A vault is asked many questions before something happens to it. [`Vault`] has what its row has;
//! what else a rule needs (how much is used, who is at work) is a parameter, so that each rule shows
//! what it depends on.
//!
//! # Invariants
//! - MODEL-4: a locked vault stays locked (R27), and keeps its resources and automatic backups
//!   until these expire.
//! - No size is below what is used, as far as an update decides it (R6).
//!
//! # Not here
//! Which resources a vault has: [`crate::resource`]. Its repository: the engine's business.

mod guard;
mod kind;
mod size;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod update;

use strongroom_base::{ByteCount, Timestamp};

pub use kind::{ChargingMode, CloudType, Consistency, ObjectType, ProtectType, VaultKind};
pub use size::{Threshold, VaultSize};
pub use status::VaultStatus;
pub use update::VaultUpdate;

use crate::bind_rules::BindRules;
use crate::description::Description;
use crate::id::{ProjectId, UserId, VaultId};
use crate::name::{Name, NamePrefix};
use crate::project::EnterpriseProjectId;
use crate::resource::ResourceUse;
use crate::tag::Tags;
use crate::zone::AvailabilityZone;

/// A vault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that users set by itself")]
pub struct Vault {
    /// Its id.
    pub id: VaultId,
    /// The project it is in.
    pub project_id: ProjectId,
    /// Who made it.
    pub user_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// What its owner calls it; not unique (R13).
    pub name: Name,
    /// Given when it is made, and not changed later.
    pub description: Description,
    /// What it protects, and how.
    pub kind: VaultKind,
    /// The word that the client gave; nothing follows from it.
    pub cloud_type: CloudType,
    /// How much it may hold.
    pub size: VaultSize,
    /// Its state.
    pub status: VaultStatus,
    /// Above which share of its size a notice is sent.
    pub threshold: Threshold,
    /// Whether notices are sent.
    pub has_notices: bool,
    /// Whether it takes in resources by itself.
    pub is_auto_bind: bool,
    /// Which ones.
    pub bind_rules: BindRules,
    /// Whether it grows when it is full.
    pub is_auto_expand: bool,
    /// Whether its automatic backups stay until they expire (WORM); never unset (R27).
    pub is_locked: bool,
    /// Its tags.
    pub tags: Tags,
    /// What stands before the names of automatic backups.
    pub backup_name_prefix: NamePrefix,
    /// Kept and shown.
    pub enterprise_project_id: EnterpriseProjectId,
    /// Kept and shown.
    pub availability_zone: Option<AvailabilityZone>,
}

/// A vault with what clients see beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultView {
    /// The vault.
    pub vault: Vault,
    /// What its backups need in the store.
    pub used: ByteCount,
    /// Its resources, in the order in which they came.
    pub resources: Vec<ResourceUse>,
}

impl VaultView {
    /// The sizes of its resources together, in gigabytes (contract, 3.2).
    pub fn allocated_gigabytes(&self) -> u64 {
        self.resources.iter().map(|of| of.resource.size_gigabytes).sum()
    }
}
