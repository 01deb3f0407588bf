//! Putting resources into a vault.

use std::collections::BTreeSet;

use super::{ResourceType, SourceState, VolumeSelection};
use crate::id::{ResourceId, VaultId};
use crate::quota::Quota;
use crate::refusal::Refusal;
use crate::vault::Vault;

/// A resource that shall be put into a vault, with what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: ResourceId,
    /// Its type.
    pub resource_type: ResourceType,
    /// Which of its disks shall be backed up.
    pub volumes: VolumeSelection,
    /// As its provider shows it. Whoever looks it up says so when it is unknown (R36).
    pub state: SourceState,
    /// The vault it is in, if it is in one.
    pub bound_to: Option<VaultId>,
}

/// What putting it into the vault means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addition {
    /// It comes in.
    New,
    /// It is in; its selection of disks is replaced (R35).
    Replaced,
}

/// Whether all `candidates` may be put into `vault`, which has `bound` resources; one answer for
/// each, in their order. Nothing is put in if one may not be.
pub fn check_addition(
    vault: &Vault,
    bound: usize,
    candidates: &[Candidate],
    quota: &Quota,
) -> Result<Vec<Addition>, Refusal> {
    vault.may_take_resources()?;
    let mut seen = BTreeSet::new();
    let mut additions = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if !seen.insert(candidate.id) {
            return Err(Refusal::NamedTwice { resource: candidate.id });
        }
        additions.push(check_one(vault, candidate)?);
    }
    let new = additions.iter().filter(|addition| **addition == Addition::New).count();
    if bound + new > quota.resources { Err(Refusal::TooManyResources) } else { Ok(additions) }
}

fn check_one(vault: &Vault, candidate: &Candidate) -> Result<Addition, Refusal> {
    let &Candidate { id: resource, resource_type, .. } = candidate;
    if resource_type != vault.kind.object().resource_type() {
        return Err(Refusal::ResourceTypeMismatch { resource_type });
    }
    let addition = match candidate.bound_to {
        None => Addition::New,
        Some(here) if here == vault.id && resource_type == ResourceType::Server => {
            Addition::Replaced
        }
        Some(here) if here == vault.id => return Err(Refusal::DiskBoundHere { disk: resource }),
        Some(vault) => return Err(Refusal::BoundElsewhere { resource, vault }),
    };
    candidate.state.check_protectable(resource, &candidate.volumes)?;
    Ok(addition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskStatus;
    use crate::server::ServerStatus;
    use crate::vault::ProtectType;
    use crate::vault::tests::{server_vault, vault};

    const HERE: VaultId = VaultId([1; 16]);
    const ELSEWHERE: VaultId = VaultId([9; 16]);

    fn disk(byte: u8, bound_to: Option<VaultId>) -> Candidate {
        Candidate {
            id: ResourceId([byte; 16]),
            resource_type: ResourceType::Disk,
            volumes: VolumeSelection::default(),
            state: SourceState::Disk { status: DiskStatus::Available },
            bound_to,
        }
    }

    fn server(byte: u8, bound_to: Option<VaultId>) -> Candidate {
        let state = SourceState::Server {
            status: ServerStatus::Active,
            disks: vec![ResourceId([100; 16])],
        };
        Candidate { resource_type: ResourceType::Server, state, ..disk(byte, bound_to) }
    }

    #[test]
    fn addition_judges_each_and_refuses_all_for_one() {
        let check = |vault: &Vault, candidates: &[Candidate], expected| {
            let quota = Quota { resources: 3, ..Quota::default() };
            assert_eq!(check_addition(vault, 1, candidates, &quota), expected);
        };
        let disks = vault();
        let servers = server_vault(ProtectType::Backup);
        let resource = ResourceId([2; 16]);
        check(&disks, &[], Ok(vec![]));
        check(&disks, &[disk(2, None), disk(3, None)], Ok(vec![Addition::New; 2]));
        check(
            &servers,
            &[server(2, Some(HERE)), server(3, None), server(4, None)],
            Ok(vec![Addition::Replaced, Addition::New, Addition::New]),
        );
        let too_many = [disk(2, None), disk(3, None), disk(4, None)];
        check(&disks, &too_many, Err(Refusal::TooManyResources));
        check(&disks, &[disk(2, None), disk(2, None)], Err(Refusal::NamedTwice { resource }));
        let resource_type = ResourceType::Server;
        check(&disks, &[server(2, None)], Err(Refusal::ResourceTypeMismatch { resource_type }));
        check(&disks, &[disk(2, Some(HERE))], Err(Refusal::DiskBoundHere { disk: resource }));
        let refused = Refusal::BoundElsewhere { resource, vault: ELSEWHERE };
        check(&disks, &[disk(3, None), disk(2, Some(ELSEWHERE))], Err(refused));
        let absent = Candidate { state: SourceState::Absent, ..disk(2, None) };
        check(&disks, &[absent], Err(Refusal::ResourceNotProtectable { resource }));
        let replicas = server_vault(ProtectType::Replication);
        check(&replicas, &[server(2, None)], Err(Refusal::TakesNoResources));
    }
}
