//! Logins with a password, and the lock against guessing.
//!
//! # Why
//! Wrong passwords are counted, and five in a quarter of an hour lock the user for another one
//! (IAM-1). Whether it is locked is asked after the password was checked: those who wait in the line
//! of hashes together would all pass otherwise before the first is counted.

use std::time::Duration;

use strongroom_base::Timestamp;
use strongroom_db::{Login, LoginName};
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::{DomainId, UserId};
use zeroize::Zeroizing;

use super::{DomainChoice, UserChoice};
use crate::caller::Caller;
use crate::error::Error;
use crate::service::Service;

/// Wrong passwords that lock a user (IAM-1).
const TRIES: u32 = 5;
/// The time in which they count together (IAM-1).
const WINDOW: Duration = Duration::from_mins(15);
/// How long the user is locked (IAM-1).
const LOCK: Duration = Duration::from_mins(15);

/// Somebody who has shown who they are and wants a token.
#[derive(Debug, Clone)]
pub(super) struct Applicant {
    pub(super) user_id: UserId,
    pub(super) user_name: AccountName,
    pub(super) domain_id: DomainId,
    pub(super) domain_name: AccountName,
    /// What it showed.
    pub(super) method: &'static str,
    /// No new token lives longer than the one that was shown (IAM-4).
    pub(super) until: Option<Timestamp>,
    /// Whether wrong passwords are counted, which ends now.
    pub(super) has_failures: bool,
}

impl From<Caller> for Applicant {
    /// Who shows a token that is good.
    fn from(holder: Caller) -> Self {
        Self {
            user_id: holder.user_id,
            user_name: holder.user_name,
            domain_id: holder.domain_id,
            domain_name: holder.domain_name,
            method: "token",
            until: Some(holder.expires_at),
            has_failures: false,
        }
    }
}

impl Applicant {
    /// Whether `choice` names its own domain, the only one where it can act.
    pub(super) fn is_of(&self, choice: &DomainChoice) -> bool {
        match choice {
            DomainChoice::Id(id) => *id == self.domain_id,
            DomainChoice::Name(name) => *name == self.domain_name.as_str(),
        }
    }
}

impl Service {
    /// Who has this password. Whatever is wrong is the same error, after the same work (CTL-1).
    pub(super) async fn log_in(
        &self,
        choice: UserChoice,
        password: Zeroizing<String>,
    ) -> Result<Applicant, Error> {
        let found = self.find_login(choice).await?;
        let hash = found.as_ref().and_then(|(login, _)| login.password_hash.clone());
        let is_right = self.0.passwords.is_right(password, hash).await?;
        let (login, domain) = found.ok_or(Error::Unauthenticated)?;
        let login = self.still(login).await?;
        if !is_right {
            self.count_failure(login.user.id).await?;
            return Err(Error::Unauthenticated);
        }
        Ok(Applicant {
            user_id: login.user.id,
            user_name: login.user.name,
            domain_id: domain.id,
            domain_name: domain.name,
            method: "password",
            until: None,
            has_failures: login.failures > 0,
        })
    }

    /// The user that is meant, and its domain, if there is one and neither is disabled.
    async fn find_login(&self, choice: UserChoice) -> Result<Option<(Login, Domain)>, Error> {
        // What cannot be a name is not asked for: a database may refuse such text.
        let is_name = |name: &str| AccountName::parse(name).is_ok();
        let name = match &choice {
            UserChoice::Id(id) => LoginName::Id(*id),
            UserChoice::Name(name, _) if !is_name(name) => return Ok(None),
            UserChoice::Name(name, DomainChoice::Id(domain)) => LoginName::In(*domain, name),
            UserChoice::Name(_, DomainChoice::Name(domain)) if !is_name(domain) => return Ok(None),
            UserChoice::Name(name, DomainChoice::Name(domain)) => LoginName::InNamed(domain, name),
        };
        let found = self.0.db.user_login_named(name).await?;
        Ok(found.filter(|(login, domain)| login.user.is_enabled && domain.is_enabled))
    }

    /// The same login as it is now; refused if it is locked, disabled or has another password.
    async fn still(&self, before: Login) -> Result<Login, Error> {
        let now = self.0.clock.now();
        let login = self.0.db.user_login(before.user.id).await?;
        login
            .filter(|login| login.user.is_enabled && login.password_hash == before.password_hash)
            .filter(|login| login.locked_until.is_none_or(|until| until <= now))
            .ok_or(Error::Unauthenticated)
    }

    async fn count_failure(&self, user: UserId) -> Result<(), Error> {
        let now = self.0.clock.now();
        let tx = self.0.db.begin().await?;
        if tx.user_count_failure(user, now, WINDOW).await? >= TRIES {
            tx.user_lock(user, Some(now.plus(LOCK))).await?;
        }
        Ok(tx.commit().await?)
    }
}
