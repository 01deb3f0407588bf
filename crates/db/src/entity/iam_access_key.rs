//! Access keys of users.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "iam_access_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) access: String,
    pub(crate) user_id: String,
    /// The secret key, sealed.
    pub(crate) secret: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub(crate) description: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
