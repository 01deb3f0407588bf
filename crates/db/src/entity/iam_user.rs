//! Users; a name is unique in its domain.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "iam_user")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) domain_id: String,
    pub(crate) name: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) description: String,
    pub(crate) default_project_id: Option<String>,
    /// The PHC string of argon2id; none for a user that logs in with access keys alone.
    #[sea_orm(column_type = "Text")]
    pub(crate) password_hash: Option<String>,
    pub(crate) is_enabled: bool,
    /// Wrong passwords in a row since `failing_since` (IAM-1).
    pub(crate) failed_logins: i32,
    /// When the first of them was tried.
    pub(crate) failing_since: Option<i64>,
    /// Until when no password counts.
    pub(crate) locked_until: Option<i64>,
    pub(crate) created_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
