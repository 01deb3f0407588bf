//! Making, changing, listing and deleting vaults.

use std::collections::BTreeMap;

use strongroom_base::ByteCount;
use strongroom_db::{StoredVault, Tx, VaultList};
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::description::Description;
use strongroom_model::filter::VaultFilter;
use strongroom_model::name::NamePrefix;
use strongroom_model::page::Page;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::resource::ResourceUse;
use strongroom_model::vault::{
    CloudType, Threshold, VaultKind, VaultSize, VaultStatus, VaultUpdate, VaultView,
};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{BindRules, FieldError, Name, Tags, Vault, VaultId};

use super::NewResource;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// A vault to make.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that users set by itself")]
#[expect(missing_docs, reason = "they are those of the vault")]
pub struct NewVault {
    pub name: Name,
    pub description: Description,
    pub kind: VaultKind,
    pub cloud_type: CloudType,
    pub size: VaultSize,
    pub resources: Vec<NewResource>,
    /// A policy to apply; none is known yet.
    pub policy: Option<String>,
    pub tags: Tags,
    pub enterprise_project_id: EnterpriseProjectId,
    pub is_auto_bind: bool,
    pub bind_rules: BindRules,
    pub is_auto_expand: bool,
    pub is_locked: bool,
    pub has_notices: bool,
    pub threshold: Threshold,
    pub backup_name_prefix: NamePrefix,
    pub availability_zone: Option<AvailabilityZone>,
}

/// A page of vaults.
#[derive(Debug, Clone)]
pub struct VaultPage {
    /// The vaults.
    pub vaults: Vec<VaultView>,
    /// How many match on all pages.
    pub count: u64,
}

impl Service {
    /// Makes a vault with its resources; it is available at once (R12).
    pub async fn vault_create(&self, cx: &OpContext, new: NewVault) -> Result<VaultView, Error> {
        self.perform(cx, Action::VaultCreate, None, || self.create_vault(cx, &new)).await
    }

    async fn create_vault(&self, cx: &OpContext, new: &NewVault) -> Result<VaultView, Error> {
        if new.policy.is_some() {
            return Err(Error::NotFound(Noun::Policy));
        }
        let vault = self.vault_of(cx, new);
        let tx = self.0.db.begin().await?;
        tx.vault_insert(&vault).await?;
        let mut resources = Vec::new();
        if !new.resources.is_empty() {
            self.bind(&tx, cx, &vault, &new.resources).await?;
            resources = tx.bound_list(vault.id).await?;
        }
        let subject = (Some(vault.id.to_string()), Some(vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::CreateVault, subject.0, subject.1)).await?;
        tx.commit().await?;
        Ok(VaultView { vault, used: ByteCount(0), resources })
    }

    fn vault_of(&self, cx: &OpContext, new: &NewVault) -> Vault {
        Vault {
            id: VaultId::random(&*self.0.rng),
            project_id: cx.project,
            user_id: cx.caller.user_id,
            created_at: self.0.clock.now(),
            name: new.name.clone(),
            description: new.description.clone(),
            kind: new.kind,
            cloud_type: new.cloud_type,
            size: new.size,
            status: VaultStatus::Available,
            threshold: new.threshold,
            has_notices: new.has_notices,
            is_auto_bind: new.is_auto_bind,
            bind_rules: new.bind_rules.clone(),
            is_auto_expand: new.is_auto_expand,
            is_locked: new.is_locked,
            tags: new.tags.clone(),
            backup_name_prefix: new.backup_name_prefix.clone(),
            enterprise_project_id: new.enterprise_project_id.clone(),
            availability_zone: new.availability_zone.clone(),
        }
    }

    /// One vault.
    pub async fn vault_get(&self, cx: &OpContext, id: VaultId) -> Result<VaultView, Error> {
        self.authorize(cx, Action::VaultGet).await?;
        let found = self.0.db.vault_get_bound(cx.project, id).await?;
        let (found, resources) = found.ok_or(Error::NotFound(Noun::Vault))?;
        Ok(VaultView { vault: found.vault, used: found.used, resources })
    }

    /// The vaults of the project. An unknown marker is `Refused(Field)`.
    pub async fn vault_list(
        &self,
        cx: &OpContext,
        filter: &VaultFilter,
        page: &Page<VaultId>,
    ) -> Result<VaultPage, Error> {
        self.authorize(cx, Action::VaultList).await?;
        let list = self.0.db.vault_list(cx.project, filter, page).await?;
        self.vault_page(list.ok_or(UNKNOWN_MARKER)?).await
    }

    /// A page with the resources of its vaults.
    pub(super) async fn vault_page(&self, list: VaultList) -> Result<VaultPage, Error> {
        let ids: Vec<_> = list.vaults.iter().map(|stored| stored.vault.id).collect();
        let mut of_vault = BTreeMap::<VaultId, Vec<ResourceUse>>::new();
        for one in self.0.db.bound_list(&ids).await? {
            of_vault.entry(one.resource.vault_id).or_default().push(one);
        }
        let view = |stored: StoredVault| VaultView {
            resources: of_vault.remove(&stored.vault.id).unwrap_or_default(),
            vault: stored.vault,
            used: stored.used,
        };
        Ok(VaultPage { vaults: list.vaults.into_iter().map(view).collect(), count: list.count })
    }

    /// Changes a vault (R15).
    pub async fn vault_update(
        &self,
        cx: &OpContext,
        id: VaultId,
        update: &VaultUpdate,
    ) -> Result<VaultView, Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::VaultUpdate, subject, || self.update_vault(cx, id, update)).await
    }

    async fn update_vault(
        &self,
        cx: &OpContext,
        id: VaultId,
        update: &VaultUpdate,
    ) -> Result<VaultView, Error> {
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, id).await?;
        let vault = stored.vault.updated(update, stored.used)?;
        if vault != stored.vault {
            tx.vault_update(&vault).await?;
        }
        let resources = tx.bound_list(id).await?;
        let subject = (Some(id.to_string()), Some(vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::UpdateVault, subject.0, subject.1)).await?;
        tx.commit().await?;
        Ok(VaultView { vault, used: stored.used, resources })
    }
}

/// A vault of the project, which nobody else changes until the end of `tx`.
pub(super) async fn locked(tx: &Tx, cx: &OpContext, id: VaultId) -> Result<StoredVault, Error> {
    tx.vault_lock(cx.project, id).await?.ok_or(Error::NotFound(Noun::Vault))
}

/// A page begins after something that is not there (contract, section 1).
pub(crate) const UNKNOWN_MARKER: FieldError =
    FieldError::new("marker", "the id of a row that was listed");
