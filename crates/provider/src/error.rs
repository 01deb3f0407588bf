//! What can go wrong. The texts name paths: they are for operators and logs.

use std::io;
use std::path::PathBuf;

use strongroom_base::{ErrorClass, SinkError, SourceError};
use strongroom_model::disk::DiskImageFormat;

/// Why a path is not accepted as that of a disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It is relative, has empty, `.` or `..` parts, ends with a slash, or is no text.
    #[error("{path:?} is no plain absolute path: write it without `.`, `..` and doubled slashes")]
    NotPlain {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It is below no configured root.
    #[error("{path:?} is below no folder or device that is configured for disks")]
    Outside {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It is in the data directory or in a store, or these are on it.
    #[error("{path:?} belongs to the data of this service")]
    Reserved {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A part of it below the root is a symbolic link.
    #[error("{link:?} is a symbolic link: give the path that it leads to")]
    Link {
        /// The path up to the link.
        link: PathBuf,
    },
    /// The file has another name as well, which may be anywhere.
    #[error("{path:?} has more than one name (hard links): remove the others")]
    OtherNames {
        /// The path as it was given.
        path: PathBuf,
    },
    /// Neither a file nor a block device, or a device below a root of files, or the reverse.
    #[error("{path:?} is {found}, where {expected} is allowed")]
    Kind {
        /// The path as it was given.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What could be here.
        expected: &'static str,
    },
    /// Nothing is there.
    #[error("there is no disk at {path:?}")]
    Absent {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It could not be looked at.
    #[error("looking at {path:?} failed")]
    Look {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl PlaceError {
    /// What the system said may have been for a moment; all else is for the operator.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Look { .. } => ErrorClass::Retryable,
            _ => ErrorClass::Permanent,
        }
    }
}

/// Why a disk cannot be adopted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// Its path is not accepted.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No format was given, and the name does not tell.
    #[error(
        "the format of {path:?} must be given: `raw` for the bytes of a disk one after another, `qcow2` for a QEMU image"
    )]
    FormatUnnamed {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A format was given that the disk cannot have.
    #[error("{path:?} cannot have the format `{format}`: {why}")]
    FormatDiffers {
        /// The path as it was given.
        path: PathBuf,
        /// The format as it was given.
        format: DiskImageFormat,
        /// What it is instead.
        why: &'static str,
    },
    /// A disk without a byte.
    #[error("the disk {path:?} is empty")]
    Empty {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It could not be opened or described, or refers to files that it must not.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl InspectError {
    /// Permanent unless the system may answer otherwise in a moment.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Place(error) => error.class(),
            Self::Source(error) => error.class(),
            _ => ErrorClass::Permanent,
        }
    }
}

/// Why a disk could not be opened, made or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Its path is not, or no longer, accepted.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It could not be opened for reading.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It could not be opened for writing, made or held.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A name that no new disk can have.
    #[error(
        "{name:?} cannot be a disk's name: up to 100 of the letters a-z A-Z 0-9 . _ - are allowed, the first a letter or digit"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A new disk must have at least one byte.
    #[error("a disk of no bytes cannot be made")]
    NoSize,
    /// No folder is configured in which disks could be made.
    #[error("no folder is configured in which disks could be made")]
    NoFolder,
    /// The disk was not made here.
    #[error("{path:?} was not made by this service and is not removed")]
    NotManaged {
        /// The path.
        path: PathBuf,
    },
    /// Making the folder of new disks, or removing a disk, failed.
    #[error("changing {path:?} failed")]
    Change {
        /// The folder or disk.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ProviderError {
    /// Permanent unless the system may answer otherwise in a moment.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Place(error) => error.class(),
            Self::Source(error) => error.class(),
            Self::Sink(error) => error.class(),
            Self::Change { .. } => ErrorClass::Retryable,
            _ => ErrorClass::Permanent,
        }
    }

    /// Whether somebody else uses the disk.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Source(SourceError::InUse { .. }) | Self::Sink(SinkError::InUse { .. })
        )
    }

    /// Whether the disk is not there.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Place(PlaceError::Absent { .. })
                | Self::Source(SourceError::Absent { .. })
                | Self::Sink(SinkError::Absent { .. })
        )
    }

    /// Whether the name of a new disk is taken.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Sink(SinkError::Exists { .. }))
    }
}

/// Why the configured roots cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It is relative or has empty, `.` or `..` parts.
    #[error("the root {path:?} is no plain absolute path")]
    NotPlain {
        /// The root.
        path: PathBuf,
    },
    /// It is no folder, or cannot be looked at.
    #[error("the folder {path:?} cannot be used")]
    Unusable {
        /// The root or reserved folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The root lies in what is reserved.
    #[error("the root {path:?} lies in {reserved:?}, which belongs to the data of this service")]
    Reserved {
        /// The root.
        path: PathBuf,
        /// The folder that is not for disks.
        reserved: PathBuf,
    },
}

impl RootError {
    /// Always permanent: somebody has to change the configuration or the host.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}
