//! Queries about tokens. The token itself is nowhere: who reads the database cannot call.

use std::fmt;

use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use strongroom_base::Timestamp;
use strongroom_base::ids::to_hex;
use strongroom_model::{Scope, UserId};

use crate::entity::iam_token;
use crate::row::{micros, scope_columns};
use crate::{DbError, Tx};

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
