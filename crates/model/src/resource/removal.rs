//! Taking resources out of a vault.

use super::BoundResource;
use crate::id::ResourceId;
use crate::refusal::Refusal;
use crate::vault::Vault;

/// Whether all of `asked` may be taken out of `vault`, whose resources are `bound`, and their
/// backups with them (R38). Nothing is taken out if one may not be.
pub fn check_removal(
    vault: &Vault,
    bound: &[BoundResource],
    asked: &[ResourceId],
) -> Result<(), Refusal> {
    vault.may_give_up_resources()?;
    for &resource in asked {
        let known = bound.iter().find(|bound| bound.id == resource);
        known.ok_or(Refusal::NotInVault { resource })?.status.check_idle(resource)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{ProtectStatus, ResourceName, ResourceType, VolumeSelection};
    use crate::vault::tests::vault;

    #[test]
    fn removal_needs_idle_resources_of_the_vault() {
        let [one, two] = [1, 2].map(|byte| ResourceId([byte; 16]));
        let check = |is_locked, status: ProtectStatus, asked: &[ResourceId], expected| {
            let vault = Vault { is_locked, ..vault() };
            let bound = BoundResource {
                id: one,
                vault_id: vault.id,
                resource_type: ResourceType::Disk,
                name: ResourceName::default(),
                size_gigabytes: 1,
                volumes: VolumeSelection::default(),
                status,
            };
            assert_eq!(check_removal(&vault, &[bound], asked), expected);
        };
        let resource = one;
        check(false, ProtectStatus::Available, &[one, one], Ok(()));
        check(false, ProtectStatus::Error, &[one], Ok(()));
        check(
            false,
            ProtectStatus::Available,
            &[one, two],
            Err(Refusal::NotInVault { resource: two }),
        );
        check(false, ProtectStatus::Protecting, &[one], Err(Refusal::ResourceBusy { resource }));
        check(false, ProtectStatus::Restoring, &[one], Err(Refusal::ResourceBusy { resource }));
        let refused = Refusal::ResourceBeingRemoved { resource };
        check(false, ProtectStatus::Removing, &[one], Err(refused));
        check(true, ProtectStatus::Available, &[one], Err(Refusal::VaultLocked));
    }
}
