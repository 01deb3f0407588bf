//! Backups: whole ones, and the disks of servers as their children.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cbr_backup")]
#[expect(clippy::struct_excessive_bools, reason = "columns are what they are")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) checkpoint_id: String,
    pub(crate) project_id: String,
    pub(crate) vault_id: String,
    pub(crate) parent_id: Option<String>,
    /// In the order in which they were inserted.
    pub(crate) position: i64,
    pub(crate) name: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) description: String,
    pub(crate) status: String,
    pub(crate) image_type: String,
    pub(crate) resource_id: String,
    pub(crate) resource_type: String,
    pub(crate) resource_name: String,
    pub(crate) resource_size_gb: i64,
    pub(crate) resource_zone: Option<String>,
    pub(crate) is_automatic: bool,
    pub(crate) is_incremental: bool,
    pub(crate) is_encrypted: bool,
    pub(crate) is_system_disk: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// -1 until it is available: lists are ordered by it, and the databases disagree about the place
    /// of nulls.
    pub(crate) protected_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) manifest_id: Option<String>,
    pub(crate) stored_bytes: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
