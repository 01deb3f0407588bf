//! Tasks, as users see them. They outlive what they were about.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cbr_task")]
pub(crate) struct Model {
    /// The id of the runtime's task, if there is one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) project_id: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    /// What clients are told of the state, which is what they look for.
    pub(crate) shown_status: String,
    pub(crate) progress: i32,
    pub(crate) bytes_done: i64,
    pub(crate) bytes_total: i64,
    pub(crate) failure_code: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub(crate) failure_message: Option<String>,
    pub(crate) request_id: String,
    pub(crate) object_type: String,
    pub(crate) vault_id: String,
    pub(crate) vault_name: String,
    pub(crate) checkpoint_id: Option<String>,
    /// The resource of the details, to be looked for.
    pub(crate) resource_id: Option<String>,
    pub(crate) resource_name: Option<String>,
    /// What it works on, as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) details: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) started_at: Option<i64>,
    /// Absent as long as somebody may be at work.
    pub(crate) ended_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
