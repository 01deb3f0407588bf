//! Queries about the repositories of vaults.
//!
//! # Invariants
//! - A repository's row goes after its objects: what has no row has no objects.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use strongroom_base::Timestamp;
use strongroom_base::ids::RepoId;
use strongroom_model::VaultId;

use crate::entity::cbr_repository::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros};
use crate::{Db, DbError, Tx};

/// Stands for the time of a collection while one is under way: long ago, so that it stays due.
const BEING_COLLECTED: Timestamp = Timestamp(0);

/// A repository as the reconcilers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRepository {
    /// The vault that it is, or was, of.
    pub vault_id: VaultId,
    /// Its id.
    pub repository_id: RepoId,
    /// When its vault was deleted.
    pub retired_at: Option<Timestamp>,
    /// When it was last collected; none when it is due, and long ago while it is under way.
    pub collected_at: Option<Timestamp>,
    /// When it was last verified.
    pub verified_at: Option<Timestamp>,
}

impl TryFrom<Model> for StoredRepository {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "cbr_repository", id: &row.vault_id };
        let time = |column, value: Option<i64>| value.map(|at_| at.time(column, at_)).transpose();
        Ok(Self {
            vault_id: at.id("vault_id", &row.vault_id)?,
            repository_id: at.id("repository_id", &row.repository_id)?,
            retired_at: time("retired_at", row.retired_at)?,
            collected_at: time("collected_at", row.collected_at)?,
            verified_at: time("verified_at", row.verified_at)?,
        })
    }
}

impl Tx {
    /// Notes that a vault has a repository; again changes nothing.
    pub async fn repository_insert(&self, vault: VaultId, id: RepoId) -> Result<(), DbError> {
        let row = ActiveModel {
            vault_id: Set(vault.to_string()),
            repository_id: Set(id.to_string()),
            retired_at: Set(None),
            collected_at: Set(None),
            verified_at: Set(None),
        };
        let inserted = Entity::insert(row)
            .on_conflict(OnConflict::column(Column::VaultId).do_nothing().to_owned())
            .exec_without_returning(&self.0)
            .await;
        inserted.map(|_| ()).map_err(DbError::of("repository_insert"))
    }

    /// Notes that the vault of a repository is deleted; nothing if it never had one.
    pub async fn repository_retire(&self, vault: VaultId, at: Timestamp) -> Result<(), DbError> {
        self.repository_set("repository_retire", vault, Column::RetiredAt, at).await
    }

    /// Notes that a repository is being collected. It stays due: whoever collects may die.
    pub async fn repository_begin_collection(&self, vault: VaultId) -> Result<(), DbError> {
        let query = "repository_begin_collection";
        self.repository_set(query, vault, Column::CollectedAt, BEING_COLLECTED).await
    }

    /// Notes when a repository was collected; nothing if it was made due since that began.
    pub async fn repository_set_collected(
        &self,
        vault: VaultId,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let update = Entity::update_many()
            .col_expr(Column::CollectedAt, Expr::value(micros(at)))
            .filter(Column::VaultId.eq(vault.to_string()))
            .filter(Column::CollectedAt.eq(micros(BEING_COLLECTED)));
        let done = update.exec(&self.0).await;
        done.map(|_| ()).map_err(DbError::of("repository_set_collected"))
    }

    /// Notes that a repository has something to collect: it is due at once.
    pub async fn repository_make_due(&self, vault: VaultId) -> Result<(), DbError> {
        let update = Entity::update_many()
            .col_expr(Column::CollectedAt, Expr::value(None::<i64>))
            .filter(Column::VaultId.eq(vault.to_string()));
        let done = update.exec(&self.0).await;
        done.map(|_| ()).map_err(DbError::of("repository_make_due"))
    }

    /// Notes when a repository was verified.
    pub async fn repository_set_verified(
        &self,
        vault: VaultId,
        at: Timestamp,
    ) -> Result<(), DbError> {
        self.repository_set("repository_set_verified", vault, Column::VerifiedAt, at).await
    }

    /// Forgets a repository, after its last object.
    pub async fn repository_delete(&self, vault: VaultId) -> Result<bool, DbError> {
        let deleted = Entity::delete_by_id(vault.to_string()).exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("repository_delete"))
    }

    async fn repository_set(
        &self,
        query: &'static str,
        vault: VaultId,
        column: Column,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let update = Entity::update_many()
            .col_expr(column, Expr::value(micros(at)))
            .filter(Column::VaultId.eq(vault.to_string()));
        update.exec(&self.0).await.map(|_| ()).map_err(DbError::of(query))
    }
}

impl Db {
    /// Up to `limit` repositories by the ids of their vaults, those after `after`.
    pub async fn repository_page_all(
        &self,
        after: Option<VaultId>,
        limit: u64,
    ) -> Result<Vec<StoredRepository>, DbError> {
        let mut rows = Entity::find().order_by_asc(Column::VaultId).limit(limit);
        if let Some(after) = after {
            rows = rows.filter(Column::VaultId.gt(after.to_string()));
        }
        let found = rows.all(&self.read).await.map_err(DbError::of("repository_page_all"))?;
        found.into_iter().map(StoredRepository::try_from).collect()
    }
}
