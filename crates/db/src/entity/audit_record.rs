//! Who did what, and who was refused. Rows are only ever added.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_record")]
pub(crate) struct Model {
    /// In the order in which they were written.
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) event: String,
    pub(crate) subject_id: Option<String>,
    pub(crate) subject_name: Option<String>,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    /// None where the service itself did it.
    pub(crate) user_id: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) project_id: String,
    pub(crate) request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
