//! Who this catalogue is for the journal; one row at most.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journal_owner")]
pub(crate) struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: i32,
    /// 32 hexadecimal digits.
    pub(crate) owner: String,
    /// The owner whose journal this catalogue was made from.
    pub(crate) replaces: Option<String>,
    /// Raised before every turn.
    pub(crate) fence: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
