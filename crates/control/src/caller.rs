//! Who asks, for which project.

use strongroom_base::Timestamp;
use strongroom_db::TokenHolder;
use strongroom_model::audit::Actor;
use strongroom_model::name::AccountName;
use strongroom_model::{DomainId, Name, ProjectId, Role, Scope, UserId};

use crate::error::Error;

/// A user who has shown who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// Its name.
    pub user_name: AccountName,
    /// The domain it belongs to.
    pub domain_id: DomainId,
    /// The name of that.
    pub domain_name: AccountName,
    /// Where it may act; nowhere if none (an unscoped token). A project or domain here is always of
    /// the user's own domain, or that domain.
    pub scope: Option<Scope>,
    /// The name of the project that it is scoped to.
    pub project_name: Option<Name>,
    /// What it is there; nothing without a scope.
    pub roles: Vec<Role>,
    /// By which methods it showed who it is, as the token was asked for; empty with an access key.
    pub methods: Vec<String>,
    /// When its token was issued.
    pub issued_at: Timestamp,
    /// When its token ends; with an access key, the end of this request's signature.
    pub expires_at: Timestamp,
}

impl From<TokenHolder> for Caller {
    fn from(holder: TokenHolder) -> Self {
        Self {
            user_id: holder.user_id,
            user_name: holder.user_name,
            domain_id: holder.domain_id,
            domain_name: holder.domain_name,
            scope: holder.scope,
            project_name: holder.project_name,
            roles: if holder.scope.is_some() { holder.roles } else { Vec::new() },
            methods: holder.methods.split(',').map(str::to_owned).collect(),
            issued_at: holder.issued_at,
            expires_at: holder.expires_at,
        }
    }
}

/// One operation: who asks for it, in which project, under which request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpContext {
    /// Who asks.
    pub caller: Caller,
    /// The project that the request names.
    pub project: ProjectId,
    /// What answers and logs carry, `req-<uuid>`.
    pub request_id: String,
}

impl OpContext {
    /// The caller in `project`. Who is scoped to another one is refused before anything is looked
    /// up, whether or not that project exists (R108).
    pub fn new(caller: Caller, project: ProjectId, request_id: String) -> Result<Self, Error> {
        if caller.scope != Some(Scope::Project(project)) {
            return Err(Error::ForeignProject);
        }
        Ok(Self { caller, project, request_id })
    }

    /// As audit records name the caller.
    pub(crate) fn actor(&self) -> Actor {
        Actor::User { id: self.caller.user_id, name: self.caller.user_name.clone() }
    }
}
