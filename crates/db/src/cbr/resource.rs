//! Resources in vaults.
//!
//! # Invariants
//! - DB-5: a resource is in one vault at most, whoever puts it somewhere at once (R34): its id is
//!   the table's key.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, JoinType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    FromQueryResult as _, IdenStatic as _, Iterable as _, QueryFilter as _, QueryOrder as _,
    QueryResult, QuerySelect as _, QueryTrait as _,
};
use strongroom_base::ByteCount;
use strongroom_model::resource::{
    BoundResource, ProtectStatus, ResourceName, ResourceType, ResourceUse,
};
use strongroom_model::{ProjectId, ResourceId, VaultId};

use super::vault_row::StoredVault;
use crate::columns::Columns;
use crate::entity::cbr_vault;
use crate::entity::cbr_vault_resource::{ActiveModel, Column, Entity, Model};
use crate::prepared::Prepared;
use crate::row::{Row, json, keys, number};
use crate::{Db, DbError, Tx};

/// What is read of a row, in the order of [`READ`].
struct ReadRow<'a> {
    id: &'a str,
    vault: &'a str,
    kind: &'a str,
    name: &'a str,
    size: i64,
    selection: &'a str,
    status: &'a str,
    count: i64,
    bytes: i64,
}

const READ: [Column; 9] = [
    Column::ResourceId,
    Column::VaultId,
    Column::ResourceType,
    Column::Name,
    Column::SizeGb,
    Column::Selection,
    Column::ProtectStatus,
    Column::BackupCount,
    Column::BackupBytes,
];

impl<'a> ReadRow<'a> {
    /// [`READ`] from the place `first` on; none where a vault has no resource.
    fn beside(row: Columns<'a>, first: usize) -> Result<Option<Self>, DbErr> {
        let Some(id) = row.text_option(first)? else { return Ok(None) };
        Ok(Some(Self {
            id,
            vault: row.text(first + 1)?,
            kind: row.text(first + 2)?,
            name: row.text(first + 3)?,
            size: row.number(first + 4)?,
            selection: row.text(first + 5)?,
            status: row.text(first + 6)?,
            count: row.number(first + 7)?,
            bytes: row.number(first + 8)?,
        }))
    }

    fn read(&self) -> Read {
        let at = Row { table: "cbr_vault_resource", id: self.id };
        let resource = BoundResource {
            id: at.id("resource_id", self.id)?,
            vault_id: at.id("vault_id", self.vault)?,
            resource_type: at.read("resource_type", ResourceType::parse(self.kind))?,
            name: at.read("name", ResourceName::parse(self.name))?,
            size_gigabytes: at.number("size_gb", self.size)?,
            volumes: at.json("selection", self.selection)?,
            status: at.read("protect_status", ProtectStatus::parse(self.status))?,
        };
        Ok(ResourceUse {
            resource,
            backup_count: at.number("backup_count", self.count)?,
            backup_bytes: ByteCount(at.number("backup_bytes", self.bytes)?),
        })
    }
}

type Read = Result<ResourceUse, DbError>;

impl TryFrom<Model> for ResourceUse {
    type Error = DbError;

    fn try_from(row: Model) -> Read {
        let row = ReadRow {
            id: &row.resource_id,
            vault: &row.vault_id,
            kind: &row.resource_type,
            name: &row.name,
            size: row.size_gb,
            selection: &row.selection,
            status: &row.protect_status,
            count: row.backup_count,
            bytes: row.backup_bytes,
        };
        row.read()
    }
}

/// What of a resource's row may change, apart from what its backups amount to.
fn changed(resource: &BoundResource) -> ActiveModel {
    ActiveModel {
        name: Set(resource.name.to_string()),
        size_gb: Set(number(resource.size_gigabytes)),
        selection: Set(json(&resource.volumes)),
        protect_status: Set(resource.status.to_string()),
        ..ActiveModel::default()
    }
}

/// The resources of vaults, [`READ`] of each.
fn of_vaults(vaults: &[VaultId]) -> SelectStatement {
    Entity::find()
        .select_only()
        .columns(READ)
        .filter(Column::VaultId.is_in(keys(vaults)))
        .order_by_asc(Column::VaultId)
        .order_by_asc(Column::Position)
        .into_query()
}

/// Reads a row of [`of_vaults`], or of another select that has its columns from `first` on.
fn read_from(row: &QueryResult, first: usize) -> Result<Option<ResourceUse>, DbError> {
    let read = ReadRow::beside(Columns(row), first).map_err(DbError::of("bound_list"))?;
    read.map(|read| read.read()).transpose()
}

async fn find(
    on: &impl ConnectionTrait,
    resources: &[ResourceId],
) -> Result<Vec<BoundResource>, DbError> {
    let query = Entity::find().filter(Column::ResourceId.is_in(keys(resources)));
    let found = query.order_by_asc(Column::ResourceId).all(on).await;
    let found = found.map_err(DbError::of("bound_find"))?;
    found.into_iter().map(|row| ResourceUse::try_from(row).map(|of| of.resource)).collect()
}

static WITH_BOUND: Prepared = Prepared::new(|| with_bound("", ""));

/// A project's vault, once for each resource in it, with [`READ`] and the position of that. Not
/// sorted: whoever reads the few rows does that.
fn with_bound(id: &str, project: &str) -> SelectStatement {
    use cbr_vault::Column as Vault;
    let bound = cbr_vault::Entity::belongs_to(Entity).from(Vault::Id).to(Column::VaultId).into();
    let mut query = cbr_vault::Entity::find_by_id(id)
        .filter(Vault::ProjectId.eq(project))
        .join(JoinType::LeftJoin, bound);
    for column in READ.into_iter().chain([Column::Position]) {
        query = query.column_as(column, format!("bound_{}", column.as_str()));
    }
    query.into_query()
}

impl Tx {
    /// The resources of a vault, in the order in which they came.
    pub async fn bound_list(&self, vault: VaultId) -> Result<Vec<ResourceUse>, DbError> {
        let rows = self.0.query_all(&of_vaults(&[vault])).await;
        let rows = rows.map_err(DbError::of("bound_list"))?;
        rows.iter().filter_map(|row| read_from(row, 0).transpose()).collect()
    }

    /// Those of these resources that are in a vault, by their ids.
    pub async fn bound_find(
        &self,
        resources: &[ResourceId],
    ) -> Result<Vec<BoundResource>, DbError> {
        find(&self.0, resources).await
    }

    /// Puts resources into vaults of a project that this transaction has locked. `Conflict` when
    /// one of them is in a vault already.
    pub async fn bound_insert(
        &self,
        resources: &[BoundResource],
        project: ProjectId,
    ) -> Result<(), DbError> {
        let query = "bound_insert";
        let mut last_of = BTreeMap::<VaultId, i64>::new();
        let mut rows = Vec::with_capacity(resources.len());
        for resource in resources {
            let vault = resource.vault_id;
            let last = match last_of.get(&vault) {
                Some(last) => *last,
                None => self.bound_last(vault).await?,
            };
            last_of.insert(vault, last + 1);
            rows.push(ActiveModel {
                resource_id: Set(resource.id.to_string()),
                vault_id: Set(vault.to_string()),
                project_id: Set(project.to_string()),
                position: Set(last + 1),
                resource_type: Set(resource.resource_type.to_string()),
                backup_bytes: Set(0),
                backup_count: Set(0),
                ..changed(resource)
            });
        }
        let inserted = Entity::insert_many(rows).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of(query))
    }

    /// The position of the last resource of a vault; 0 if it has none.
    async fn bound_last(&self, vault: VaultId) -> Result<i64, DbError> {
        let query = Entity::find()
            .select_only()
            .column(Column::Position)
            .filter(Column::VaultId.eq(vault.to_string()))
            .order_by_desc(Column::Position)
            .limit(1)
            .into_tuple::<i64>();
        let last = query.one(&self.0).await.map_err(DbError::of("bound_last"))?;
        Ok(last.unwrap_or(0))
    }

    /// Writes what changed of a resource: its name, size, disks and state.
    pub async fn bound_update(&self, resource: &BoundResource) -> Result<(), DbError> {
        let query = "bound_update";
        let update = Entity::update_many()
            .set(changed(resource))
            .filter(Column::ResourceId.eq(resource.id.to_string()));
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Sets the state of those of these resources that are in a vault.
    pub async fn bound_set_status(
        &self,
        resources: &[ResourceId],
        status: ProtectStatus,
    ) -> Result<(), DbError> {
        let update = Entity::update_many()
            .col_expr(Column::ProtectStatus, Expr::value(status.as_str()))
            .filter(Column::ResourceId.is_in(keys(resources)));
        let done = update.exec(&self.0).await;
        done.map(|_| ()).map_err(DbError::of("bound_set_status"))
    }

    /// Takes resources out of their vaults; the answer is how many were in one.
    pub async fn bound_delete(&self, resources: &[ResourceId]) -> Result<u64, DbError> {
        let these = Column::ResourceId.is_in(keys(resources));
        let deleted = Entity::delete_many().filter(these).exec(&self.0).await;
        deleted.map(|done| done.rows_affected).map_err(DbError::of("bound_delete"))
    }

    /// Counts backups of a resource, and what they need in the store, on top of those that it has;
    /// below zero for those that went. Whether it is in a vault.
    pub async fn bound_count_backup(
        &self,
        resource: ResourceId,
        count: i64,
        bytes: i64,
    ) -> Result<bool, DbError> {
        let update = Entity::update_many()
            .col_expr(Column::BackupCount, Expr::col(Column::BackupCount).add(count))
            .col_expr(Column::BackupBytes, Expr::col(Column::BackupBytes).add(bytes))
            .filter(Column::ResourceId.eq(resource.to_string()));
        let done = update.exec(&self.0).await.map_err(DbError::of("bound_count_backup"))?;
        Ok(done.rows_affected == 1)
    }
}

impl Db {
    /// The resources of vaults, by the vaults' ids and in the order in which they came.
    pub async fn bound_list(&self, vaults: &[VaultId]) -> Result<Vec<ResourceUse>, DbError> {
        let statement = self.read.get_database_backend().build(&of_vaults(vaults));
        let (mut found, mut wrong) = (Vec::new(), None);
        let take = |row| match read_from(&row, 0) {
            Ok(resource) => found.extend(resource),
            Err(error) => wrong = Some(error),
        };
        self.read.each(statement, take).await.map_err(DbError::of("bound_list"))?;
        wrong.map_or(Ok(found), Err)
    }

    /// Those of these resources that are in a vault, by their ids.
    pub async fn bound_find(
        &self,
        resources: &[ResourceId],
    ) -> Result<Vec<BoundResource>, DbError> {
        find(&self.read, resources).await
    }

    /// A project's vault with what is in it, in the order in which it came. One statement.
    pub async fn vault_get_bound(
        &self,
        project: ProjectId,
        id: VaultId,
    ) -> Result<Option<(StoredVault, Vec<ResourceUse>)>, DbError> {
        use cbr_vault::Column as Vault;
        let failed = DbError::of("vault_get_bound");
        let values = vec![id.to_string().into(), project.to_string().into()];
        let statement = WITH_BOUND.with(self.read.get_database_backend(), values);
        let rows = self.read.query_all_raw(statement).await.map_err(&failed)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let vault = cbr_vault::Model::from_query_result(row, "").map_err(&failed)?;
        let first = Vault::iter().count();
        let mut resources = BTreeMap::new();
        for row in &rows {
            let Some(resource) = read_from(row, first)? else { continue };
            let position = Columns(row).number(first + READ.len()).map_err(&failed)?;
            resources.insert(position, resource);
        }
        Ok(Some((StoredVault::try_from(vault)?, resources.into_values().collect())))
    }

    /// The vaults of a project that have any of these resources, each with all that are in it, in the
    /// order in which they came. One statement.
    pub async fn bound_vaults(
        &self,
        project: ProjectId,
        resources: &[ResourceId],
    ) -> Result<Vec<(StoredVault, Vec<ResourceUse>)>, DbError> {
        let vault = Entity::belongs_to(cbr_vault::Entity)
            .from(Column::VaultId)
            .to(cbr_vault::Column::Id)
            .into();
        let meant = Query::select()
            .column(Column::VaultId)
            .from(Entity)
            .and_where(Column::ResourceId.is_in(keys(resources)))
            .to_owned();
        let found = Entity::find()
            .join(JoinType::InnerJoin, vault)
            .filter(cbr_vault::Column::ProjectId.eq(project.to_string()))
            .filter(cbr_vault::Column::Id.in_subquery(meant))
            .order_by_asc(Column::VaultId)
            .order_by_asc(Column::Position)
            .select_also(cbr_vault::Entity)
            .all(&self.read)
            .await;
        let mut vaults = Vec::<(StoredVault, Vec<ResourceUse>)>::new();
        for (row, vault) in found.map_err(DbError::of("bound_vaults"))? {
            let bound = ResourceUse::try_from(row)?;
            match (vaults.last_mut(), vault) {
                (Some((last, of_last)), _) if last.vault.id == bound.resource.vault_id => {
                    of_last.push(bound);
                }
                (_, Some(vault)) => vaults.push((StoredVault::try_from(vault)?, vec![bound])),
                (_, None) => {}
            }
        }
        Ok(vaults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::check;

    #[test]
    fn vault_with_its_resources_is_prepared_as_it_is_built() {
        check(&WITH_BOUND, &["a".into(), "b".into()], &with_bound("a", "b"));
    }
}
