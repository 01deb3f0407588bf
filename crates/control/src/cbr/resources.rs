//! Putting resources into vaults.

use strongroom_db::Tx;
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::resource::{
    Addition, BoundResource, Candidate, ProtectStatus, ResourceName, ResourceType, VolumeSelection,
    check_addition,
};
use strongroom_model::{Refusal, ResourceId, Vault, VaultId};

use super::source::{Source, Sources};
use super::vaults::locked;
use crate::caller::OpContext;
use crate::error::Error;
use crate::service::Service;

/// A resource to put into a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewResource {
    /// Its id.
    pub id: ResourceId,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its name; looked up if none is given.
    pub name: Option<ResourceName>,
    /// Which of a server's disks.
    pub volumes: VolumeSelection,
}

/// The name that the client gave, else the one that the source has.
fn name_of(resource: &NewResource, source: &Source) -> ResourceName {
    let given = resource.name.as_ref().filter(|name| !name.as_str().is_empty());
    given.unwrap_or(source.name()).clone()
}

impl Service {
    /// Puts resources into a vault, all or none; the answer has their ids in the same order.
    pub async fn vault_add_resources(
        &self,
        cx: &OpContext,
        vault: VaultId,
        resources: Vec<NewResource>,
    ) -> Result<Vec<ResourceId>, Error> {
        let subject = Some(vault.to_string());
        let add = || self.add_resources(cx, vault, &resources);
        self.perform(cx, Action::VaultAddResources, subject, add).await?;
        Ok(resources.iter().map(|resource| resource.id).collect())
    }

    async fn add_resources(
        &self,
        cx: &OpContext,
        id: VaultId,
        resources: &[NewResource],
    ) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, id).await?;
        self.bind(&tx, cx, &stored.vault, resources).await?;
        let subject = (Some(id.to_string()), Some(stored.vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::AddResources, subject.0, subject.1)).await?;
        Ok(tx.commit().await?)
    }

    /// Puts `new` into `vault`, if the rules allow it.
    pub(super) async fn bind(
        &self,
        tx: &Tx,
        cx: &OpContext,
        vault: &Vault,
        new: &[NewResource],
    ) -> Result<(), Error> {
        check_types(vault, new)?;
        let ids: Vec<_> = new.iter().map(|resource| resource.id).collect();
        let sources = Sources::lock(tx, cx.project, &ids).await?;
        let bound = tx.bound_find(&ids).await?;
        let here = tx.bound_list(vault.id).await?.len();
        let mut candidates = Vec::with_capacity(new.len());
        for resource in new {
            let source = sources.of(resource.id, resource.resource_type)?;
            let there = bound.iter().find(|bound| bound.id == resource.id);
            candidates.push(Candidate {
                id: resource.id,
                resource_type: resource.resource_type,
                volumes: resource.volumes.clone(),
                state: source.state(&resource.volumes),
                bound_to: there.map(|bound| bound.vault_id),
            });
        }
        let additions = check_addition(vault, here, &candidates, &self.0.settings.quota)?;
        let mut inserted = Vec::new();
        for (resource, addition) in new.iter().zip(additions) {
            let source = sources.of(resource.id, resource.resource_type)?;
            let known = bound.iter().find(|bound| bound.id == resource.id);
            let row = BoundResource {
                id: resource.id,
                vault_id: vault.id,
                resource_type: resource.resource_type,
                name: name_of(resource, source),
                size_gigabytes: source.size_gigabytes(&resource.volumes),
                volumes: resource.volumes.clone(),
                status: known.map_or(ProtectStatus::Available, |bound| bound.status),
            };
            match addition {
                Addition::New => inserted.push(row),
                Addition::Replaced => tx.bound_update(&row).await?,
            }
        }
        if !inserted.is_empty() {
            tx.bound_insert(&inserted, vault.project_id).await?;
        }
        Ok(())
    }
}

/// Types are judged before anything is looked up, so that a wrong one is not called unknown.
fn check_types(vault: &Vault, new: &[NewResource]) -> Result<(), Refusal> {
    vault.may_take_resources()?;
    let fits = vault.kind.object().resource_type();
    match new.iter().find(|resource| resource.resource_type != fits) {
        Some(other) => Err(Refusal::ResourceTypeMismatch { resource_type: other.resource_type }),
        None => Ok(()),
    }
}
