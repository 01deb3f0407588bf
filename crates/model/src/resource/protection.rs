//! What is happening to a resource of a vault, and whether it can be backed up.

use super::VolumeSelection;
use crate::disk::DiskStatus;
use crate::id::ResourceId;
use crate::refusal::Refusal;
use crate::server::ServerStatus;
use crate::state::StateMachine;
use crate::word::words;

words! {
    /// The state of a resource in its vault (contract, 5.5).
    ProtectStatus in "protect_status" {
        /// Nothing is happening to it.
        Available = "available",
        /// The last backup or removal failed, or the resource is gone (R40).
        Error = "error",
        /// A backup of it is being made.
        Protecting = "protecting",
        /// It is being restored.
        Restoring = "restoring",
        /// Its backups are being deleted; then it leaves the vault (R38).
        Removing = "removing",
    }
}

impl StateMachine for ProtectStatus {
    const TRANSITIONS: &'static [(Self, &'static [Self])] = &[
        (Self::Available, &[Self::Error, Self::Protecting, Self::Restoring, Self::Removing]),
        // What was gone, or could not be backed up, may be well again.
        (Self::Error, &[Self::Available, Self::Protecting, Self::Restoring, Self::Removing]),
        (Self::Protecting, &[Self::Available, Self::Error]),
        (Self::Restoring, &[Self::Available, Self::Error]),
        (Self::Removing, &[Self::Error]),
    ];
}

impl ProtectStatus {
    /// Refuses to begin anything with `resource` while something else is happening to it.
    pub(crate) fn check_idle(self, resource: ResourceId) -> Result<(), Refusal> {
        match self {
            Self::Available | Self::Error => Ok(()),
            Self::Protecting | Self::Restoring => Err(Refusal::ResourceBusy { resource }),
            Self::Removing => Err(Refusal::ResourceBeingRemoved { resource }),
        }
    }
}

/// A resource as its provider shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceState {
    /// A server.
    Server {
        /// Its state.
        status: ServerStatus,
        /// Its disks.
        disks: Vec<ResourceId>,
    },
    /// A disk.
    Disk {
        /// Its state.
        status: DiskStatus,
    },
    /// The provider does not know it any more.
    Absent,
}

impl SourceState {
    /// Whether `resource` can be put into a vault, or backed up, as it is now (R8, R33).
    pub fn check_protectable(
        &self,
        resource: ResourceId,
        volumes: &VolumeSelection,
    ) -> Result<(), Refusal> {
        match self {
            Self::Server { status, .. } if !status.can_be_protected() => {
                Err(Refusal::ServerNotProtectable { server: resource })
            }
            Self::Server { disks, .. } if !disks.iter().any(|disk| volumes.contains(*disk)) => {
                Err(Refusal::ServerWithoutDisks { server: resource })
            }
            Self::Disk { status } if !status.can_be_protected() => {
                Err(Refusal::DiskNotProtectable { disk: resource })
            }
            Self::Server { .. } | Self::Disk { .. } => Ok(()),
            Self::Absent => Err(Refusal::ResourceNotProtectable { resource }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::check_transitions;

    // proves: MODEL-1
    #[test]
    fn resource_changes_its_state_as_the_contract_says() {
        check_transitions(
            ProtectStatus::ALL,
            &[
                "available: error protecting restoring removing",
                "error: available protecting restoring removing",
                "protecting: available error",
                "restoring: available error",
                "removing: error",
            ],
        );
    }

    #[test]
    fn source_is_protectable_in_few_states() {
        let id = ResourceId([1; 16]);
        let disk = ResourceId([2; 16]);
        let check = |state: SourceState, volumes: &VolumeSelection, expected| {
            assert_eq!(state.check_protectable(id, volumes), expected, "{state:?}");
        };
        let server =
            |status, disks: &[ResourceId]| SourceState::Server { status, disks: disks.into() };
        let all = VolumeSelection::default();
        let none = VolumeSelection { exclude: vec![disk], ..all.clone() };
        check(server(ServerStatus::Active, &[disk]), &all, Ok(()));
        check(server(ServerStatus::Shutoff, &[disk]), &all, Ok(()));
        let refused = Refusal::ServerNotProtectable { server: id };
        check(server(ServerStatus::Error, &[disk]), &all, Err(refused));
        let refused = Refusal::ServerWithoutDisks { server: id };
        check(server(ServerStatus::Active, &[]), &all, Err(refused.clone()));
        check(server(ServerStatus::Active, &[disk]), &none, Err(refused));
        check(SourceState::Disk { status: DiskStatus::InUse }, &all, Ok(()));
        let refused = Refusal::DiskNotProtectable { disk: id };
        check(SourceState::Disk { status: DiskStatus::Extending }, &all, Err(refused));
        check(SourceState::Absent, &all, Err(Refusal::ResourceNotProtectable { resource: id }));
    }
}
