//! Tasks, as the runtime knows them.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) workflow: String,
    pub(crate) version: i64,
    pub(crate) queue: String,
    /// The workflow's parameters as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) params: String,
    /// What no two running tasks may work on at once, as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) keys: String,
    pub(crate) request: String,
    pub(crate) created_at: i64,
    /// `waiting`, `running` or `ended`.
    pub(crate) state: String,
    /// How it ended.
    pub(crate) ended_as: Option<String>,
    pub(crate) fence: i64,
    pub(crate) worker: Option<String>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) is_cancel_requested: bool,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    /// How far it has come, as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) progress: String,
    /// The last failure as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) failure: Option<String>,
    /// What was written with the end, as JSON: the same end again is no error.
    #[sea_orm(column_type = "Text")]
    pub(crate) ending: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
