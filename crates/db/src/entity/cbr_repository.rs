//! Repositories of vaults. They outlive their vaults until their objects are gone.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cbr_repository")]
pub(crate) struct Model {
    /// The vault that it is, or was, of; its place in the store follows from that.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) vault_id: String,
    pub(crate) repository_id: String,
    /// When its vault was deleted.
    pub(crate) retired_at: Option<i64>,
    pub(crate) collected_at: Option<i64>,
    pub(crate) verified_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
