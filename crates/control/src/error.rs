//! Why an operation was not done.

use strongroom_base::ErrorClass;
use strongroom_db::DbError;
use strongroom_model::action::Action;
use strongroom_model::permission::Denied;
use strongroom_model::{FieldError, Refusal};
use strongroom_repo::RestoreError;

use crate::engine::RepositoryError;

/// Things that requests name and that may not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the model documents them")]
pub enum Noun {
    Vault,
    Policy,
    Checkpoint,
    Backup,
    Task,
    Resource,
    Disk,
    Server,
    Project,
    Domain,
    User,
    Token,
}

/// Why an operation was not done. Nothing of it was done then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller did not show who it is: no token, a bad one, a bad signature, a wrong password.
    #[error("the caller is not known")]
    Unauthenticated,
    /// The caller's scope is not the project that the request names.
    #[error("the project is not the caller's")]
    ForeignProject,
    /// The caller may not do this.
    #[error("{action} is not allowed")]
    Forbidden {
        /// What it may not do.
        action: Action,
    },
    /// There is no such thing, or not for this caller.
    #[error("there is no such {0:?}")]
    NotFound(Noun),
    /// A disk that an operator names cannot be used.
    #[error("{why}")]
    Unusable {
        /// Why, with paths: the operator gave them.
        why: String,
    },
    /// The user has as many access keys as it may have (IAM-13).
    #[error("the user has as many access keys as it may have")]
    TooManyAccessKeys,
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody changed the same thing at the same moment; the same request may succeed.
    #[error("something else changed it meanwhile")]
    Conflict,
    /// As much of it is done already as the service does at a time; it may be asked again soon.
    #[error("the service does as much of this as it can at a time")]
    Busy,
    /// Part of the service does not answer.
    #[error("the service cannot do this now")]
    Unavailable {
        /// What went wrong; not for callers.
        #[source]
        source: Cause,
    },
    /// A mistake of ours, or damage.
    #[error("the service failed")]
    Internal {
        /// What went wrong; not for callers.
        #[source]
        source: Cause,
    },
}

/// An error of a lower layer.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// Damage or a mistake of ours.
    pub(crate) fn internal(source: impl Into<Cause>) -> Self {
        Self::Internal { source: source.into() }
    }

    /// What the engine says.
    pub(crate) fn engine<E: EngineError>(error: E) -> Self {
        match error.engine_class() {
            ErrorClass::Retryable => Self::Unavailable { source: Box::new(error) },
            _ => Self::Internal { source: Box::new(error) },
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Forbidden { action: denied.action }
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Refused(Refusal::Field(error))
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::Conflict { .. }) {
            return Self::Conflict;
        }
        match error.class() {
            ErrorClass::Retryable => Self::Unavailable { source: Box::new(error) },
            _ => Self::Internal { source: Box::new(error) },
        }
    }
}

/// An error of the engine that says what a caller may do about it.
pub(crate) trait EngineError: std::error::Error + Send + Sync + 'static {
    /// What.
    fn engine_class(&self) -> ErrorClass;
}

impl EngineError for RestoreError {
    fn engine_class(&self) -> ErrorClass {
        self.class()
    }
}

impl EngineError for RepositoryError {
    fn engine_class(&self) -> ErrorClass {
        self.class()
    }
}
