//! A new password for somebody whose password is lost, and whether the master key is the right one:
//! both for whoever has the catalogue in hand. Nobody's rights are asked.

use std::fmt;

use strongroom_model::project::Project;
use zeroize::Zeroizing;

use super::bootstrap::PASSWORD_LEN;
use super::random_text::{READABLE, random_text};
use super::sealing::unseal;
use crate::error::{Error, Noun};
use crate::service::Service;

/// A user's new password. It is shown this once.
pub struct NewPassword {
    /// The user's default project, if it has one.
    pub project: Option<Project>,
    /// Generated.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for NewPassword {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword").field("project", &self.project).finish_non_exhaustive()
    }
}

impl Service {
    /// Gives a user of a domain, both by name, a generated password, takes a lock off it and ends
    /// its tokens. Its access keys stay.
    pub async fn password_reset(&self, domain: &str, user: &str) -> Result<NewPassword, Error> {
        let db = &self.0.db;
        let domain = db.domain_get_by_name(domain).await?.ok_or(Error::NotFound(Noun::Domain))?;
        let login = db.user_login_by_name(domain.id, user).await?;
        let user = login.ok_or(Error::NotFound(Noun::User))?.user;
        let password = random_text(&*self.0.rng, READABLE, PASSWORD_LEN);
        let hash = self.0.passwords.hash(password.clone(), &*self.0.rng).await?;
        let tx = db.begin().await?;
        if !tx.user_set_password(user.id, &hash).await? {
            return Err(Error::NotFound(Noun::User));
        }
        tx.token_delete_of_user(user.id).await?;
        tx.commit().await?;
        let project = match user.default_project_id {
            Some(id) => db.project_get(id).await?,
            None => None,
        };
        Ok(NewPassword { project, password })
    }

    /// Whether the master key opens what is sealed in the catalogue; also where nothing is.
    pub async fn is_master_key_right(&self) -> Result<bool, Error> {
        let found = self.0.db.access_key_any().await?;
        Ok(found.is_none_or(|(access, sealed)| unseal(&self.0.master, &access, &sealed).is_ok()))
    }
}
