//! Who a request comes from.

use std::time::Duration;

use strongroom_db::AccessKeyOwner;
use strongroom_model::{ProjectId, Scope};

use super::Claim;
use super::sealing::{STAND_IN, unseal};
use super::token::token_hash;
use crate::caller::Caller;
use crate::error::Error;
use crate::service::Service;

/// How long a signature is good for (contract cbr-v3, 10.2).
const SIGNATURE_LIFE: Duration = Duration::from_mins(15);
/// The longest access key that is looked up; ours have 20 characters.
const LONGEST_ACCESS: usize = 64;

impl Service {
    /// The holder of a token that is good now. One statement, or two for the first request after a
    /// change to users, domains, projects or roles; none for what cannot be a token.
    pub async fn authenticate_token(&self, token: &str) -> Result<Caller, Error> {
        let hash = token_hash(token).ok_or(Error::Unauthenticated)?;
        let holder = self.0.db.token_holder(hash, self.0.clock.now()).await?;
        holder.map(Caller::from).ok_or(Error::Unauthenticated)
    }

    /// The owner of an access key that signed a request. `project` is the one in the path, which
    /// counts, or the one in a header; without one the caller is scoped to its own domain. A project
    /// where it has no role is [`Error::ForeignProject`], whether or not there is such a project.
    ///
    /// A claim with a security token is refused: there are no temporary access keys.
    pub async fn authenticate_claim(
        &self,
        claim: &Claim,
        project: Option<ProjectId>,
    ) -> Result<Caller, Error> {
        let owner = self.owner(claim, project).await?;
        // The same work without an owner (API-2).
        let sealed = owner.as_ref().map_or(STAND_IN.as_slice(), |owner| &owner.sealed_secret);
        let secret = unseal(&self.0.master, &claim.access_key_id, sealed);
        let is_signed = claim.is_signed_with(secret.as_ref().ok());
        let owner = owner.ok_or(Error::Unauthenticated)?;
        if let Err(broken) = secret {
            return Err(Error::internal(broken));
        }
        if !is_signed {
            return Err(Error::Unauthenticated);
        }
        self.caller(owner, project)
    }

    /// The owner of the access key that a claim names, if it signs.
    async fn owner(
        &self,
        claim: &Claim,
        project: Option<ProjectId>,
    ) -> Result<Option<AccessKeyOwner>, Error> {
        let access = claim.access_key_id.as_str();
        let can_be = (1..=LONGEST_ACCESS).contains(&access.len())
            && access.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !can_be || claim.security_token.is_some() {
            return Ok(None);
        }
        Ok(self.0.db.access_key_owner(access, project).await?)
    }

    fn caller(&self, owner: AccessKeyOwner, project: Option<ProjectId>) -> Result<Caller, Error> {
        let scope = match project {
            Some(_) if owner.project_name.is_none() || owner.roles.is_empty() => {
                return Err(Error::ForeignProject);
            }
            Some(id) => Scope::Project(id),
            None => Scope::Domain(owner.domain_id),
        };
        let now = self.0.clock.now();
        Ok(Caller {
            user_id: owner.user_id,
            user_name: owner.user_name,
            domain_id: owner.domain_id,
            domain_name: owner.domain_name,
            scope: Some(scope),
            project_name: owner.project_name,
            roles: owner.roles,
            methods: Vec::new(),
            issued_at: now,
            expires_at: now.plus(SIGNATURE_LIFE),
        })
    }
}
