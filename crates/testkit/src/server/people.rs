//! Projects and users beside the administrator, and their tokens.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use strongroom_base::rng::OsRng;
use strongroom_db::NewUser;
use strongroom_model::description::Description;
use strongroom_model::name::AccountName;
use strongroom_model::project::Project;
use strongroom_model::{Name, ProjectId, Role, Scope, UserId};

use super::Server;
use crate::exchange::Ask;

/// A user: its password is the administrator's.
pub type User = strongroom_model::user::User;

impl Server {
    /// Adds a project of the first domain, named after the region, in which the administrator is
    /// one, too. No request can do that.
    pub fn add_project(&self, suffix: &str) -> Result<ProjectId> {
        self.runtime.block_on(async {
            let (domain, admin) = self.first_domain().await?;
            let project = Project {
                id: ProjectId::random(&OsRng),
                domain_id: domain,
                name: Name::parse(&format!("{}_{suffix}", self.region()))?,
                description: Description::default(),
                is_enabled: true,
            };
            let tx = self.db.begin().await?;
            tx.project_insert(&project, self.now()).await?;
            for role in [Role::Admin, Role::Operator] {
                tx.grant_insert(admin, Some(Scope::Project(project.id)), role).await?;
            }
            tx.commit().await?;
            Ok(project.id)
        })
    }

    /// Adds a user with one role in a project.
    pub fn add_user(&self, name: &str, project: ProjectId, role: Role) -> Result<User> {
        self.runtime.block_on(async {
            let (domain_id, admin) = self.first_domain().await?;
            let password_hash = self.db.user_login(admin).await?.and_then(|it| it.password_hash);
            let user = User {
                id: UserId::random(&OsRng),
                domain_id,
                name: AccountName::parse(name)?,
                description: Description::default(),
                default_project_id: Some(project),
                is_enabled: true,
                created_at: self.now(),
            };
            let tx = self.db.begin().await?;
            tx.user_insert(&NewUser { user: user.clone(), password_hash }).await?;
            tx.grant_insert(user.id, Some(Scope::Project(project)), role).await?;
            tx.commit().await?;
            Ok(user)
        })
    }

    async fn first_domain(&self) -> Result<(strongroom_model::DomainId, UserId)> {
        let domain = self.db.domain_get_by_name(&self.admin.domain).await?;
        let domain = domain.context("there is a domain")?.id;
        let admin = self.db.user_login_by_name(domain, &self.admin.user).await?;
        Ok((domain, admin.context("there is an administrator")?.user.id))
    }

    /// Logs a user in, by request.
    pub fn token(&self, user: &str, project: &str) -> Result<String> {
        let password = self.admin.password.as_str();
        let domain = json!({"name": self.admin.domain});
        let user = json!({"name": user, "domain": domain, "password": password});
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": project}},
        }});
        let answer = self.ask(&Ask::new("POST", "/iam/v3/auth/tokens").json(&body))?;
        ensure!(answer.status == 201, "logging in: {} {}", answer.status, answer.text());
        Ok(answer.header("x-subject-token").to_owned())
    }
}
