//! Pages of lists: how many rows match, and some of them in order.
//!
//! # Why
//! Clients page by offset or by marker and are told a count. Counting, and looking the marker up, is
//! one statement; the rows are the second.

use std::fmt;

use sea_orm::sea_query::{Alias, Asterisk, Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, DatabaseConnection, EntityTrait, ExprTrait as _,
    FromQueryResult, ModelTrait, Order, QueryFilter as _, QueryOrder as _, QueryResult,
    QuerySelect as _, QueryTrait as _,
};
use strongroom_model::page::{Page, PageStart};

use crate::DbError;

const COUNT: &str = "matching_rows";

/// A list that is asked for.
pub(crate) struct Listing<E: EntityTrait> {
    /// The query's name.
    pub(crate) query: &'static str,
    /// The rows that the caller may know of; a marker is the id of one of them.
    pub(crate) visible: Condition,
    /// What they must be to be listed.
    pub(crate) matching: Condition,
    /// Their order. It ends with the id, so that no two rows are equal.
    pub(crate) order: Vec<(E::Column, Order)>,
    /// Says how many match, if that need not be counted.
    pub(crate) counter: Option<SelectStatement>,
}

/// A page.
pub(crate) struct Rows<M> {
    pub(crate) rows: Vec<M>,
    pub(crate) count: u64,
}

impl<E> Listing<E>
where
    E: EntityTrait,
    E::Model: ModelTrait<Entity = E> + FromQueryResult,
{
    /// Reads a page; none when it begins after a row that is not there.
    pub(crate) async fn read<I: fmt::Display>(
        &self,
        from: &DatabaseConnection,
        page: &Page<I>,
    ) -> Result<Option<Rows<E::Model>>, DbError> {
        let failed = DbError::of(self.query);
        let head = from.query_one(&self.head(page)).await.map_err(&failed)?;
        let Some(head) = head else { return Ok(None) };
        let count = self.count(&head)?;
        let mut rows = E::find()
            .filter(self.visible.clone())
            .filter(self.matching.clone())
            .limit(u64::from(page.limit));
        for (column, order) in &self.order {
            rows = rows.order_by(*column, order.clone());
        }
        match &page.start {
            PageStart::Offset(0) => {}
            PageStart::Offset(offset) if *offset < count => rows = rows.offset(*offset),
            PageStart::Offset(_) => return Ok(Some(Rows { rows: Vec::new(), count })),
            PageStart::After(_) => {
                let last = E::Model::from_query_result(&head, "").map_err(&failed)?;
                rows = rows.filter(self.after(&last));
            }
        }
        let rows = rows.all(from).await.map_err(&failed)?;
        Ok(Some(Rows { rows, count }))
    }

    /// One row with the count; with the marker's columns, and none if it is not there, when the
    /// page begins after a marker.
    fn head<I: fmt::Display>(&self, page: &Page<I>) -> SelectStatement {
        let mut head = match &page.start {
            PageStart::Offset(_) => Query::select(),
            PageStart::After(marker) => {
                let id = self.order.last().map(|(id, _)| id.eq(marker.to_string()));
                let marked = Condition::all().add(self.visible.clone()).add_option(id);
                E::find().filter(marked).into_query()
            }
        };
        let count = self.counter.clone().unwrap_or_else(|| self.count_rows());
        head.expr_as(sub_query(count), Alias::new(COUNT));
        head
    }

    fn count_rows(&self) -> SelectStatement {
        Query::select()
            .expr(Expr::col(Asterisk).count())
            .from(E::default())
            .cond_where(self.visible.clone())
            .cond_where(self.matching.clone())
            .to_owned()
    }

    fn count(&self, head: &QueryResult) -> Result<u64, DbError> {
        let count: Option<i64> = head.try_get("", COUNT).map_err(DbError::of(self.query))?;
        u64::try_from(count.unwrap_or(0)).map_err(|_| DbError::Inconsistent {
            table: "cbr_count",
            column: "count",
            id: self.query.to_owned(),
        })
    }

    /// What comes after `last`. The bound on the first column is implied by the rest; an index can
    /// begin there.
    fn after(&self, last: &E::Model) -> Condition {
        let mut bound = Condition::all();
        let mut later = Condition::any();
        let mut equal = Condition::all();
        for (number, (column, order)) in self.order.iter().enumerate() {
            let value = last.get(*column);
            let is_up = matches!(order, Order::Asc);
            if number == 0 {
                let value = value.clone();
                bound = bound.add(if is_up { column.gte(value) } else { column.lte(value) });
            }
            let value_here = value.clone();
            let is_beyond = if is_up { column.gt(value_here) } else { column.lt(value_here) };
            later = later.add(equal.clone().add(is_beyond));
            equal = equal.add(column.eq(value));
        }
        bound.add(later)
    }
}

/// A statement with one value in place of that value.
fn sub_query(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(select.into()))
}
