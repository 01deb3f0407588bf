//! Queries about single vaults.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use strongroom_base::ByteCount;
use strongroom_base::ids::RepoId;
use strongroom_model::{ProjectId, Vault, VaultId};

use super::vault_row::{StoredVault, changed, new};
use crate::entity::cbr_vault::{Column, Entity};
use crate::entity::cbr_vault_tag;
use crate::row::number;
use crate::{Db, DbError, Tx};

fn of_project(project: ProjectId, id: VaultId) -> Select<Entity> {
    Entity::find_by_id(id.to_string()).filter(Column::ProjectId.eq(project.to_string()))
}

impl Tx {
    /// Adds a vault.
    pub async fn vault_insert(&self, vault: &Vault) -> Result<(), DbError> {
        let inserted = Entity::insert(new(vault)).exec_without_returning(&self.0).await;
        inserted.map_err(DbError::of("vault_insert"))?;
        self.vault_insert_tags(vault).await
    }

    /// A project's vault, which nobody else changes until the end of this transaction.
    pub async fn vault_lock(
        &self,
        project: ProjectId,
        id: VaultId,
    ) -> Result<Option<StoredVault>, DbError> {
        let found = of_project(project, id).lock_exclusive().one(&self.0).await;
        found.map_err(DbError::of("vault_lock"))?.map(StoredVault::try_from).transpose()
    }

    /// The same of a vault in whichever project: a task knows none.
    pub async fn vault_lock_by_id(&self, id: VaultId) -> Result<Option<StoredVault>, DbError> {
        let found = Entity::find_by_id(id.to_string()).lock_exclusive().one(&self.0).await;
        found.map_err(DbError::of("vault_lock_by_id"))?.map(StoredVault::try_from).transpose()
    }

    /// Notes the repository of a vault, once: one that has another repository is `Affected`.
    pub async fn vault_set_repository(&self, id: VaultId, to: RepoId) -> Result<(), DbError> {
        let query = "vault_set_repository";
        let is_free = Column::RepositoryId.is_null().or(Column::RepositoryId.eq(to.to_string()));
        let update = Entity::update_many()
            .col_expr(Column::RepositoryId, Expr::value(to.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .filter(is_free);
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Notes how much the backups of a vault need in the store.
    pub async fn vault_set_used(&self, id: VaultId, used: ByteCount) -> Result<(), DbError> {
        let query = "vault_set_used";
        let update = Entity::update_many()
            .col_expr(Column::UsedBytes, Expr::value(number(used.0)))
            .filter(Column::Id.eq(id.to_string()));
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Writes what changed of a vault: all but its kind, its maker and its project.
    pub async fn vault_update(&self, vault: &Vault) -> Result<(), DbError> {
        let query = "vault_update";
        let id = vault.id.to_string();
        let update = Entity::update_many().set(changed(vault)).filter(Column::Id.eq(id.clone()));
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)?;
        let of_vault = cbr_vault_tag::Column::VaultId.eq(id);
        let gone = cbr_vault_tag::Entity::delete_many().filter(of_vault).exec(&self.0).await;
        gone.map_err(DbError::of(query))?;
        self.vault_insert_tags(vault).await
    }

    /// Removes a vault that has no resources; whether there was one.
    pub async fn vault_delete(&self, id: VaultId) -> Result<bool, DbError> {
        let deleted = Entity::delete_by_id(id.to_string()).exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("vault_delete"))
    }

    async fn vault_insert_tags(&self, vault: &Vault) -> Result<(), DbError> {
        let row = |tag: &strongroom_model::Tag| cbr_vault_tag::ActiveModel {
            vault_id: Set(vault.id.to_string()),
            key: Set(tag.key.to_string()),
            value: Set(tag.value.to_string()),
            project_id: Set(vault.project_id.to_string()),
        };
        let rows: Vec<_> = vault.tags.as_slice().iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let inserted = cbr_vault_tag::Entity::insert_many(rows).exec_without_returning(&self.0);
        inserted.await.map(|_| ()).map_err(DbError::of("vault_insert_tags"))
    }
}

impl Db {
    /// A project's vault.
    pub async fn vault_get(
        &self,
        project: ProjectId,
        id: VaultId,
    ) -> Result<Option<StoredVault>, DbError> {
        let found = of_project(project, id).one(&self.read).await;
        found.map_err(DbError::of("vault_get"))?.map(StoredVault::try_from).transpose()
    }

    /// Up to `limit` vaults of all projects, by their ids, those after `after`.
    pub async fn vault_page_all(
        &self,
        after: Option<VaultId>,
        limit: u64,
    ) -> Result<Vec<StoredVault>, DbError> {
        let mut rows = Entity::find().order_by_asc(Column::Id).limit(limit);
        if let Some(after) = after {
            rows = rows.filter(Column::Id.gt(after.to_string()));
        }
        let found = rows.all(&self.read).await.map_err(DbError::of("vault_page_all"))?;
        found.into_iter().map(StoredVault::try_from).collect()
    }
}
