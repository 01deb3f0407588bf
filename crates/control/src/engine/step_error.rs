//! What a step says when a lower layer failed: the class decides about another attempt, code and
//! text are for users.

use strongroom_base::ErrorClass;
use strongroom_db::DbError;
use strongroom_provider::ProviderError;
use strongroom_repo::{BackupError, GraveError, ReadError, RestoreError, VerifyError};
use strongroom_task::{StepError, StoreError, UndoError};

use super::repositories::RepositoryError;

/// The contract's code for what has none of its own (section 6.2).
const UNKNOWN: &str = "BackupService.9910";
/// Statistics of the object store failed, the nearest to "it cannot be read or written".
const STORE: &str = "BackupService.6403";
/// The state of the resource does not allow it.
const RESOURCE: &str = "BackupService.6215";

/// An error that can end a step.
pub(super) trait EndsStep: std::error::Error + Send + Sync + Sized + 'static {
    /// Class, code and text.
    fn told(&self) -> (ErrorClass, &'static str, &'static str);

    /// Whether the work stopped because it was asked to.
    fn is_stop(&self) -> bool {
        false
    }

    fn into_step(self) -> StepError {
        if self.is_stop() {
            return StepError::Stopped;
        }
        let (class, code, message) = self.told();
        StepError::failed(class, code, message).caused_by(self)
    }

    fn into_undo(self) -> UndoError {
        let (class, code, message) = self.told();
        UndoError::new(class, code, message).caused_by(self)
    }
}

impl EndsStep for RepositoryError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), STORE, "The vault's repository cannot be opened.")
    }
}

impl EndsStep for ReadError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), STORE, "The vault's repository cannot be read.")
    }
}

impl EndsStep for GraveError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), STORE, "The backup cannot be deleted from the vault's repository.")
    }
}

impl EndsStep for StoreError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), UNKNOWN, "The catalogue cannot be used.")
    }
}

impl EndsStep for DbError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), UNKNOWN, "The catalogue cannot be used.")
    }
}

impl EndsStep for ProviderError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), RESOURCE, "The disk cannot be opened, or somebody uses it.")
    }
}

impl EndsStep for BackupError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        match self {
            Self::Source { .. } => (self.class(), RESOURCE, "The disk cannot be read."),
            _ => (self.class(), STORE, "The backup cannot be written."),
        }
    }

    fn is_stop(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

impl EndsStep for RestoreError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        match self {
            Self::Absent { .. } => (self.class(), STORE, "The backup's data is not there."),
            Self::Sink(_) => (self.class(), RESOURCE, "The disk cannot be written."),
            _ => (self.class(), STORE, "The backup cannot be read."),
        }
    }

    fn is_stop(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

impl EndsStep for VerifyError {
    fn told(&self) -> (ErrorClass, &'static str, &'static str) {
        (self.class(), STORE, "The vault's repository cannot be read.")
    }

    fn is_stop(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
