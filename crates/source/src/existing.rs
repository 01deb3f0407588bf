//! A disk that exists, opened so that nobody who can be kept out comes in.
//!
//! # Invariants
//! - Looked at for users only after it was opened and locked: who comes later meets our lock.
//! - A block device is opened with `O_EXCL`, which the kernel refuses while it, or a partition of
//!   it, is mounted or held otherwise, and which keeps others from mounting it as long as we run.

use std::fs::{self, File, Metadata, OpenOptions as FileOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use rustix::fs::OFlags;
use strongroom_base::{SinkError, SourceError};

use crate::lock::{self, Purpose};
use crate::spec::DiskSpec;
use crate::usage::{DiskIdentity, find_user, patiently};

/// An existing file or block device that is ours to use.
#[derive(Debug)]
pub(crate) struct ExistingDisk {
    /// Open for reading, and for writing where that is the purpose.
    pub(crate) file: File,
    /// Whether it is a block device.
    pub(crate) is_device: bool,
    /// Which file or device it is.
    pub(crate) identity: DiskIdentity,
    /// Bytes of the file or device.
    pub(crate) size: u64,
}

/// Why an existing disk could not be had.
#[derive(Debug)]
pub(crate) enum Refusal {
    Absent,
    InUse(String),
    Unusable(String),
    Failed(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Refusal {
    pub(crate) fn of_source(self, at: String) -> SourceError {
        match self {
            Self::Absent => SourceError::Absent { at },
            Self::InUse(why) => SourceError::InUse { at, why },
            Self::Unusable(why) => SourceError::Unusable { at, why },
            Self::Failed(source) => SourceError::Open { at, source },
        }
    }

    pub(crate) fn of_sink(self, at: String) -> SinkError {
        match self {
            Self::Absent => SinkError::Absent { at },
            Self::InUse(why) => SinkError::InUse { at, why },
            Self::Unusable(why) => SinkError::Unusable { at, why },
            Self::Failed(source) => SinkError::Open { at, source },
        }
    }
}

impl ExistingDisk {
    /// Opens the disk that `spec` names. With `force_unsafe` it is opened even when somebody uses
    /// it, and nobody is kept out.
    pub(crate) fn open(
        spec: &DiskSpec,
        purpose: Purpose,
        force_unsafe: bool,
    ) -> Result<Self, Refusal> {
        let path = &spec.path;
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Refusal::Absent,
            _ => Refusal::Failed(error),
        })?;
        let identity = identity(&metadata)?;
        if spec.identity.is_some_and(|expected| expected != identity) {
            return Err(replaced());
        }
        let is_device = matches!(identity, DiskIdentity::Device(_));

        // Without O_NONBLOCK, a pipe that took the file's place would hold us here for ever.
        let mut flags = OFlags::NONBLOCK;
        if is_device && !force_unsafe {
            flags |= OFlags::EXCL;
        }
        let flags = i32::try_from(flags.bits()).expect("the flags of open are a C int");
        let is_writable = purpose == Purpose::Write;
        let mut options = FileOptions::new();
        options.read(true).write(is_writable).custom_flags(flags);
        let is_busy = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
        let opened = patiently(|| options.open(path), |opened| opened.as_ref().is_err_and(is_busy));
        let mut file = match opened {
            Err(error) if is_busy(&error) => {
                let user = find_user(identity, purpose)?;
                let why = user.unwrap_or_else(|| "the kernel or a program holds it".to_owned());
                return Err(Refusal::InUse(why));
            }
            opened => opened?,
        };
        if self::identity(&file.metadata()?)? != identity {
            return Err(replaced());
        }
        if !force_unsafe {
            let look = || match lock::take(&file, purpose)? {
                Some(why) => Ok(Some(why.to_owned())),
                None => find_user(identity, purpose),
            };
            let user: io::Result<_> = patiently(look, |user| matches!(user, Ok(Some(_))));
            let user = user?;
            if let Some(why) = user {
                return Err(Refusal::InUse(why));
            }
        }
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, is_device, identity, size })
    }

    /// The first bytes, up to eight.
    pub(crate) fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; 8];
        let read = self.file.read_at(&mut head, 0)?;
        head.truncate(read);
        Ok(head)
    }
}

fn replaced() -> Refusal {
    Refusal::Unusable("something else took its place while it was opened".to_owned())
}

fn identity(metadata: &Metadata) -> Result<DiskIdentity, Refusal> {
    let why = if metadata.is_dir() { "it is a directory" } else { "it is no file or block device" };
    DiskIdentity::of(metadata).ok_or_else(|| Refusal::Unusable(why.to_owned()))
}
