//! Why talking to an NBD server failed.

use std::io;

/// Why an NBD server could not be used. All but [`NbdError::Server`], [`NbdError::ReadOnly`],
/// [`NbdError::Unsupported`] and [`NbdError::OutOfRange`] end the connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NbdError {
    /// The connection failed or ended.
    #[error("the connection to the NBD server failed")]
    Io(#[from] io::Error),
    /// A message does not begin as it must.
    #[error("the NBD server sent {found:#x} where {what} begins")]
    Magic {
        /// The message that was expected.
        what: &'static str,
        /// What came instead.
        found: u64,
    },
    /// A message ends before its fields do.
    #[error("the NBD server sent too few bytes for {what}")]
    Short {
        /// The message.
        what: &'static str,
    },
    /// A length is not what it may be.
    #[error("the NBD server sent a length of {found} for {what}, allowed are {min} to {max}")]
    Length {
        /// What has that length.
        what: &'static str,
        /// The length the server sent.
        found: u64,
        /// The smallest length allowed.
        min: u64,
        /// The largest length allowed.
        max: u64,
    },
    /// The server does not speak the fixed newstyle handshake, or claims what cannot be.
    #[error("the NBD server cannot be used: {why}")]
    Handshake {
        /// What is wrong.
        why: String,
    },
    /// The server refused an option that is needed.
    #[error("the NBD server refused option {option} with {code:#x}: {message}")]
    Refused {
        /// The option's number.
        option: u32,
        /// `NBD_REP_ERR_*`.
        code: u32,
        /// What the server said, made printable.
        message: String,
    },
    /// An answer belongs to another question.
    #[error("the NBD server answered request {found}, {expected} is under way")]
    Cookie {
        /// The request under way.
        expected: u64,
        /// The one that was answered.
        found: u64,
    },
    /// A kind of answer that cannot come here.
    #[error("the NBD server sent {what} of unexpected type {found}")]
    Unexpected {
        /// The message.
        what: &'static str,
        /// Its type.
        found: u64,
    },
    /// Pieces of an answer overlap, leave gaps, lie outside the request or are too many.
    #[error("the NBD server's answer does not fit the request: {why}")]
    Coverage {
        /// What is wrong with the pieces.
        why: &'static str,
    },
    /// The server reports that the request failed.
    #[error("the NBD server answered error {errno}: {message}")]
    Server {
        /// `NBD_E*`; the numbers are those of Linux.
        errno: u32,
        /// What the server said, made printable; often empty.
        message: String,
    },
    /// The export may not be written.
    #[error("the NBD export is read-only")]
    ReadOnly,
    /// The server did not offer the command.
    #[error("the NBD server does not offer {what}")]
    Unsupported {
        /// The command.
        what: &'static str,
    },
    /// The caller asked for bytes beyond the end.
    #[error("bytes {offset} to {end} do not lie inside the export of {size} bytes")]
    OutOfRange {
        /// First byte asked for.
        offset: u64,
        /// First byte after those asked for.
        end: u64,
        /// Size of the export.
        size: u64,
    },
    /// An earlier answer broke the protocol.
    #[error("the connection to the NBD server broke earlier")]
    Broken,
}

impl NbdError {
    /// Whether the stream stands between two messages, so that the connection can be used again.
    pub(super) fn keeps_connection(&self) -> bool {
        matches!(
            self,
            Self::Server { .. }
                | Self::ReadOnly
                | Self::Unsupported { .. }
                | Self::OutOfRange { .. }
        )
    }

    /// As an I/O error, for the errors of disks. Keeps the kind of the server's error number, so
    /// that a full disk is recognised.
    pub fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Io(error) => error.kind(),
            Self::Server { errno, .. } => i32::try_from(*errno)
                .map_or(io::ErrorKind::Other, |errno| io::Error::from_raw_os_error(errno).kind()),
            Self::Unsupported { .. } => io::ErrorKind::Unsupported,
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem,
            Self::OutOfRange { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }
}
