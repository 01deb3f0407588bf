//! Scopes: where a token is good for something, or a role is held.

use crate::id::{DomainId, ProjectId};

/// A part of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What a project has.
    Project(ProjectId),
    /// What a domain has itself: its users and projects, not what is in these.
    Domain(DomainId),
}

impl Scope {
    /// The project, if it is one.
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Project(id) => Some(id),
            Self::Domain(_) => None,
        }
    }
}
