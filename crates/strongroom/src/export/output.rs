//! Where a download goes.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

use super::draft::Draft;
use crate::failure::{Failure, Kind};

/// A file to be, or standard output.
pub(crate) enum Output {
    File(Draft),
    Stdout { position: u64, etag: Option<String> },
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::Stdout { position: 0, etag: None }
    }

    /// Where the next byte goes.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Self::File(draft) => draft.position(),
            Self::Stdout { position, .. } => *position,
        }
    }

    /// The `ETag` of what is there.
    pub(super) fn etag(&self) -> Option<&str> {
        match self {
            Self::File(draft) => draft.etag(),
            Self::Stdout { etag, .. } => etag.as_deref(),
        }
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::File(draft) if draft.is_complete())
    }

    /// Begins with a content of `total` bytes from its first byte.
    pub(super) fn restart(&mut self, new: Option<&str>, total: Option<u64>) -> Result<()> {
        match self {
            Self::File(draft) => draft.restart(new, total),
            Self::Stdout { position: 0, etag } => {
                *etag = new.map(str::to_owned);
                Ok(())
            }
            Self::Stdout { .. } => {
                let message = "the service began anew, but a part is written to standard output";
                let hint = "give a file: -o FILE can begin anew";
                Err(Failure::new(Kind::Unavailable, message).hint(hint).into())
            }
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::File(draft) => draft.write(bytes),
            Self::Stdout { position, .. } => {
                io::stdout().write_all(bytes).context("writing to standard output")?;
                *position += bytes.len() as u64;
                Ok(())
            }
        }
    }

    /// Keeps what can be kept of an incomplete download.
    pub(crate) fn save(&mut self) -> Result<()> {
        match self {
            Self::File(draft) => draft.save(),
            Self::Stdout { .. } => Ok(()),
        }
    }

    /// Ends a complete download.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::File(draft) => draft.publish(),
            Self::Stdout { .. } => io::stdout().flush().context("writing to standard output"),
        }
    }
}
