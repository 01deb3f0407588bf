//! Pages of lists: how many rows match, and some of them in order.
//!
//! # Why
//! Clients page by offset or by marker and are told a count. Counting, and looking the marker up, is
//! one statement; the rows are the second.

use std::fmt;

use sea_orm::sea_query::{Alias, Asterisk, Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, FromQueryResult,
    ModelTrait, Order, QueryFilter as _, QueryOrder as _, QueryResult, QuerySelect as _,
    QueryTrait as _, Select,
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
        from: &impl ConnectionTrait,
        page: &Page<I>,
    ) -> Result<Option<Rows<E::Model>>, DbError> {
        let failed = DbError::of(self.query);
        let head = from.query_one(&self.head(page)).await.map_err(&failed)?;
        let Some(head) = head else { return Ok(None) };
        let count = self.count(&head)?;
        let mut rows = self.rows(page.limit);
        match &page.start {
            PageStart::Offset(0) => {}
            PageStart::Offset(offset) if *offset < count => rows = rows.offset(*offset),
            PageStart::Offset(_) => return Ok(Some(Rows { rows: Vec::new(), count })),
            PageStart::After(_) => {
                let last = E::Model::from_query_result(&head, "").map_err(&failed)?;
                rows = rows.filter(self.after(|column| Expr::value(last.get(column))));
            }
        }
        let rows = rows.all(from).await.map_err(&failed)?;
        Ok(Some(Rows { rows, count }))
    }

    /// Reads a page of a list without a count: one statement, and a second when nothing comes after
    /// a marker, to know whether it is there.
    pub(crate) async fn read_rows<I: fmt::Display>(
        &self,
        from: &impl ConnectionTrait,
        page: &Page<I>,
    ) -> Result<Option<Vec<E::Model>>, DbError> {
        let failed = DbError::of(self.query);
        let mut rows = self.rows(page.limit);
        rows = match &page.start {
            PageStart::Offset(0) => rows,
            PageStart::Offset(offset) => rows.offset(*offset),
            PageStart::After(marker) => {
                let marked = self.marked(marker);
                rows.filter(self.after(|column| {
                    let mut of_marker = Query::select();
                    of_marker.column(column).from(E::default()).cond_where(marked.clone());
                    sub_query(of_marker)
                }))
            }
        };
        let rows = rows.all(from).await.map_err(&failed)?;
        if rows.is_empty()
            && let PageStart::After(marker) = &page.start
        {
            let found = E::find().filter(self.marked(marker)).one(from).await;
            return Ok(found.map_err(&failed)?.map(|_| rows));
        }
        Ok(Some(rows))
    }

    /// What is listed, in order.
    fn rows(&self, limit: u16) -> Select<E> {
        let mut rows = E::find()
            .filter(self.visible.clone())
            .filter(self.matching.clone())
            .limit(u64::from(limit));
        for (column, order) in &self.order {
            rows = rows.order_by(*column, order.clone());
        }
        rows
    }

    /// That a row is the marker.
    fn marked(&self, marker: &impl fmt::Display) -> Condition {
        let id = self.order.last().map(|(id, _)| id.eq(marker.to_string()));
        Condition::all().add(self.visible.clone()).add_option(id)
    }

    /// One row with the count; with the marker's columns, and none if it is not there, when the
    /// page begins after a marker.
    fn head<I: fmt::Display>(&self, page: &Page<I>) -> SelectStatement {
        let mut head = match &page.start {
            PageStart::Offset(_) => Query::select(),
            PageStart::After(marker) => E::find().filter(self.marked(marker)).into_query(),
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

    /// What comes after a row that has these values. The bound on the first column is implied by the
    /// rest; an index can begin there.
    fn after(&self, value_of: impl Fn(E::Column) -> Expr) -> Condition {
        let mut bound = Condition::all();
        let mut later = Condition::any();
        let mut equal = Condition::all();
        for (number, (column, order)) in self.order.iter().enumerate() {
            let value = || value_of(*column);
            let this = || Expr::col((E::default(), *column));
            let is_up = matches!(order, Order::Asc);
            if number == 0 {
                bound = bound.add(if is_up { this().gte(value()) } else { this().lte(value()) });
            }
            let is_beyond = if is_up { this().gt(value()) } else { this().lt(value()) };
            later = later.add(equal.clone().add(is_beyond));
            equal = equal.add(this().eq(value()));
        }
        bound.add(later)
    }
}

/// A statement with one value in place of that value.
pub(crate) fn sub_query(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(select.into()))
}
