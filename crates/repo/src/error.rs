//! What goes wrong when the engine reads its store; the errors of each operation build on it.

use std::io;

use strongroom_base::ErrorClass;

use crate::crypto::UnitId;
use crate::object::{ObjectError, ObjectKey};

/// Why something of the repository could not be read or decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The store failed.
    #[error("using the store")]
    Store(#[from] ObjectError),
    /// An object is not what was written.
    #[error("object {key} is damaged: {what}")]
    Damaged {
        /// Which.
        key: ObjectKey,
        /// What does not agree.
        what: &'static str,
    },
    /// No readable copy of a unit or node that a manifest needs.
    #[error("no copy of {id} is left ({what})")]
    Missing {
        /// Its name.
        id: UnitId,
        /// Why no copy was found.
        what: &'static str,
    },
    /// A listing lacks an object that was written before it: nothing may be deleted on its word.
    #[error("the store's listing of {prefix} lacks an object that was written before")]
    StaleList {
        /// Which listing.
        prefix: String,
    },
    /// The machine's own disk failed while holding the index.
    #[error("keeping the index on the local disk")]
    Local(#[source] io::Error),
}

impl ReadError {
    /// A damaged object.
    pub(crate) fn damaged(key: &ObjectKey, what: &'static str) -> Self {
        Self::Damaged { key: key.clone(), what }
    }

    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Damaged { .. } | Self::Missing { .. } => ErrorClass::Corruption,
            Self::StaleList { .. } => ErrorClass::Retryable,
            Self::Local(_) => ErrorClass::Permanent,
        }
    }
}
