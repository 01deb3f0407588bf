//! Which resources of a vault a run backs up.

use crate::id::ResourceId;
use crate::refusal::Refusal;
use crate::resource::{BoundResource, SourceState};

/// What a run does with the resources that it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// They get a backup; never empty.
    pub chosen: Vec<ResourceId>,
    /// They get none this time.
    pub skipped: Vec<Skipped>,
}

/// A resource that a run leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The resource.
    pub id: ResourceId,
    /// Why.
    pub reason: Refusal,
}

/// Chooses among the resources of a vault, each given as its provider shows it: those `asked` for,
/// or all. Resources of which something else is happening, or whose state does not allow a backup,
/// are skipped; one that is not in the vault is an error, and so is a run without any (R67, R68).
pub fn choose(
    bound: &[(BoundResource, SourceState)],
    asked: &[ResourceId],
) -> Result<Choice, Refusal> {
    let is_bound = |id: &ResourceId| bound.iter().any(|(resource, _)| resource.id == *id);
    if let Some(&resource) = asked.iter().find(|id| !is_bound(id)) {
        return Err(Refusal::NotInVault { resource });
    }
    let mut choice = Choice { chosen: Vec::new(), skipped: Vec::new() };
    for (resource, state) in bound {
        let id = resource.id;
        if !asked.is_empty() && !asked.contains(&id) {
            continue;
        }
        let may = resource.status.check_idle(id);
        match may.and_then(|()| state.check_protectable(id, &resource.volumes)) {
            Ok(()) => choice.chosen.push(id),
            Err(reason) => choice.skipped.push(Skipped { id, reason }),
        }
    }
    if choice.chosen.is_empty() { Err(Refusal::NothingToBackUp) } else { Ok(choice) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskStatus;
    use crate::id::VaultId;
    use crate::resource::{ProtectStatus, ResourceName, ResourceType, VolumeSelection};

    fn id(byte: u8) -> ResourceId {
        ResourceId([byte; 16])
    }

    fn disk(byte: u8, status: ProtectStatus, state: DiskStatus) -> (BoundResource, SourceState) {
        let resource = BoundResource {
            id: id(byte),
            vault_id: VaultId([1; 16]),
            resource_type: ResourceType::Disk,
            name: ResourceName::default(),
            size_gigabytes: 1,
            volumes: VolumeSelection::default(),
            status,
        };
        (resource, SourceState::Disk { status: state })
    }

    #[test]
    fn run_takes_what_it_can_and_says_why_not_the_rest() {
        let (available, in_use) = (ProtectStatus::Available, DiskStatus::InUse);
        let bound = [
            disk(1, available, in_use),
            disk(2, ProtectStatus::Protecting, in_use),
            disk(3, ProtectStatus::Removing, in_use),
            disk(4, available, DiskStatus::Extending),
            disk(5, ProtectStatus::Error, in_use),
        ];
        let check = |asked: &[u8], expected: Result<(Vec<u8>, Vec<u8>), Refusal>| {
            let asked: Vec<_> = asked.iter().map(|byte| id(*byte)).collect();
            let choice = choose(&bound, &asked).map(|choice| {
                let skipped = choice.skipped.iter().map(|skipped| skipped.id.0[0]).collect();
                (choice.chosen.iter().map(|id| id.0[0]).collect(), skipped)
            });
            assert_eq!(choice, expected, "{asked:?}");
        };
        check(&[], Ok((vec![1, 5], vec![2, 3, 4])));
        check(&[5, 2, 5], Ok((vec![5], vec![2])));
        check(&[2, 3], Err(Refusal::NothingToBackUp));
        check(&[1, 9], Err(Refusal::NotInVault { resource: id(9) }));
        assert_eq!(choose(&[], &[]), Err(Refusal::NothingToBackUp));
        let reasons: Vec<_> =
            choose(&bound, &[]).unwrap().skipped.into_iter().map(|one| one.reason).collect();
        let expected = [
            Refusal::ResourceBusy { resource: id(2) },
            Refusal::ResourceBeingRemoved { resource: id(3) },
            Refusal::DiskNotProtectable { disk: id(4) },
        ];
        assert_eq!(reasons, expected);
    }
}
