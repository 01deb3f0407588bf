//! Lists of vaults: the newest first, the id decides between equals (contract, section 1).

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait as _, Condition, ExprTrait as _, Order};
use strongroom_model::filter::VaultFilter;
use strongroom_model::page::Page;
use strongroom_model::{ProjectId, VaultId};

use super::vault_row::StoredVault;
use crate::entity::cbr_vault::{Column, Entity};
use crate::entity::cbr_vault_resource;
use crate::page::Listing;
use crate::row::keys;
use crate::{Db, DbError};

/// A page of vaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultList {
    /// The vaults of the page.
    pub vaults: Vec<StoredVault>,
    /// How many match on all pages.
    pub count: u64,
}

impl Db {
    /// A project's vaults; none at all when the page begins after a vault that is not there.
    pub async fn vault_list(
        &self,
        project: ProjectId,
        filter: &VaultFilter,
        page: &Page<VaultId>,
    ) -> Result<Option<VaultList>, DbError> {
        let listing = Listing::<Entity> {
            query: "vault_list",
            visible: Column::ProjectId.eq(project.to_string()).into(),
            matching: condition(filter),
            order: newest_first(),
            counter: None,
        };
        let Some(found) = listing.read(&self.read, page).await? else { return Ok(None) };
        let vaults = found.rows.into_iter().map(StoredVault::try_from);
        Ok(Some(VaultList { vaults: vaults.collect::<Result<_, _>>()?, count: found.count }))
    }
}

/// The order of lists of vaults.
pub(super) fn newest_first() -> Vec<(Column, Order)> {
    vec![(Column::CreatedAt, Order::Desc), (Column::Id, Order::Desc)]
}

fn condition(filter: &VaultFilter) -> Condition {
    let (ids, resources) = (keys(&filter.ids), keys(&filter.resource_ids));
    let epid = filter.enterprise_project_id.as_ref();
    let zone = filter.availability_zone.as_ref();
    Condition::all()
        .add_option((!ids.is_empty()).then(|| Column::Id.is_in(ids)))
        .add_option(filter.name.as_ref().map(|name| Column::Name.eq(name.as_str())))
        .add_option(filter.object.map(|object| Column::ObjectType.eq(object.as_str())))
        .add_option(filter.protect.map(|protect| Column::ProtectType.eq(protect.as_str())))
        .add_option(filter.cloud_type.map(|cloud| Column::CloudType.eq(cloud.as_str())))
        .add_option(filter.status.map(|status| Column::Status.eq(status.as_str())))
        .add_option(epid.map(|id| Column::EnterpriseProjectId.eq(id.to_string())))
        .add_option(zone.map(|zone| Column::AvailabilityZone.eq(zone.as_str())))
        .add_option((!resources.is_empty()).then(|| has_one_of(resources)))
}

/// Whether one of these resources is in the vault.
fn has_one_of(resources: Vec<String>) -> Expr {
    use cbr_vault_resource::Column as Bound;
    let bound = Query::select()
        .column(Bound::VaultId)
        .from(cbr_vault_resource::Entity)
        .and_where(Expr::col(Bound::ResourceId).is_in(resources))
        .to_owned();
    Column::Id.in_subquery(bound)
}
