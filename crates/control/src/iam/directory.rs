//! Look-ups of projects, users and domains, always of the caller's own domain. Clients make them with
//! tokens of every scope, so what counts is what the user is, not what its token is good for.

use strongroom_model::action::Action;
use strongroom_model::domain::Domain;
use strongroom_model::project::Project;
use strongroom_model::user::User;
use strongroom_model::{DomainId, ProjectId, Scope, UserId, permission};

use crate::caller::Caller;
use crate::error::{Error, Noun};
use crate::service::Service;

/// Which projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectQuery {
    /// With this name.
    pub name: Option<String>,
    /// Of this domain.
    pub domain_id: Option<DomainId>,
    /// Enabled or not.
    pub is_enabled: Option<bool>,
}

/// Which users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// With this name.
    pub name: Option<String>,
    /// Of this domain.
    pub domain_id: Option<DomainId>,
    /// Enabled or not.
    pub is_enabled: Option<bool>,
}

impl Service {
    /// All projects of the caller's domain for an administrator, those where it has a role for
    /// others (IAM-6).
    pub async fn project_list(
        &self,
        caller: &Caller,
        query: &ProjectQuery,
    ) -> Result<Vec<Project>, Error> {
        if query.domain_id.is_some_and(|id| id != caller.domain_id) {
            return Ok(Vec::new());
        }
        let mut projects = if self.is_administrator(caller).await? {
            self.0.db.project_list(caller.domain_id, None).await?
        } else {
            self.project_list_granted(caller).await?
        };
        projects.retain(|project| {
            query.name.as_ref().is_none_or(|name| name == project.name.as_str())
                && query.is_enabled.is_none_or(|wanted| wanted == project.is_enabled)
        });
        Ok(projects)
    }

    /// The projects where the caller has a role (IAM-6).
    pub async fn project_list_granted(&self, caller: &Caller) -> Result<Vec<Project>, Error> {
        Ok(self.0.db.project_list_granted(caller.domain_id, caller.user_id).await?)
    }

    /// One project of the caller's domain, if it is in its list.
    pub async fn project_get(&self, caller: &Caller, id: ProjectId) -> Result<Project, Error> {
        let projects = self.project_list(caller, &ProjectQuery::default()).await?;
        let found = projects.into_iter().find(|project| project.id == id);
        found.ok_or(Error::NotFound(Noun::Project))
    }

    /// The caller's domain, if it has that name.
    pub async fn domain_list(
        &self,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<Vec<Domain>, Error> {
        if name.is_some_and(|name| name != caller.domain_name.as_str()) {
            return Ok(Vec::new());
        }
        Ok(self.0.db.domain_get(caller.domain_id).await?.into_iter().collect())
    }

    /// The users of the caller's domain; itself only, if it may not see others.
    pub async fn user_list(&self, caller: &Caller, query: &UserQuery) -> Result<Vec<User>, Error> {
        if query.domain_id.is_some_and(|id| id != caller.domain_id) {
            return Ok(Vec::new());
        }
        let mut users = if self.is_administrator(caller).await? {
            self.0.db.user_list(caller.domain_id, None).await?
        } else {
            let own = self.0.db.user_login(caller.user_id).await?;
            own.map(|login| login.user).into_iter().collect()
        };
        users.retain(|user| {
            query.name.as_ref().is_none_or(|name| name == user.name.as_str())
                && query.is_enabled.is_none_or(|wanted| wanted == user.is_enabled)
        });
        Ok(users)
    }

    /// One user of the caller's domain, if it is in its list.
    pub async fn user_get(&self, caller: &Caller, id: UserId) -> Result<User, Error> {
        let no_user = || Error::NotFound(Noun::User);
        if id != caller.user_id && !self.is_administrator(caller).await? {
            return Err(no_user());
        }
        let found = self.0.db.user_login(id).await?.map(|login| login.user);
        found.filter(|user| user.domain_id == caller.domain_id).ok_or_else(no_user)
    }

    /// Whether the caller administers its domain: whether its roles there let it see all users.
    pub(super) async fn is_administrator(&self, caller: &Caller) -> Result<bool, Error> {
        let domain = Scope::Domain(caller.domain_id);
        let is_allowed = |roles: &[_]| permission::check(roles, Action::UserList).is_ok();
        if caller.scope == Some(domain) {
            return Ok(is_allowed(&caller.roles));
        }
        Ok(is_allowed(&self.0.db.grant_roles(caller.user_id, domain).await?))
    }
}
