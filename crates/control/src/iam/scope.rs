//! What a token is good for (related services, 2.2).

use strongroom_db::ProjectName;
use strongroom_model::{Name, Role, Scope};

use super::login::Applicant;
use super::{DomainChoice, ProjectChoice, WantedScope};
use crate::error::Error;
use crate::service::Service;

/// Where a token's holder may act, and what it is there.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) scope: Option<Scope>,
    pub(super) project_name: Option<Name>,
    pub(super) roles: Vec<Role>,
}

impl Service {
    /// The place that is asked for; refused if it is not of the applicant's domain, or a project
    /// that is disabled or where it has no role (IAM-5). Its own domain needs no role: clients ask
    /// for it at every start, and without a role it is good for looking around only.
    pub(super) async fn find_place(
        &self,
        who: &Applicant,
        wanted: WantedScope,
    ) -> Result<Place, Error> {
        match wanted {
            WantedScope::Unscoped => Ok(Place::default()),
            WantedScope::Absent => self.default_place(who).await,
            WantedScope::Project(choice) => {
                let is_own = |domain: &Option<DomainChoice>| {
                    domain.as_ref().is_none_or(|domain| who.is_of(domain))
                };
                let name = match &choice {
                    ProjectChoice::Id(id) => ProjectName::Id(*id),
                    ProjectChoice::Name(name, of) if is_own(of) && Name::parse(name).is_ok() => {
                        ProjectName::In(who.domain_id, name)
                    }
                    ProjectChoice::Name(..) => return Err(Error::Unauthenticated),
                };
                self.project_place(who, name).await?.ok_or(Error::Unauthenticated)
            }
            WantedScope::Domain(choice) if who.is_of(&choice) => {
                let scope = Scope::Domain(who.domain_id);
                let roles = self.0.db.grant_roles(who.user_id, scope).await?;
                Ok(Place { scope: Some(scope), project_name: None, roles })
            }
            WantedScope::Domain(_) => Err(Error::Unauthenticated),
        }
    }

    /// The applicant's default project; nowhere if it has none that is good for anything.
    async fn default_place(&self, who: &Applicant) -> Result<Place, Error> {
        let login = self.0.db.user_login(who.user_id).await?;
        let Some(id) = login.and_then(|login| login.user.default_project_id) else {
            return Ok(Place::default());
        };
        Ok(self.project_place(who, ProjectName::Id(id)).await?.unwrap_or_default())
    }

    /// The project, if it is of the applicant's domain, enabled, and the applicant has a role there.
    async fn project_place(
        &self,
        who: &Applicant,
        name: ProjectName<'_>,
    ) -> Result<Option<Place>, Error> {
        let found = self.0.db.project_place(name, who.user_id).await?;
        let own = found.filter(|(project, roles)| {
            project.domain_id == who.domain_id && project.is_enabled && !roles.is_empty()
        });
        Ok(own.map(|(project, roles)| Place {
            scope: Some(Scope::Project(project.id)),
            project_name: Some(project.name),
            roles,
        }))
    }
}
