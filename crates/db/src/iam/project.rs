//! Queries about projects.

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect,
};
use strongroom_base::Timestamp;
use strongroom_model::description::Description;
use strongroom_model::project::Project;
use strongroom_model::{DomainId, Name, ProjectId, Role, Scope, UserId};

use super::grant::read_roles;
use crate::entity::iam_grant;
use crate::entity::iam_project::{ActiveModel, Column, Entity, Model};
use crate::row::{NO_SCOPE, Row, micros, scope_columns};
use crate::{Db, DbError, Tx};

/// How somebody names a project.
#[derive(Debug, Clone, Copy)]
pub enum ProjectName<'a> {
    /// By its id.
    Id(ProjectId),
    /// By its name in a domain.
    In(DomainId, &'a str),
}

impl TryFrom<Model> for Project {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "iam_project", id: &row.id };
        Ok(Self {
            id: at.id("id", &row.id)?,
            domain_id: at.id("domain_id", &row.domain_id)?,
            name: at.read("name", Name::parse(&row.name))?,
            description: at.read("description", Description::parse(&row.description))?,
            is_enabled: row.is_enabled,
        })
    }
}

fn projects(
    query: &'static str,
    found: Result<Vec<Model>, sea_orm::DbErr>,
) -> Result<Vec<Project>, DbError> {
    found.map_err(DbError::of(query))?.into_iter().map(Project::try_from).collect()
}

impl Tx {
    /// Adds a project. `Conflict` when one of its domain has its name.
    pub async fn project_insert(&self, project: &Project, now: Timestamp) -> Result<(), DbError> {
        let row = ActiveModel {
            id: Set(project.id.to_string()),
            domain_id: Set(project.domain_id.to_string()),
            name: Set(project.name.to_string()),
            description: Set(project.description.to_string()),
            is_enabled: Set(project.is_enabled),
            created_at: Set(micros(now)),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("project_insert"))
    }
}

impl Db {
    /// The project with this id.
    pub async fn project_get(&self, id: ProjectId) -> Result<Option<Project>, DbError> {
        let found = Entity::find_by_id(id.to_string()).one(&self.read).await;
        found.map_err(DbError::of("project_get"))?.map(Project::try_from).transpose()
    }

    /// The project that somebody names, and the roles that a user has there, those that it has
    /// everywhere among them. One statement.
    pub async fn project_place(
        &self,
        name: ProjectName<'_>,
        user: UserId,
    ) -> Result<Option<(Project, Vec<Role>)>, DbError> {
        use iam_grant::Column as Grant;
        let query = "project_place";
        let grant = |column: Grant| Expr::col((iam_grant::Entity, column));
        let (kind, _) = scope_columns(Some(Scope::Project(ProjectId([0; 16]))));
        let here = Condition::all()
            .add(grant(Grant::ScopeKind).eq(kind))
            .add(grant(Grant::ScopeId).equals((Entity, Column::Id)));
        let granted = Condition::all()
            .add(grant(Grant::UserId).eq(user.to_string()))
            .add(Condition::any().add(here).add(grant(Grant::ScopeKind).eq(NO_SCOPE)));
        let is_meant = match name {
            ProjectName::Id(id) => Condition::all().add(Column::Id.eq(id.to_string())),
            ProjectName::In(domain, name) => Condition::all()
                .add(Column::DomainId.eq(domain.to_string()))
                .add(Column::Name.eq(name)),
        };
        let mut rows = Entity::find().filter(is_meant);
        QuerySelect::query(&mut rows).left_join(iam_grant::Entity, granted);
        let found = rows.select_also(iam_grant::Entity).all(&self.read).await;
        let found = found.map_err(DbError::of(query))?;
        let Some((project, _)) = found.first() else { return Ok(None) };
        let user = user.to_string();
        let at = Row { table: "iam_grant", id: &user };
        let words = found.iter().filter_map(|(_, grant)| Some(grant.as_ref()?.role.as_str()));
        let roles = read_roles(at, words)?;
        Ok(Some((Project::try_from(project.clone())?, roles)))
    }

    /// A domain's projects by name; one at most when a name is given.
    pub async fn project_list(
        &self,
        domain: DomainId,
        name: Option<&str>,
    ) -> Result<Vec<Project>, DbError> {
        let mut query = Entity::find().filter(Column::DomainId.eq(domain.to_string()));
        if let Some(name) = name {
            query = query.filter(Column::Name.eq(name));
        }
        projects("project_list", query.order_by_asc(Column::Name).all(&self.read).await)
    }

    /// The projects of its domain in which a user has a role, by name (IAM-6).
    pub async fn project_list_granted(
        &self,
        domain: DomainId,
        user: UserId,
    ) -> Result<Vec<Project>, DbError> {
        let (project, _) = scope_columns(Some(Scope::Project(ProjectId([0; 16]))));
        let of_user = iam_grant::Column::UserId.eq(user.to_string());
        let granted = Query::select()
            .column(iam_grant::Column::ScopeId)
            .from(iam_grant::Entity)
            .and_where(of_user.clone())
            .and_where(iam_grant::Column::ScopeKind.eq(project))
            .to_owned();
        let everywhere = Query::select()
            .column(iam_grant::Column::UserId)
            .from(iam_grant::Entity)
            .and_where(of_user)
            .and_where(iam_grant::Column::ScopeKind.eq(NO_SCOPE))
            .to_owned();
        let is_granted =
            Condition::any().add(Column::Id.in_subquery(granted)).add(Expr::exists(everywhere));
        let query = Entity::find().filter(Column::DomainId.eq(domain.to_string()));
        let found = query.filter(is_granted).order_by_asc(Column::Name).all(&self.read).await;
        projects("project_list_granted", found)
    }
}
