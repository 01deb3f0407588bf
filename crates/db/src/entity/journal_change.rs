//! Rows that changed and that the journal does not know yet. Triggers of the database fill it, in
//! the transaction of the change.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journal_change")]
pub(crate) struct Model {
    /// In about the order of the changes; never used again.
    #[sea_orm(primary_key)]
    pub(crate) number: i64,
    pub(crate) table_name: String,
    /// The values of the row's key as a JSON array.
    #[sea_orm(column_type = "Text")]
    pub(crate) row_key: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
