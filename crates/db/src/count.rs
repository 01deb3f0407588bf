//! How many rows a project has, kept up in the transactions that add and remove them.
//!
//! # Invariants
//! - DB-4: a counter is the number of the rows that it counts, in every committed state.

use sea_orm::sea_query::{Expr, OnConflict, Query, SelectStatement};
use sea_orm::{ActiveValue::Set, EntityTrait as _, ExprTrait as _};
use strongroom_model::ProjectId;

use crate::entity::cbr_count::{ActiveModel, Column, Entity};
use crate::{DbError, Tx};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Backups that are not part of another one.
    Backups,
    /// Tasks as users see them.
    Tasks,
}

impl Counted {
    fn as_str(self) -> &'static str {
        match self {
            Self::Backups => "backup",
            Self::Tasks => "task",
        }
    }
}

/// Asks how many there are; no row if there never were any.
pub(crate) fn counter(project: ProjectId, what: Counted) -> SelectStatement {
    Query::select()
        .column(Column::Count)
        .from(Entity)
        .and_where(Expr::col(Column::ProjectId).eq(project.to_string()))
        .and_where(Expr::col(Column::What).eq(what.as_str()))
        .to_owned()
}

impl Tx {
    /// Counts `more` rows, or fewer when it is below zero. Transactions of one project that count
    /// the same wait for each other from here on.
    pub(crate) async fn count_add(
        &self,
        project: &str,
        what: Counted,
        more: i64,
    ) -> Result<(), DbError> {
        let row = ActiveModel {
            project_id: Set(project.to_owned()),
            what: Set(what.as_str().to_owned()),
            count: Set(more),
        };
        let added = Expr::col((Entity, Column::Count)).add(more);
        let there = OnConflict::columns([Column::ProjectId, Column::What])
            .value(Column::Count, added)
            .to_owned();
        let counted = Entity::insert(row).on_conflict(there).exec_without_returning(&self.0).await;
        counted.map(|_| ()).map_err(DbError::of("count_add"))
    }
}
