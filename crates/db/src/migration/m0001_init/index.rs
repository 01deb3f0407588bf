//! What lists and look-ups go by; the golden query plans say which uses which.
//!
//! A list has an index for each filter that may leave few of many rows, in the order of the list: a
//! page is read off it, and its count from the index alone. Of several filters the databases take
//! the one that leaves the fewest.

use sea_orm::sea_query::{ConditionalStatement as _, Index, IndexCreateStatement};
use sea_orm::{ColumnTrait as _, EntityTrait, IdenStatic as _};

use crate::entity::{
    audit_record, cbr_backup, cbr_checkpoint, cbr_task, cbr_vault, cbr_vault_resource,
    cbr_vault_tag, host_disk, host_server, iam_access_key, iam_project, iam_token, iam_user, task,
    task_held_key,
};

/// All of them.
pub(super) fn all() -> Vec<IndexCreateStatement> {
    [identity(), vaults(), backups(), shown_tasks(), tasks(), host()].concat()
}

fn identity() -> Vec<IndexCreateStatement> {
    vec![
        unique(iam_project::Entity, &[iam_project::Column::DomainId, iam_project::Column::Name]),
        unique(iam_user::Entity, &[iam_user::Column::DomainId, iam_user::Column::Name]),
        index(iam_token::Entity, &[iam_token::Column::UserId]),
        index(iam_token::Entity, &[iam_token::Column::ExpiresAt]),
        index(iam_access_key::Entity, &[iam_access_key::Column::UserId]),
        index(audit_record::Entity, &[audit_record::Column::ProjectId, audit_record::Column::At]),
    ]
}

fn vaults() -> Vec<IndexCreateStatement> {
    use cbr_vault::Column as Vault;
    use cbr_vault_resource::Column as Bound;
    use cbr_vault_tag::Column as Tag;
    vec![
        index(cbr_vault::Entity, &[Vault::ProjectId, Vault::CreatedAt, Vault::Id]),
        index(cbr_vault::Entity, &[Vault::ProjectId, Vault::Name]),
        index(cbr_vault_tag::Entity, &[Tag::ProjectId, Tag::Key, Tag::Value, Tag::VaultId]),
        unique(cbr_vault_resource::Entity, &[Bound::VaultId, Bound::Position]),
    ]
}

/// Lists are of whole backups, so their indexes have no others.
fn backups() -> Vec<IndexCreateStatement> {
    use cbr_backup::Column as Backup;
    let (project, made, id) = (Backup::ProjectId, Backup::CreatedAt, Backup::Id);
    let whole = |columns: &[Backup]| {
        index(cbr_backup::Entity, columns).cond_where(Backup::ParentId.is_null()).to_owned()
    };
    vec![
        index(cbr_checkpoint::Entity, &[cbr_checkpoint::Column::VaultId]),
        index(cbr_backup::Entity, &[Backup::CheckpointId]),
        index(cbr_backup::Entity, &[Backup::ParentId, Backup::Position]),
        // The last two leave about all or nothing: they are here to be counted.
        whole(&[project, made, id, Backup::ImageType, Backup::IsIncremental])
            .name("by_cbr_backup_project_id_created_at_id")
            .to_owned(),
        whole(&[project, id]),
        whole(&[project, Backup::UpdatedAt, id]),
        whole(&[project, Backup::ProtectedAt, id]),
        whole(&[project, Backup::Name, id]),
        whole(&[project, Backup::Status, made, id]),
        whole(&[project, Backup::ResourceType, made, id]),
        whole(&[project, Backup::ResourceZone, made, id]),
        whole(&[project, Backup::ResourceName, made, id]),
        whole(&[Backup::VaultId, made, id, project]),
        whole(&[Backup::ResourceId, made, id, project]),
        whole(&[Backup::ExpiresAt, id]),
    ]
}

fn shown_tasks() -> Vec<IndexCreateStatement> {
    use cbr_task::Column as Task;
    let (project, made, id) = (Task::ProjectId, Task::CreatedAt, Task::Id);
    let mut indexes = vec![
        index(cbr_task::Entity, &[project, made, id]),
        running(cbr_task::Entity, &[Task::VaultId], Task::EndedAt),
        running(cbr_task::Entity, &[Task::ResourceId], Task::EndedAt),
    ];
    let filters = [
        Task::ShownStatus,
        Task::Kind,
        Task::ObjectType,
        Task::ResourceId,
        Task::ResourceName,
        Task::VaultId,
        Task::VaultName,
    ];
    let listed = |filter| index(cbr_task::Entity, &[project, filter, made, id]);
    indexes.extend(filters.into_iter().map(listed));
    indexes
}

fn tasks() -> Vec<IndexCreateStatement> {
    use task::Column as Task;
    vec![
        // Claims walk over it, the oldest first.
        running(task::Entity, &[Task::CreatedAt, Task::Id], Task::EndedAt),
        index(task_held_key::Entity, &[task_held_key::Column::TaskId]),
    ]
}

fn host() -> Vec<IndexCreateStatement> {
    use host_disk::Column as Disk;
    use host_server::Column as Server;
    vec![
        index(host_disk::Entity, &[Disk::ProjectId, Disk::CreatedAt, Disk::Id]),
        unique(host_disk::Entity, &[Disk::Path]),
        index(host_disk::Entity, &[Disk::ServerId, Disk::Position]),
        index(host_server::Entity, &[Server::ProjectId, Server::CreatedAt, Server::Id]),
    ]
}

fn unique<E: EntityTrait>(entity: E, columns: &[E::Column]) -> IndexCreateStatement {
    index(entity, columns).unique().to_owned()
}

/// An index of what has not ended.
fn running<E: EntityTrait>(
    entity: E,
    columns: &[E::Column],
    ended_at: E::Column,
) -> IndexCreateStatement {
    let mut index = index(entity, columns);
    let name = index.get_index_spec().get_name().map(|name| format!("{name}_running"));
    index.name(name.unwrap_or_default()).cond_where(ended_at.is_null()).to_owned()
}

/// An index that is named after what it covers.
fn index<E: EntityTrait>(entity: E, columns: &[E::Column]) -> IndexCreateStatement {
    let mut statement = Index::create();
    let mut name = format!("by_{}", entity.table_name());
    for column in columns {
        name.push('_');
        name.push_str(column.as_str());
        statement.col(*column);
    }
    statement.name(name).table(entity).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn index_has_a_name_of_its_own_that_no_server_cuts() {
        let all = all();
        let names: BTreeSet<_> =
            all.iter().map(|index| index.get_index_spec().get_name()).collect();
        assert_eq!(names.len(), all.len());
        for name in names {
            // The longest that PostgreSQL takes.
            assert!(name.is_some_and(|name| name.len() <= 63), "{name:?}");
        }
    }
}
