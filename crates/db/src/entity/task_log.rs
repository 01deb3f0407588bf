//! Lines of the logs of tasks. Rows are only ever added.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_log")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) task_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i64,
    /// Who wrote it.
    pub(crate) fence: i64,
    /// The record as JSON.
    #[sea_orm(column_type = "Text")]
    pub(crate) record: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
