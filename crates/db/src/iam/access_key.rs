//! Queries about access keys.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use strongroom_base::Timestamp;
use strongroom_model::UserId;

use crate::entity::iam_access_key::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros};
use crate::{Db, DbError, Tx};

/// An access key to add.
#[derive(Clone)]
pub struct NewAccessKey {
    /// Its public half.
    pub access: String,
    /// Whose it is.
    pub user_id: UserId,
    /// The secret half, sealed.
    pub sealed_secret: Vec<u8>,
    /// What its owner says about it.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An access key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its public half.
    pub access: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Whether it signs anything.
    pub is_active: bool,
    /// What its owner says about it.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TryFrom<Model> for AccessKey {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "iam_access_key", id: &row.access };
        Ok(Self {
            user_id: at.id("user_id", &row.user_id)?,
            created_at: at.time("created_at", row.created_at)?,
            is_active: row.is_active,
            access: row.access,
            description: row.description,
        })
    }
}

impl Tx {
    /// Adds an access key.
    pub async fn access_key_insert(&self, key: NewAccessKey) -> Result<(), DbError> {
        let row = ActiveModel {
            access: Set(key.access),
            user_id: Set(key.user_id.to_string()),
            secret: Set(key.sealed_secret),
            description: Set(key.description),
            is_active: Set(true),
            created_at: Set(micros(key.created_at)),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("access_key_insert"))
    }

    /// How many a user has.
    pub async fn access_key_count(&self, user: UserId) -> Result<u64, DbError> {
        let of_user = Entity::find().filter(Column::UserId.eq(user.to_string()));
        of_user.count(&self.0).await.map_err(DbError::of("access_key_count"))
    }

    /// Lets one sign, or lets it sign no more (IAM-14); whether there is one.
    pub async fn access_key_set_active(
        &self,
        access: &str,
        is_active: bool,
    ) -> Result<bool, DbError> {
        let change = Entity::update_many()
            .col_expr(Column::IsActive, Expr::value(is_active))
            .filter(Column::Access.eq(access));
        let done = change.exec(&self.0).await.map_err(DbError::of("access_key_set_active"))?;
        Ok(done.rows_affected > 0)
    }

    /// Removes one; whether there was one.
    pub async fn access_key_delete(&self, access: &str) -> Result<bool, DbError> {
        let deleted = Entity::delete_by_id(access.to_owned()).exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("access_key_delete"))
    }
}

impl Db {
    /// The public half of any access key, and its sealed secret; none if there is no access key.
    pub async fn access_key_any(&self) -> Result<Option<(String, Vec<u8>)>, DbError> {
        let found = Entity::find().one(&self.read).await.map_err(DbError::of("access_key_any"))?;
        Ok(found.map(|row| (row.access, row.secret)))
    }

    /// An access key and its sealed secret.
    pub async fn access_key_get(
        &self,
        access: &str,
    ) -> Result<Option<(AccessKey, Vec<u8>)>, DbError> {
        let found = Entity::find_by_id(access.to_owned()).one(&self.read).await;
        let found = found.map_err(DbError::of("access_key_get"))?;
        let split = |row: Model| {
            let secret = row.secret.clone();
            Ok((AccessKey::try_from(row)?, secret))
        };
        found.map(split).transpose()
    }

    /// A user's access keys, the oldest first.
    pub async fn access_key_list(&self, user: UserId) -> Result<Vec<AccessKey>, DbError> {
        let query = Entity::find()
            .filter(Column::UserId.eq(user.to_string()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Access);
        let found = query.all(&self.read).await.map_err(DbError::of("access_key_list"))?;
        found.into_iter().map(AccessKey::try_from).collect()
    }
}
