//! Lists of backups (contract, 4.5).

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait as _, Condition, ExprTrait as _, Order};
use strongroom_model::backup::{Backup, BackupView};
use strongroom_model::filter::{BackupFilter, Ownership, TimeWindow, VaultUsage};
use strongroom_model::page::Page;
use strongroom_model::sort::{Direction, Sort, SortKey};
use strongroom_model::{BackupId, ProjectId};

use super::backup::children;
use crate::count::{Counted, counter};
use crate::entity::cbr_backup::{Column, Entity};
use crate::entity::cbr_vault;
use crate::page::Listing;
use crate::row::micros;
use crate::{Db, DbError};

/// A page of backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupList {
    /// The backups of the page.
    pub backups: Vec<BackupView>,
    /// How many match on all pages.
    pub count: u64,
}

impl Db {
    /// A project's backups; none at all when the page begins after a backup that is not there.
    /// Three statements.
    pub async fn backup_list(
        &self,
        project: ProjectId,
        filter: &BackupFilter,
        sort: &Sort,
        page: &Page<BackupId>,
    ) -> Result<Option<BackupList>, DbError> {
        let is_all =
            *filter == BackupFilter { ownership: filter.ownership, ..BackupFilter::default() };
        let has_counter = is_all && filter.ownership != Ownership::Shared;
        let listing = Listing::<Entity> {
            query: "backup_list",
            visible: Column::ProjectId.eq(project.to_string()).into(),
            matching: condition(project, filter),
            order: order(sort),
            counter: has_counter.then(|| counter(project, Counted::Backups)),
        };
        let Some(found) = listing.read(&self.read, page).await? else { return Ok(None) };
        let parents = found.rows.iter().filter(|row| row.parent_id.is_none());
        let parents: Vec<_> = parents.map(|row| row.id.clone()).collect();
        let mut parts = BTreeMap::<Option<BackupId>, Vec<Backup>>::new();
        for child in children(&self.read, &parents).await? {
            parts.entry(child.parent_id).or_default().push(child);
        }
        let view = |row| {
            let backup = Backup::try_from(row)?;
            let children = parts.remove(&Some(backup.id)).unwrap_or_default();
            Ok(BackupView { backup, children })
        };
        let backups = found.rows.into_iter().map(view).collect::<Result<_, DbError>>()?;
        Ok(Some(BackupList { backups, count: found.count }))
    }
}

/// The columns to order by, up to the id: after it nothing decides.
fn order(sort: &Sort) -> Vec<(Column, Order)> {
    let mut order = Vec::new();
    for (key, direction) in sort.keys() {
        let column = match key {
            SortKey::CreatedAt => Column::CreatedAt,
            SortKey::UpdatedAt => Column::UpdatedAt,
            SortKey::Name => Column::Name,
            SortKey::Status => Column::Status,
            SortKey::ProtectedAt => Column::ProtectedAt,
            SortKey::Id => Column::Id,
        };
        let direction = match direction {
            Direction::Ascending => Order::Asc,
            Direction::Descending => Order::Desc,
        };
        order.push((column, direction));
        if *key == SortKey::Id {
            break;
        }
    }
    order
}

fn condition(project: ProjectId, filter: &BackupFilter) -> Condition {
    let parent = match filter.parent_id {
        Some(parent) => Column::ParentId.eq(parent.to_string()),
        None => Column::ParentId.is_null(),
    };
    // Nothing is shared yet.
    let nothing = (filter.ownership == Ownership::Shared).then(|| Expr::value(1).eq(0));
    let statuses = filter.statuses.iter().map(|status| status.as_str());
    let checkpoint = filter.checkpoint_id.map(|id| id.to_string());
    let zone = filter.resource_zone.as_deref();
    Condition::all()
        .add(parent)
        .add_option(nothing)
        .add_option(checkpoint.map(|id| Column::CheckpointId.eq(id)))
        .add_option(filter.vault_id.map(|id| Column::VaultId.eq(id.to_string())))
        .add_option(filter.resource_id.map(|id| Column::ResourceId.eq(id.to_string())))
        .add_option(filter.name.as_deref().map(|name| Column::Name.eq(name)))
        .add_option(filter.resource_name.as_deref().map(|name| Column::ResourceName.eq(name)))
        .add_option(zone.map(|zone| Column::ResourceZone.eq(zone)))
        .add_option(filter.resource_type.map(|of| Column::ResourceType.eq(of.as_str())))
        .add_option(filter.image_type.map(|of| Column::ImageType.eq(of.as_str())))
        .add_option((!filter.statuses.is_empty()).then(|| Column::Status.is_in(statuses)))
        .add_option(filter.is_incremental.map(|is| Column::IsIncremental.eq(is)))
        .add_option(filter.vault_usage.map(|usage| is_in_full_vault(project, usage)))
        .add(made_in(Column::CreatedAt, &filter.created))
}

/// Whether the moment in a column is in a stretch of time.
pub(super) fn made_in(column: impl sea_orm::ColumnTrait, window: &TimeWindow) -> Condition {
    Condition::all()
        .add_option(window.from.map(|from| column.gte(micros(from))))
        .add_option(window.to.map(|to| column.lte(micros(to))))
}

/// Whether the backup's vault is used to at least this share: of the largest vault, 2^33 gigabytes
/// times 100 are still a number of 63 bits.
fn is_in_full_vault(project: ProjectId, usage: VaultUsage) -> Expr {
    use cbr_vault::Column as Vault;
    // Used bytes times 100 could be too much for the column's type: the other side is divided.
    let hundredfold = i64::from(usage.percent()) << 30;
    let least = Expr::col(Vault::SizeGb).mul(hundredfold).add(99).div(100);
    let full = Query::select()
        .column(Vault::Id)
        .from(cbr_vault::Entity)
        .and_where(Vault::ProjectId.eq(project.to_string()))
        .and_where(Expr::col(Vault::UsedBytes).gte(least))
        .to_owned();
    Column::VaultId.in_subquery(full)
}
