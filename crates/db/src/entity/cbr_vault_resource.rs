//! What vaults protect. A resource is in one vault at most (R34).

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cbr_vault_resource")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) resource_id: String,
    pub(crate) vault_id: String,
    pub(crate) project_id: String,
    /// In the order in which they came into the vault.
    pub(crate) position: i64,
    pub(crate) resource_type: String,
    pub(crate) name: String,
    pub(crate) size_gb: i64,
    pub(crate) protect_status: String,
    /// Which disks of a server, as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) selection: String,
    pub(crate) backup_bytes: i64,
    pub(crate) backup_count: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
