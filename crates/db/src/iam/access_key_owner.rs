//! Who owns an access key, and what it may do where it asks: what a signed request is checked
//! against.

use sea_orm::sea_query::{Alias, Expr, JoinType, SelectStatement};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait as _, ExprTrait as _, FromQueryResult};
use strongroom_model::name::AccountName;
use strongroom_model::{DomainId, Name, ProjectId, Role, UserId};

use super::grant::read_roles;
use crate::entity::{iam_access_key, iam_domain, iam_grant, iam_project, iam_user};
use crate::row::{DOMAIN, NO_SCOPE, PROJECT, Row};
use crate::{Db, DbError};

/// The owner of an access key that signs.
#[derive(Clone)]
pub struct AccessKeyOwner {
    /// The secret half, sealed.
    pub sealed_secret: Vec<u8>,
    /// The user.
    pub user_id: UserId,
    /// Its name.
    pub user_name: AccountName,
    /// The user's domain.
    pub domain_id: DomainId,
    /// Its name.
    pub domain_name: AccountName,
    /// The name of the project that was asked for, if the user's domain has it and it is enabled.
    pub project_name: Option<Name>,
    /// The roles that the user has there now, each once; in its domain, where no project was asked
    /// for.
    pub roles: Vec<Role>,
}

/// One row for each role, or one without a role.
#[derive(Debug, FromQueryResult)]
struct OwnerRow {
    secret: Vec<u8>,
    user_id: String,
    user_name: String,
    domain_id: String,
    domain_name: String,
    project_name: Option<String>,
    role: Option<String>,
}

impl Db {
    /// The owner of an access key that signs now: it is active, and neither its user nor the user's
    /// domain is disabled (IAM-2, IAM-14). One statement, because every signed request asks.
    pub async fn access_key_owner(
        &self,
        access: &str,
        project: Option<ProjectId>,
    ) -> Result<Option<AccessKeyOwner>, DbError> {
        let query = "access_key_owner";
        let found = self.read.query_all(&owner(access, project)).await;
        let found = found.map_err(DbError::of(query))?;
        let rows = found.iter().map(|row| OwnerRow::from_query_result(row, ""));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(DbError::of(query))?;
        let Some(first) = rows.first() else { return Ok(None) };
        let at = Row { table: "iam_access_key", id: access };
        let roles = read_roles(at, rows.iter().filter_map(|row| row.role.as_deref()))?;
        let project_name = first.project_name.as_deref().map(Name::parse).transpose();
        Ok(Some(AccessKeyOwner {
            sealed_secret: first.secret.clone(),
            user_id: at.id("user_id", &first.user_id)?,
            user_name: at.read("user_name", AccountName::parse(&first.user_name))?,
            domain_id: at.id("domain_id", &first.domain_id)?,
            domain_name: at.read("domain_name", AccountName::parse(&first.domain_name))?,
            project_name: at.read("project_name", project_name)?,
            roles,
        }))
    }
}

fn owner(access: &str, project: Option<ProjectId>) -> SelectStatement {
    use iam_access_key::Column as Key;
    use iam_grant::Column as Grant;
    use iam_project::Column as Project;
    use iam_user::Column as User;
    let key = |column: Key| Expr::col((iam_access_key::Entity, column));
    let domain = |column: iam_domain::Column| Expr::col((iam_domain::Entity, column));
    let user = |column: User| Expr::col((iam_user::Entity, column));
    let its_project = Condition::all()
        .add(Project::Id.eq(project.unwrap_or(ProjectId([0; 16])).to_string()))
        .add(Project::DomainId.into_expr().equals((iam_user::Entity, User::DomainId)))
        .add(Project::IsEnabled.eq(true));
    // A role in a project counts where the project does.
    let here = match project {
        Some(_) => Condition::all()
            .add(Grant::ScopeKind.eq(PROJECT))
            .add(Grant::ScopeId.into_expr().equals((iam_project::Entity, Project::Id))),
        None => Condition::all()
            .add(Grant::ScopeKind.eq(DOMAIN))
            .add(Grant::ScopeId.into_expr().equals((iam_user::Entity, User::DomainId))),
    };
    let granted = Condition::all()
        .add(Grant::UserId.into_expr().equals((iam_user::Entity, User::Id)))
        .add(Condition::any().add(here).add(Grant::ScopeKind.eq(NO_SCOPE)));
    let mut select = SelectStatement::new();
    select
        .columns([(iam_access_key::Entity, Key::Secret), (iam_access_key::Entity, Key::UserId)])
        .expr_as(user(User::Name), Alias::new("user_name"))
        .expr_as(user(User::DomainId), Alias::new("domain_id"))
        .expr_as(domain(iam_domain::Column::Name), Alias::new("domain_name"))
        .expr_as(Expr::col((iam_project::Entity, Project::Name)), Alias::new("project_name"))
        .expr_as(Expr::col((iam_grant::Entity, Grant::Role)), Alias::new("role"))
        .from(iam_access_key::Entity)
        .join(
            JoinType::InnerJoin,
            iam_user::Entity,
            user(User::Id).equals((iam_access_key::Entity, Key::UserId)),
        )
        .join(
            JoinType::InnerJoin,
            iam_domain::Entity,
            domain(iam_domain::Column::Id).equals((iam_user::Entity, User::DomainId)),
        )
        .join(JoinType::LeftJoin, iam_project::Entity, its_project)
        .join(JoinType::LeftJoin, iam_grant::Entity, granted)
        .and_where(key(Key::Access).eq(access))
        .and_where(key(Key::IsActive).eq(true))
        .and_where(user(User::IsEnabled).eq(true))
        .and_where(domain(iam_domain::Column::IsEnabled).eq(true));
    select
}
