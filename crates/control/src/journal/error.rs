//! Why the catalogue could not be journaled or recovered.

use strongroom_base::ErrorClass;
use strongroom_db::DbError;
use strongroom_repo::ReadError;
use strongroom_repo::journal::JournalError;
use strongroom_repo::object::ObjectError;
use strongroom_repo::object::address::StoreOpenError;

use crate::engine::RepositoryError;

/// Why the catalogue could not be journaled or recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The store could not be opened.
    #[error("opening the store")]
    Open(#[from] StoreOpenError),
    /// The store could not be listed.
    #[error("listing the vaults of the store")]
    List(#[source] ObjectError),
    /// The store could not be asked for a journal.
    #[error("looking for a catalogue's journal in the store")]
    Look(#[source] ObjectError),
    /// The journal could not be read or written.
    #[error("using the catalogue's journal")]
    Journal(#[from] JournalError),
    /// The database failed.
    #[error("using the catalogue")]
    Database(#[from] DbError),
    /// The catalogue's own name in the journal is not one.
    #[error("the catalogue has an owner's id that is none")]
    OwnerUnreadable,
    /// The catalogue is not new: recovering would mix two.
    #[error("the catalogue is in use; recover needs a new one")]
    InUse,
    /// A repository does not answer.
    #[error("using a repository")]
    Repository(#[from] RepositoryError),
    /// A repository cannot be read now.
    #[error("reading a repository")]
    Read(#[from] ReadError),
}

impl CatalogueError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Open(error) => error.class(),
            Self::List(error) | Self::Look(error) => error.class(),
            Self::Journal(error) => error.class(),
            Self::Database(error) => error.class(),
            Self::OwnerUnreadable => ErrorClass::Corruption,
            Self::InUse => ErrorClass::Permanent,
            Self::Repository(error) => error.class(),
            Self::Read(error) => error.class(),
        }
    }
}
