//! What could be protected, and what is.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_db::StoredVault;
use strongroom_model::action::Action;
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::filter::{DiskFilter, ServerFilter};
use strongroom_model::page::Page;
use strongroom_model::resource::VolumeSelection;
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::vault::{ObjectType, VaultView};
use strongroom_model::{Refusal, ResourceId};

use super::source::{Source, Sources};
use super::vaults::UNKNOWN_MARKER;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// Which resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtectableFilter {
    /// This one.
    pub id: Option<ResourceId>,
    /// With this name.
    pub name: Option<String>,
    /// In this state, as its service calls it.
    pub status: Option<String>,
    /// Disks of this server.
    pub server_id: Option<ResourceId>,
}

/// A resource as its service has it.
#[derive(Debug, Clone)]
pub enum ProtectableSource {
    /// A disk.
    Disk(Disk),
    /// A server with its disks.
    Server(Server, Vec<Disk>),
}

/// Whether a resource can be protected.
#[derive(Debug, Clone)]
pub struct Protection {
    /// Why not.
    pub refusal: Option<Refusal>,
    /// The vault that it is in.
    pub vault: Option<VaultView>,
}

/// A resource, and whether it can be protected.
#[derive(Debug, Clone)]
pub struct Protectable {
    /// The resource.
    pub source: ProtectableSource,
    /// Whether.
    pub protection: Protection,
}

/// The most that one page has (contract, 4.8).
const MOST: u16 = 50;

impl Service {
    /// The project's resources of a type.
    pub async fn protectable_list(
        &self,
        cx: &OpContext,
        object: ObjectType,
        filter: &ProtectableFilter,
        page: &Page<ResourceId>,
    ) -> Result<Vec<Protectable>, Error> {
        self.authorize(cx, Action::ProtectableList).await?;
        let page = Page { limit: page.limit.min(MOST), ..*page };
        let sources = match object {
            ObjectType::Disk => self.disk_sources(cx, filter, &page).await?,
            ObjectType::Server => self.server_sources(cx, filter, &page).await?,
            ObjectType::Turbo => Vec::new(),
        };
        self.protections(cx, sources).await
    }

    async fn disk_sources(
        &self,
        cx: &OpContext,
        filter: &ProtectableFilter,
        page: &Page<ResourceId>,
    ) -> Result<Vec<Source>, Error> {
        let filter = DiskFilter {
            ids: filter.id.into_iter().collect(),
            name: filter.name.clone(),
            status: filter.status.as_deref().map(DiskStatus::parse).transpose()?,
            server: filter.server_id,
        };
        let list = self.0.db.disk_page(cx.project, &filter, page).await?.ok_or(UNKNOWN_MARKER)?;
        Ok(list.into_iter().map(Source::Disk).collect())
    }

    async fn server_sources(
        &self,
        cx: &OpContext,
        filter: &ProtectableFilter,
        page: &Page<ResourceId>,
    ) -> Result<Vec<Source>, Error> {
        let filter = ServerFilter {
            ids: filter.id.into_iter().collect(),
            name: filter.name.clone(),
            status: filter.status.as_deref().map(ServerStatus::parse).transpose()?,
        };
        let list = self.0.db.server_page(cx.project, &filter, page).await?.ok_or(UNKNOWN_MARKER)?;
        let servers = self.with_disks(list).await?;
        Ok(servers.into_iter().map(|(server, disks)| Source::Server(server, disks)).collect())
    }

    /// One of them.
    pub async fn protectable_get(
        &self,
        cx: &OpContext,
        object: ObjectType,
        id: ResourceId,
    ) -> Result<Protectable, Error> {
        self.authorize(cx, Action::ProtectableGet).await?;
        let sources = Sources::load_of(&self.0.db, cx.project, object.resource_type(), id).await?;
        let source = sources.of(id, object.resource_type())?.clone();
        let mut found = self.protections(cx, vec![source]).await?;
        found.pop().ok_or(Error::NotFound(Noun::Resource))
    }

    async fn protections(
        &self,
        cx: &OpContext,
        sources: Vec<Source>,
    ) -> Result<Vec<Protectable>, Error> {
        let ids: Vec<_> = sources.iter().map(Source::id).collect();
        let mut vault_of = BTreeMap::new();
        if !ids.is_empty() {
            for (StoredVault { vault, used, .. }, resources) in
                self.0.db.bound_vaults(cx.project, &ids).await?
            {
                let of_vault: Vec<_> = resources.iter().map(|one| one.resource.id).collect();
                let view = Arc::new(VaultView { vault, used, resources });
                vault_of.extend(of_vault.into_iter().map(|id| (id, Arc::clone(&view))));
            }
        }
        let protectable = |source: Source| {
            let all = VolumeSelection::default();
            let refusal = source.state(&all).check_protectable(source.id(), &all).err();
            let vault = vault_of.get(&source.id()).map(|view| VaultView::clone(view));
            let protection = Protection { refusal, vault };
            let source = match source {
                Source::Disk(disk) => ProtectableSource::Disk(disk),
                Source::Server(server, disks) => ProtectableSource::Server(server, disks),
            };
            Protectable { source, protection }
        };
        Ok(sources.into_iter().map(protectable).collect())
    }
}
