//! Roles of users, in a project, a domain or the whole installation.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "iam_grant")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: String,
    /// `project`, `domain` or `system`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) scope_kind: String,
    /// The project's or domain's id; empty for the installation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) scope_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) role: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
