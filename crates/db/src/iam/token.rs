//! Queries about tokens. The token itself is nowhere: who reads the database cannot call.

use std::fmt;

use sea_orm::sea_query::{Alias, Expr, JoinType, SelectStatement, Value};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _,
    ExprTrait as _, FromQueryResult, QueryFilter as _,
};
use strongroom_base::Timestamp;
use strongroom_base::ids::to_hex;
use strongroom_model::name::AccountName;
use strongroom_model::{DomainId, Name, Role, Scope, UserId};

use super::grant::read_roles;
use crate::entity::{iam_domain, iam_grant, iam_project, iam_token, iam_user};
use crate::prepared::Prepared;
use crate::row::{NO_SCOPE, PROJECT, Row, micros, scope_columns};
use crate::{Db, DbError, Tx};

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}..)", to_hex(self.0.first_chunk::<4>().unwrap_or(&[0; 4])))
    }
}

/// A token that is issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its hash.
    pub hash: TokenHash,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is good for; nothing but looking around without one.
    pub scope: Option<Scope>,
    /// How it was asked for, with commas.
    pub methods: String,
    /// When.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Who holds a token that is good, and what with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The user.
    pub user_id: UserId,
    /// Its name.
    pub user_name: AccountName,
    /// The user's domain.
    pub domain_id: DomainId,
    /// Its name.
    pub domain_name: AccountName,
    /// What the token is good for.
    pub scope: Option<Scope>,
    /// The name of the project that it is good for.
    pub project_name: Option<Name>,
    /// The roles that the user has there now, each once.
    pub roles: Vec<Role>,
    /// How it was asked for, with commas.
    pub methods: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// One row for each role, or one without a role.
#[derive(Debug, FromQueryResult)]
struct HolderRow {
    user_id: String,
    user_name: String,
    domain_id: String,
    domain_name: String,
    scope_kind: String,
    scope_id: String,
    project_name: Option<String>,
    role: Option<String>,
    methods: String,
    issued_at: i64,
    expires_at: i64,
}

impl Tx {
    /// Adds a token.
    pub async fn token_insert(&self, token: &NewToken) -> Result<(), DbError> {
        let (scope_kind, scope_id) = scope_columns(token.scope);
        let row = iam_token::ActiveModel {
            hash: Set(token.hash.0.to_vec()),
            user_id: Set(token.user_id.to_string()),
            scope_kind: Set(scope_kind),
            scope_id: Set(scope_id),
            methods: Set(token.methods.clone()),
            issued_at: Set(micros(token.issued_at)),
            expires_at: Set(micros(token.expires_at)),
        };
        let inserted = iam_token::Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("token_insert"))
    }

    /// Revokes a token; whether there was one.
    pub async fn token_delete(&self, hash: TokenHash) -> Result<bool, DbError> {
        let deleted = iam_token::Entity::delete_by_id(hash.0.to_vec()).exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("token_delete"))
    }

    /// Revokes all tokens of a user; the answer is how many there were.
    pub async fn token_delete_of_user(&self, user: UserId) -> Result<u64, DbError> {
        let of_user = iam_token::Column::UserId.eq(user.to_string());
        let deleted = iam_token::Entity::delete_many().filter(of_user).exec(&self.0).await;
        deleted.map(|done| done.rows_affected).map_err(DbError::of("token_delete_of_user"))
    }

    /// Removes the tokens that are good no more; the answer is how many.
    pub async fn token_delete_expired(&self, now: Timestamp) -> Result<u64, DbError> {
        let is_expired = iam_token::Column::ExpiresAt.lte(micros(now));
        let deleted = iam_token::Entity::delete_many().filter(is_expired).exec(&self.0).await;
        deleted.map(|done| done.rows_affected).map_err(DbError::of("token_delete_expired"))
    }
}

impl Db {
    /// Who holds a token, if it is good now: not expired, and nobody in it disabled (IAM-2). One
    /// statement, because every request asks.
    pub async fn token_holder(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, DbError> {
        let query = "token_holder";
        let statement = HOLDER.with(self.read.get_database_backend(), holder_values(hash, now));
        let found = self.read.query_all_raw(statement).await.map_err(DbError::of(query))?;
        let rows = found.iter().map(|row| HolderRow::from_query_result(row, ""));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(DbError::of(query))?;
        let Some(first) = rows.first() else { return Ok(None) };
        let token = to_hex(&hash.0);
        let at = Row { table: "iam_token", id: &token };
        let roles = read_roles(at, rows.iter().filter_map(|row| row.role.as_deref()))?;
        let project_name = first.project_name.as_deref().map(Name::parse).transpose();
        Ok(Some(TokenHolder {
            user_id: at.id("user_id", &first.user_id)?,
            user_name: at.read("user_name", AccountName::parse(&first.user_name))?,
            domain_id: at.id("domain_id", &first.domain_id)?,
            domain_name: at.read("domain_name", AccountName::parse(&first.domain_name))?,
            scope: at.scope(&first.scope_kind, &first.scope_id)?,
            project_name: at.read("project_name", project_name)?,
            roles,
            methods: first.methods.clone(),
            issued_at: at.time("issued_at", first.issued_at)?,
            expires_at: at.time("expires_at", first.expires_at)?,
        }))
    }
}

static HOLDER: Prepared = Prepared::new(|| holder(TokenHash([0; 32]), Timestamp(0)));

/// The values of [`holder`] in its order.
fn holder_values(hash: TokenHash, now: Timestamp) -> Vec<Value> {
    let (hash, now): (Value, Value) = (hash.0.to_vec().into(), micros(now).into());
    let (project, yes): (Value, Value) = (PROJECT.into(), true.into());
    let [first, second] = [project.clone(), NO_SCOPE.into()];
    vec![first, second, hash, now, yes.clone(), yes.clone(), project, yes]
}

fn holder(hash: TokenHash, now: Timestamp) -> SelectStatement {
    use iam_token::Column as Token;
    let token = |column: Token| Expr::col((iam_token::Entity, column));
    let domain = |column: iam_domain::Column| Expr::col((iam_domain::Entity, column));
    let user = |column: iam_user::Column| Expr::col((iam_user::Entity, column));
    let project = |column: iam_project::Column| Expr::col((iam_project::Entity, column));
    let grant = |column: iam_grant::Column| Expr::col((iam_grant::Entity, column));
    let in_project = Condition::all()
        .add(token(Token::ScopeKind).eq(PROJECT))
        .add(project(iam_project::Column::Id).equals((iam_token::Entity, Token::ScopeId)));
    let here = Condition::all()
        .add(grant(iam_grant::Column::ScopeKind).equals((iam_token::Entity, Token::ScopeKind)))
        .add(grant(iam_grant::Column::ScopeId).equals((iam_token::Entity, Token::ScopeId)));
    let granted = Condition::all()
        .add(grant(iam_grant::Column::UserId).equals((iam_token::Entity, Token::UserId)))
        .add(Condition::any().add(here).add(grant(iam_grant::Column::ScopeKind).eq(NO_SCOPE)));
    let mut select = SelectStatement::new();
    select
        .columns([
            (iam_token::Entity, Token::UserId),
            (iam_token::Entity, Token::ScopeKind),
            (iam_token::Entity, Token::ScopeId),
            (iam_token::Entity, Token::Methods),
            (iam_token::Entity, Token::IssuedAt),
            (iam_token::Entity, Token::ExpiresAt),
        ])
        .expr_as(user(iam_user::Column::Name), Alias::new("user_name"))
        .expr_as(user(iam_user::Column::DomainId), Alias::new("domain_id"))
        .expr_as(domain(iam_domain::Column::Name), Alias::new("domain_name"))
        .expr_as(project(iam_project::Column::Name), Alias::new("project_name"))
        .expr_as(grant(iam_grant::Column::Role), Alias::new("role"))
        .from(iam_token::Entity)
        .join(
            JoinType::InnerJoin,
            iam_user::Entity,
            user(iam_user::Column::Id).equals((iam_token::Entity, Token::UserId)),
        )
        .join(
            JoinType::InnerJoin,
            iam_domain::Entity,
            domain(iam_domain::Column::Id).equals((iam_user::Entity, iam_user::Column::DomainId)),
        )
        .join(JoinType::LeftJoin, iam_project::Entity, in_project)
        .join(JoinType::LeftJoin, iam_grant::Entity, granted)
        .and_where(token(Token::Hash).eq(hash.0.to_vec()))
        .and_where(token(Token::ExpiresAt).gt(micros(now)))
        .and_where(user(iam_user::Column::IsEnabled).eq(true))
        .and_where(domain(iam_domain::Column::IsEnabled).eq(true))
        // A project that is gone or disabled: its tokens are good for nothing.
        .cond_where(
            Condition::any()
                .add(token(Token::ScopeKind).ne(PROJECT))
                .add(project(iam_project::Column::IsEnabled).eq(true)),
        );
    select
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::check;

    #[test]
    fn holder_is_prepared_as_it_is_built() {
        let (hash, now) = (TokenHash([7; 32]), Timestamp(11));
        check(&HOLDER, &holder_values(hash, now), &holder(hash, now));
    }
}
