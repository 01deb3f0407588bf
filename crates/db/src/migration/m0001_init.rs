//! The first tables.

mod index;
mod journal;

use sea_orm::sea_query::{
    ColumnDef, ColumnType, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Table,
    TableCreateStatement,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait as _, DbErr, EntityTrait, Schema};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::dialect::Dialect;
use crate::entity::{
    audit_record, cbr_backup, cbr_checkpoint, cbr_count, cbr_repository, cbr_task, cbr_vault,
    cbr_vault_resource, cbr_vault_tag, host_disk, host_server, iam_access_key, iam_domain,
    iam_grant, iam_project, iam_token, iam_user, iam_version, task, task_held_key, task_key,
    task_log,
};
use crate::iam::version::triggers;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        identity(manager).await?;
        backup(manager).await?;
        tasks(manager).await?;
        host(manager).await?;
        for index in index::all() {
            manager.create_index(index).await?;
        }
        journal::create(manager).await
    }
}

async fn identity(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (domain, user) = (iam_domain::Column::Id, iam_user::Column::Id);
    table(manager, iam_domain::Entity, vec![]).await?;
    let keys = vec![key(iam_project::Column::DomainId, domain, KEEP)];
    table(manager, iam_project::Entity, keys).await?;
    let keys = vec![key(iam_user::Column::DomainId, domain, KEEP)];
    table(manager, iam_user::Entity, keys).await?;
    let keys = vec![key(iam_grant::Column::UserId, user, FOLLOW)];
    table(manager, iam_grant::Entity, keys).await?;
    let keys = vec![key(iam_token::Column::UserId, user, FOLLOW)];
    table(manager, iam_token::Entity, keys).await?;
    let keys = vec![key(iam_access_key::Column::UserId, user, FOLLOW)];
    table(manager, iam_access_key::Entity, keys).await?;
    table(manager, audit_record::Entity, vec![]).await?;
    version(manager).await
}

/// The version of the tables of identity, and what changes it.
async fn version(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    table(manager, iam_version::Entity, vec![]).await?;
    let connection = manager.get_connection();
    let first = iam_version::ActiveModel { id: Set(iam_version::ONLY), version: Set(0) };
    iam_version::Entity::insert(first).exec_without_returning(connection).await?;
    for trigger in triggers(Dialect::of(manager.get_database_backend())) {
        connection.execute_unprepared(&trigger).await?;
    }
    Ok(())
}

/// Backups keep their run, which goes with its vault: a vault with backups stays.
async fn backup(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (project, vault) = (iam_project::Column::Id, cbr_vault::Column::Id);
    let keys = vec![key(cbr_vault::Column::ProjectId, project, KEEP)];
    table(manager, cbr_vault::Entity, keys).await?;
    let keys = vec![key(cbr_vault_tag::Column::VaultId, vault, FOLLOW)];
    table(manager, cbr_vault_tag::Entity, keys).await?;
    let keys = vec![key(cbr_vault_resource::Column::VaultId, vault, KEEP)];
    table(manager, cbr_vault_resource::Entity, keys).await?;
    let keys = vec![key(cbr_checkpoint::Column::VaultId, vault, FOLLOW)];
    table(manager, cbr_checkpoint::Entity, keys).await?;
    let keys = vec![
        key(cbr_backup::Column::CheckpointId, cbr_checkpoint::Column::Id, KEEP),
        key(cbr_backup::Column::ParentId, cbr_backup::Column::Id, FOLLOW),
    ];
    table(manager, cbr_backup::Entity, keys).await?;
    table(manager, cbr_repository::Entity, vec![]).await?;
    table(manager, cbr_task::Entity, vec![]).await?;
    table(manager, cbr_count::Entity, vec![]).await
}

async fn tasks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let id = task::Column::Id;
    table(manager, task::Entity, vec![]).await?;
    let keys = vec![key(task_log::Column::TaskId, id, FOLLOW)];
    table(manager, task_log::Entity, keys).await?;
    let keys = vec![key(task_key::Column::TaskId, id, FOLLOW)];
    table(manager, task_key::Entity, keys).await?;
    let keys = vec![key(task_held_key::Column::TaskId, id, FOLLOW)];
    table(manager, task_held_key::Entity, keys).await
}

async fn host(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let project = iam_project::Column::Id;
    let keys = vec![key(host_server::Column::ProjectId, project, KEEP)];
    table(manager, host_server::Entity, keys).await?;
    let keys = vec![key(host_disk::Column::ProjectId, project, KEEP)];
    table(manager, host_disk::Entity, keys).await
}

/// A row that others name cannot go before them.
const KEEP: ForeignKeyAction = ForeignKeyAction::Restrict;
/// A row goes with the one it names.
const FOLLOW: ForeignKeyAction = ForeignKeyAction::Cascade;

/// A column that names a row of another table.
fn key(
    column: impl ColumnTrait,
    names: impl ColumnTrait,
    action: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    let ((from, column), (to, named)) = (column.as_column_ref(), names.as_column_ref());
    ForeignKey::create().from(from, column).to(to, named).on_delete(action).to_owned()
}

/// Creates an entity's table with its foreign keys: `SQLite` takes them only with the table.
async fn table<E: EntityTrait>(
    manager: &SchemaManager<'_>,
    entity: E,
    keys: Vec<ForeignKeyCreateStatement>,
) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let mut table = Schema::new(backend).create_table_from_entity(entity);
    if let Some(collation) = Dialect::of(backend).order_by_bytes() {
        table = with_texts(&table, entity, collation);
    }
    for mut key in keys {
        table.foreign_key(&mut key);
    }
    manager.create_table(table).await
}

/// The same table with `extra` at each column that holds text.
fn with_texts(
    table: &TableCreateStatement,
    entity: impl EntityTrait,
    extra: &str,
) -> TableCreateStatement {
    let mut with = Table::create().table(entity.table_ref()).to_owned();
    for column in table.get_columns() {
        let mut column: ColumnDef = column.clone();
        if let Some(ColumnType::Text | ColumnType::String(_)) = column.get_column_type() {
            column.extra(extra);
        }
        with.col(column);
    }
    for index in table.get_indexes() {
        with.primary_key(&mut index.clone());
    }
    with
}
