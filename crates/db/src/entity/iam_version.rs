//! The version of what holders of tokens are made of: one row.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "iam_version")]
pub(crate) struct Model {
    /// Always [`ONLY`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: i32,
    /// Another number after every change.
    pub(crate) version: i64,
}

/// The row.
pub(crate) const ONLY: i32 = 1;

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
