//! Servers, as the compute service shows them.

use strongroom_base::Timestamp;

use crate::id::{ProjectId, ResourceId};
use crate::resource::ResourceName;
use crate::word::words;

words! {
    /// The state of a server (related services, 3.5).
    ServerStatus in "status" {
        /// Being made.
        Build = "BUILD",
        /// Running.
        Active = "ACTIVE",
        /// Stopped.
        Shutoff = "SHUTOFF",
        /// Restarting, asked.
        Reboot = "REBOOT",
        /// Restarting, forced.
        HardReboot = "HARD_REBOOT",
        /// Changing its size.
        Resize = "RESIZE",
        /// Has another size that nobody confirmed yet.
        VerifyResize = "VERIFY_RESIZE",
        /// Going back to its old size.
        RevertResize = "REVERT_RESIZE",
        /// Out of order.
        Error = "ERROR",
        /// Gone.
        Deleted = "DELETED",
        /// Anything that the provider calls otherwise.
        Unknown = "UNKNOWN",
    }
}

/// A server that is known by its id. Its disks name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its id.
    pub id: ResourceId,
    /// The project that may protect it.
    pub project_id: ProjectId,
    /// Its name.
    pub name: ResourceName,
    /// Its state.
    pub status: ServerStatus,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl ServerStatus {
    /// Whether a server in this state can be put into a vault and backed up (R33).
    pub const fn can_be_protected(self) -> bool {
        matches!(self, Self::Active | Self::Shutoff)
    }
}
