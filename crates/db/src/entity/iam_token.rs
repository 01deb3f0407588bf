//! Tokens that were issued. The token itself is nowhere.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "iam_token")]
pub(crate) struct Model {
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hash: Vec<u8>,
    pub(crate) user_id: String,
    /// `project`, `domain` or `none`.
    pub(crate) scope_kind: String,
    /// The project's or domain's id; empty without a scope.
    pub(crate) scope_id: String,
    /// How it was asked for, with commas: `password`, `token`.
    pub(crate) methods: String,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
