//! Vaults.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cbr_vault")]
#[expect(clippy::struct_excessive_bools, reason = "columns are what they are")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) created_at: i64,
    pub(crate) name: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) description: String,
    pub(crate) object_type: String,
    pub(crate) protect_type: String,
    pub(crate) consistent_level: String,
    pub(crate) cloud_type: String,
    pub(crate) size_gb: i64,
    pub(crate) status: String,
    pub(crate) threshold: i32,
    pub(crate) sends_notices: bool,
    pub(crate) is_auto_bind: bool,
    /// Tags as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) bind_rules: String,
    /// Tags in their order, as JSON; `cbr_vault_tag` has them again, to be looked for.
    #[sea_orm(column_type = "Text")]
    pub(crate) tags: String,
    pub(crate) is_auto_expand: bool,
    pub(crate) is_locked: bool,
    pub(crate) backup_name_prefix: String,
    pub(crate) enterprise_project_id: String,
    pub(crate) availability_zone: Option<String>,
    /// The repository that its backups are written to; made with the first backup.
    pub(crate) repository_id: Option<String>,
    /// Bytes that its backups need in the store.
    pub(crate) used_bytes: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
