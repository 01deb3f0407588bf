//! The tables that the journal follows, in an order in which each stands after those it names.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait, IdenStatic as _,
    Iterable as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use strongroom_base::clock::BoxFuture;

use super::record::{JournalRow, key_columns, key_values, model_of, row_of};
use crate::DbError;
use crate::entity::{
    audit_record, cbr_backup, cbr_checkpoint, cbr_repository, cbr_task, cbr_vault,
    cbr_vault_resource, cbr_vault_tag, host_disk, host_server, iam_access_key, iam_domain,
    iam_grant, iam_project, iam_user,
};
use crate::row::Row;

/// All of them. Not tokens (their holders log in again), not the task runtime's tables (a task
/// whose process and database are gone has ended), not what follows from other tables.
///
/// Audit records are followed although nothing refers to them: records that vanish with the machine
/// whose misuse they tell of prove nothing.
pub(crate) static TABLES: [&dyn Table; 15] = [
    &Followed::<iam_domain::Entity> { quiet: &[], parents: &[] },
    &Followed::<iam_project::Entity> {
        quiet: &[],
        parents: &[(iam_project::Column::DomainId, "iam_domain")],
    },
    &Followed::<iam_user::Entity> {
        // Each wrong password counts; the lock that follows from them is followed.
        quiet: &[iam_user::Column::FailedLogins, iam_user::Column::FailingSince],
        parents: &[(iam_user::Column::DomainId, "iam_domain")],
    },
    &Followed::<iam_grant::Entity> {
        quiet: &[],
        parents: &[(iam_grant::Column::UserId, "iam_user")],
    },
    &Followed::<iam_access_key::Entity> {
        quiet: &[],
        parents: &[(iam_access_key::Column::UserId, "iam_user")],
    },
    &Followed::<audit_record::Entity> { quiet: &[], parents: &[] },
    &Followed::<cbr_vault::Entity> {
        quiet: &[],
        parents: &[(cbr_vault::Column::ProjectId, "iam_project")],
    },
    &Followed::<cbr_vault_tag::Entity> {
        quiet: &[],
        parents: &[(cbr_vault_tag::Column::VaultId, "cbr_vault")],
    },
    &Followed::<cbr_vault_resource::Entity> {
        quiet: &[],
        parents: &[(cbr_vault_resource::Column::VaultId, "cbr_vault")],
    },
    &Followed::<cbr_checkpoint::Entity> {
        quiet: &[],
        parents: &[(cbr_checkpoint::Column::VaultId, "cbr_vault")],
    },
    &Followed::<cbr_backup::Entity> {
        quiet: &[],
        parents: &[
            (cbr_backup::Column::CheckpointId, "cbr_checkpoint"),
            (cbr_backup::Column::ParentId, "cbr_backup"),
        ],
    },
    &Followed::<cbr_repository::Entity> { quiet: &[], parents: &[] },
    &Followed::<cbr_task::Entity> {
        // A running task writes these every few seconds.
        quiet: &[
            cbr_task::Column::Progress,
            cbr_task::Column::BytesDone,
            cbr_task::Column::BytesTotal,
            cbr_task::Column::UpdatedAt,
        ],
        parents: &[],
    },
    &Followed::<host_server::Entity> {
        quiet: &[],
        parents: &[(host_server::Column::ProjectId, "iam_project")],
    },
    &Followed::<host_disk::Entity> {
        quiet: &[],
        parents: &[(host_disk::Column::ProjectId, "iam_project")],
    },
];

/// Rows with their keys.
pub(super) type Keyed = Vec<(String, JournalRow)>;

/// A table that is followed.
pub(crate) trait Table: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The columns of its key.
    fn key(&self) -> Vec<&'static str>;
    /// The columns whose change is noted; empty for all.
    fn noted(&self) -> Vec<&'static str>;
    /// Columns that name rows of other tables by their ids, with these tables.
    fn parents(&self) -> Vec<(&'static str, &'static str)>;
    /// Those rows of these keys that are there.
    fn find<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Keyed, DbError>>;
    /// Up to `limit` rows by their keys, those after `after`.
    fn page<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        after: Option<&'a str>,
        limit: u64,
    ) -> BoxFuture<'a, Result<Keyed, DbError>>;
    /// Adds rows; those in whose place there is something stay out. How many were added.
    fn insert<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        rows: &'a [(String, JournalRow)],
    ) -> BoxFuture<'a, Result<u64, DbError>>;
    /// How many rows it has.
    fn count<'a>(&'a self, on: &'a DatabaseTransaction) -> BoxFuture<'a, Result<u64, DbError>>;
}

/// A table by its entity.
struct Followed<E: EntityTrait> {
    /// Columns whose change alone is not noted.
    quiet: &'static [E::Column],
    parents: &'static [(E::Column, &'static str)],
}

impl<E> Followed<E>
where
    E: EntityTrait,
    E::Column: Sync,
{
    fn table() -> &'static str {
        E::default().table_name()
    }

    fn keyed(models: &[E::Model]) -> Result<Keyed, DbError> {
        models.iter().map(|model| row_of::<E>(Self::table(), model)).collect()
    }
}

impl<E> Table for Followed<E>
where
    E: EntityTrait,
    E::Column: Sync,
    E::Model: Send + Sync,
    E::ActiveModel: Send,
{
    fn name(&self) -> &'static str {
        Self::table()
    }

    fn key(&self) -> Vec<&'static str> {
        key_columns::<E>().map(|column| column.as_str()).collect()
    }

    fn noted(&self) -> Vec<&'static str> {
        if self.quiet.is_empty() {
            return Vec::new();
        }
        let quiet: Vec<_> = self.quiet.iter().map(sea_orm::IdenStatic::as_str).collect();
        let all = E::Column::iter().map(|column| column.as_str());
        all.filter(|column| !quiet.contains(column)).collect()
    }

    fn parents(&self) -> Vec<(&'static str, &'static str)> {
        self.parents.iter().map(|(column, table)| (column.as_str(), *table)).collect()
    }

    fn find<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Keyed, DbError>> {
        Box::pin(async move {
            let mut these = Condition::any();
            for key in keys {
                let mut this = Condition::all();
                for (column, value) in key_values::<E>(Row { table: Self::table(), id: key })? {
                    this = this.add(column.eq(value));
                }
                these = these.add(this);
            }
            let found = E::find().filter(these).all(on).await;
            Self::keyed(&found.map_err(DbError::of("journal_find"))?)
        })
    }

    fn page<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        after: Option<&'a str>,
        limit: u64,
    ) -> BoxFuture<'a, Result<Keyed, DbError>> {
        Box::pin(async move {
            let mut rows = E::find().limit(limit);
            for column in key_columns::<E>() {
                rows = rows.order_by_asc(column);
            }
            if let Some(after) = after {
                let values = key_values::<E>(Row { table: Self::table(), id: after })?;
                let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
                let columns = Expr::tuple(columns.into_iter().map(Expr::col));
                let values = Expr::tuple(values.into_iter().map(Expr::value));
                rows = rows.filter(columns.gt(values));
            }
            let found = rows.all(on).await;
            Self::keyed(&found.map_err(DbError::of("journal_page"))?)
        })
    }

    fn insert<'a>(
        &'a self,
        on: &'a DatabaseTransaction,
        rows: &'a [(String, JournalRow)],
    ) -> BoxFuture<'a, Result<u64, DbError>> {
        Box::pin(async move {
            let model = |(key, row): &(String, JournalRow)| {
                model_of::<E>(Row { table: Self::table(), id: key }, row)
            };
            let models = rows.iter().map(model).collect::<Result<Vec<_>, _>>()?;
            let insert =
                E::insert_many(models).on_conflict(OnConflict::new().do_nothing().to_owned());
            match insert.exec_without_returning(on).await {
                Err(DbErr::RecordNotInserted) => Ok(0),
                inserted => inserted.map_err(DbError::of("journal_insert")),
            }
        })
    }

    fn count<'a>(&'a self, on: &'a DatabaseTransaction) -> BoxFuture<'a, Result<u64, DbError>> {
        Box::pin(async move { E::find().count(on).await.map_err(DbError::of("journal_count")) })
    }
}
