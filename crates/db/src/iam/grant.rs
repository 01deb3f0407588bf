//! Queries about the roles that users have.

use sea_orm::{ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};
use strongroom_model::{Role, Scope, UserId};

use crate::entity::iam_grant::{ActiveModel, Column, Entity};
use crate::row::{NO_SCOPE, Row, scope_columns};
use crate::{Db, DbError, Tx};

impl Tx {
    /// Gives a user a role in a scope; everywhere if there is none. `Conflict` when it has it.
    pub async fn grant_insert(
        &self,
        user: UserId,
        scope: Option<Scope>,
        role: Role,
    ) -> Result<(), DbError> {
        let (scope_kind, scope_id) = scope_columns(scope);
        let row = ActiveModel {
            user_id: Set(user.to_string()),
            scope_kind: Set(scope_kind),
            scope_id: Set(scope_id),
            role: Set(role.to_string()),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("grant_insert"))
    }

    /// Takes a role away; whether the user had it.
    pub async fn grant_delete(
        &self,
        user: UserId,
        scope: Option<Scope>,
        role: Role,
    ) -> Result<bool, DbError> {
        let (kind, id) = scope_columns(scope);
        let key = (user.to_string(), kind, id, role.to_string());
        let deleted = Entity::delete_by_id(key).exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("grant_delete"))
    }
}

impl Db {
    /// The roles that a user has in a scope, those that it has everywhere among them.
    pub async fn grant_roles(&self, user: UserId, scope: Scope) -> Result<Vec<Role>, DbError> {
        let (kind, id) = scope_columns(Some(scope));
        let here = Condition::all().add(Column::ScopeKind.eq(kind)).add(Column::ScopeId.eq(id));
        let query = Entity::find()
            .filter(Column::UserId.eq(user.to_string()))
            .filter(Condition::any().add(here).add(Column::ScopeKind.eq(NO_SCOPE)));
        let found = query.all(&self.read).await.map_err(DbError::of("grant_roles"))?;
        let user = user.to_string();
        let at = Row { table: "iam_grant", id: &user };
        read_roles(at, found.iter().map(|row| row.role.as_str()))
    }
}

/// Reads the roles of several rows, each once.
pub(super) fn read_roles<'a>(
    at: Row<'_>,
    words: impl Iterator<Item = &'a str>,
) -> Result<Vec<Role>, DbError> {
    let roles = words.map(|word| at.read("role", Role::parse(word)));
    let mut roles = roles.collect::<Result<Vec<_>, _>>()?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}
