//! The first start: region, domain, project, and an administrator.

use std::fmt;

use strongroom_db::NewUser;
use strongroom_model::description::Description;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::project::Project;
use strongroom_model::user::User;
use strongroom_model::{DomainId, Name, ProjectId, Role, Scope, UserId};
use zeroize::Zeroizing;

use super::NewAccessKey;
use super::random_text::{READABLE, random_text};
use crate::error::Error;
use crate::service::Service;

/// Characters of the generated password: 139 random bits.
pub(super) const PASSWORD_LEN: usize = 24;

/// What the first start is given.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The domain's name.
    pub domain: String,
    /// The administrator's name.
    pub admin: String,
}

/// The administrator that the first start made. Its secrets are shown this once.
pub struct FirstAdmin {
    /// The domain's name.
    pub domain: String,
    /// The project's name: the region's.
    pub project: String,
    /// The project's id.
    pub project_id: ProjectId,
    /// The user's name.
    pub user: String,
    /// A generated password.
    pub password: Zeroizing<String>,
    /// An access key.
    pub key: NewAccessKey,
}

impl fmt::Debug for FirstAdmin {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstAdmin")
            .field("domain", &self.domain)
            .field("project", &self.project)
            .field("project_id", &self.project_id)
            .field("user", &self.user)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What the first start makes.
struct First {
    domain: Domain,
    project: Project,
    admin: NewUser,
}

impl Service {
    /// Makes domain, project (named as the region) and administrator (roles admin and operator)
    /// unless there is a domain already; then there is nothing to do. One transaction. Of two
    /// processes that start at once, one makes them, whatever names they are given.
    pub async fn bootstrap(&self, first: &Bootstrap) -> Result<Option<FirstAdmin>, Error> {
        if self.0.db.domain_exists().await? {
            return Ok(None);
        }
        let password = random_text(&*self.0.rng, READABLE, PASSWORD_LEN);
        let hash = self.0.passwords.hash(password.clone(), &*self.0.rng).await?;
        let made = self.first(first, hash)?;
        let key = NewAccessKey::random(&*self.0.rng);
        if !self.insert(&made, &key).await? {
            return Ok(None);
        }
        Ok(Some(FirstAdmin {
            domain: made.domain.name.to_string(),
            project: made.project.name.to_string(),
            project_id: made.project.id,
            user: made.admin.user.name.to_string(),
            password,
            key,
        }))
    }

    fn first(&self, first: &Bootstrap, password_hash: String) -> Result<First, Error> {
        let rng = &*self.0.rng;
        let domain = Domain {
            id: DomainId::random(rng),
            name: AccountName::parse(&first.domain)?,
            is_enabled: true,
        };
        let project = Project {
            id: ProjectId::random(rng),
            domain_id: domain.id,
            name: Name::parse(&self.0.settings.region)?,
            description: Description::default(),
            is_enabled: true,
        };
        let user = User {
            id: UserId::random(rng),
            domain_id: domain.id,
            name: AccountName::parse(&first.admin)?,
            description: Description::default(),
            default_project_id: Some(project.id),
            is_enabled: true,
            created_at: self.0.clock.now(),
        };
        let admin = NewUser { user, password_hash: Some(password_hash) };
        Ok(First { domain, project, admin })
    }

    /// Whether it was us who made them.
    async fn insert(&self, first: &First, key: &NewAccessKey) -> Result<bool, Error> {
        let First { domain, project, admin } = first;
        let user = admin.user.id;
        let now = self.0.clock.now();
        let tx = self.0.db.begin().await?;
        if !tx.domain_is_first().await? {
            tx.rollback().await;
            return Ok(false);
        }
        tx.domain_insert(domain, now).await?;
        tx.project_insert(project, now).await?;
        tx.user_insert(admin).await?;
        for (scope, role) in [
            (Scope::Project(project.id), Role::Admin),
            (Scope::Project(project.id), Role::Operator),
            (Scope::Domain(domain.id), Role::Admin),
        ] {
            tx.grant_insert(user, Some(scope), role).await?;
        }
        tx.access_key_insert(self.sealed(user, key, &Description::default())).await?;
        tx.commit().await?;
        Ok(true)
    }
}
