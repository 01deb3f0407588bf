//! Disks of hosts that were made known.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host_disk")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) name: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) description: String,
    pub(crate) status: String,
    pub(crate) size_bytes: i64,
    pub(crate) format: String,
    /// Where it is on its host; no two disks are in one place.
    #[sea_orm(column_type = "Text")]
    pub(crate) path: String,
    /// The server that it belongs to; with it its place there.
    pub(crate) server_id: Option<String>,
    pub(crate) position: Option<i64>,
    pub(crate) is_system: Option<bool>,
    pub(crate) is_managed: bool,
    pub(crate) volume_type: String,
    pub(crate) zone: Option<String>,
    /// Words with values as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) metadata: String,
    pub(crate) is_multiattach: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
