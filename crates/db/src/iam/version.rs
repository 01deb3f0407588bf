//! The version of what holders of tokens are made of: users, domains, projects, and roles.
//!
//! # Why
//! Processes remember holders. Triggers write another number with each change, so that none is
//! forgotten, whoever makes it.
//!
//! # Invariants
//! - Whoever reads the version and the tables in one statement reads what belongs together: the
//!   number changes in the transaction of the change.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{EntityName as _, IdenStatic as _};

use crate::dialect::Dialect;
use crate::entity::{iam_domain, iam_grant, iam_project, iam_user, iam_version};

/// The one row's number. It is drawn, not counted: a database that is set back to an older state
/// does not come to a number that stood for something else.
pub(super) fn current() -> SelectStatement {
    Query::select().column(iam_version::Column::Version).from(iam_version::Entity).to_owned()
}

/// What makes changes draw another number.
pub(crate) fn triggers(dialect: Dialect) -> Vec<String> {
    use iam_domain::Column as Domain;
    use iam_grant::Column as Grant;
    use iam_project::Column as Project;
    use iam_user::Column as User;
    let user = [User::DomainId, User::Name, User::IsEnabled].map(|column| column.as_str());
    let domain = [Domain::Name, Domain::IsEnabled].map(|column| column.as_str());
    let project = [Project::Name, Project::IsEnabled].map(|column| column.as_str());
    let grant = [Grant::UserId, Grant::ScopeKind, Grant::ScopeId, Grant::Role];
    let grant = grant.map(|column| column.as_str());
    let mut triggers = Vec::from_iter(dialect.version_function());
    for (table, columns) in [
        (iam_user::Entity.table_name(), user.as_slice()),
        (iam_domain::Entity.table_name(), &domain),
        (iam_project::Entity.table_name(), &project),
        (iam_grant::Entity.table_name(), &grant),
    ] {
        let of = columns.join(", ");
        for (name, on) in [
            ("insert", "INSERT".to_owned()),
            ("update", format!("UPDATE OF {of}")),
            ("delete", "DELETE".to_owned()),
        ] {
            triggers.push(dialect.version_trigger(table, name, &on));
        }
    }
    triggers
}
