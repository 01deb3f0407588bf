//! Users.

use strongroom_base::Timestamp;

use crate::description::Description;
use crate::id::{DomainId, ProjectId, UserId};
use crate::name::AccountName;

/// Somebody, or some program, that calls the service. How it proves who it is stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where it belongs.
    pub domain_id: DomainId,
    /// Its name, unique in its domain (IAM-19).
    pub name: AccountName,
    /// What is said about it.
    pub description: Description,
    /// The project of a token that is asked for without a scope.
    pub default_project_id: Option<ProjectId>,
    /// A disabled user gets no token, and its tokens die at once (IAM-2).
    pub is_enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}
