//! Queries about domains.

use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use strongroom_base::Timestamp;
use strongroom_model::DomainId;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;

use crate::entity::iam_domain::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros};
use crate::{Db, DbError, Tx};

impl TryFrom<Model> for Domain {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "iam_domain", id: &row.id };
        Ok(Self {
            id: at.id("id", &row.id)?,
            name: at.read("name", AccountName::parse(&row.name))?,
            is_enabled: row.is_enabled,
        })
    }
}

impl Tx {
    /// Whether there is no domain yet. Nobody else is answered until the end of this transaction, so
    /// that of two first starts one makes its domain, whatever they call it.
    pub async fn domain_is_first(&self) -> Result<bool, DbError> {
        let query = "domain_is_first";
        if let Some(lock) = self.1.lock_first_domain() {
            self.0.execute_unprepared(&lock).await.map_err(DbError::of(query))?;
        }
        Ok(Entity::find().one(&self.0).await.map_err(DbError::of(query))?.is_none())
    }

    /// Adds a domain. `Conflict` when one has its name.
    pub async fn domain_insert(&self, domain: &Domain, now: Timestamp) -> Result<(), DbError> {
        let row = ActiveModel {
            id: Set(domain.id.to_string()),
            name: Set(domain.name.to_string()),
            is_enabled: Set(domain.is_enabled),
            created_at: Set(micros(now)),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("domain_insert"))
    }
}

impl Db {
    /// Whether there is no domain: whether the first start is still to come.
    pub async fn is_empty(&self) -> Result<bool, DbError> {
        let found = Entity::find().limit(1).all(&self.read).await;
        found.map(|rows| rows.is_empty()).map_err(DbError::of("is_empty"))
    }

    /// The domain with this id.
    pub async fn domain_get(&self, id: DomainId) -> Result<Option<Domain>, DbError> {
        let found = Entity::find_by_id(id.to_string()).one(&self.read).await;
        found.map_err(DbError::of("domain_get"))?.map(Domain::try_from).transpose()
    }

    /// Whether there is any domain.
    pub async fn domain_exists(&self) -> Result<bool, DbError> {
        let found = Entity::find().one(&self.read).await;
        found.map(|row| row.is_some()).map_err(DbError::of("domain_exists"))
    }

    /// The domain with this name.
    pub async fn domain_get_by_name(&self, name: &str) -> Result<Option<Domain>, DbError> {
        let found = Entity::find().filter(Column::Name.eq(name)).one(&self.read).await;
        found.map_err(DbError::of("domain_get_by_name"))?.map(Domain::try_from).transpose()
    }
}
