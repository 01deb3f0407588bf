//! What a failed file call means for the caller of the store.

use std::io;

use rustix::io::Errno;

use super::super::{ObjectError, ObjectKey};

/// A failed read of `key`.
pub(super) fn reading(key: &ObjectKey, error: io::Error) -> ObjectError {
    match error.kind() {
        io::ErrorKind::NotFound => ObjectError::NotFound { key: key.clone() },
        _ => anywhere(key.as_str(), error),
    }
}

/// A failed write or removal of `key`.
pub(super) fn writing(key: &ObjectKey, error: io::Error) -> ObjectError {
    match Errno::from_io_error(&error) {
        Some(Errno::NOSPC | Errno::DQUOT) => ObjectError::Full { key: key.clone() },
        Some(Errno::ROFS) => ObjectError::ReadOnly { key: key.clone() },
        _ => anywhere(key.as_str(), error),
    }
}

/// Any other failure, at a key or prefix.
pub(super) fn anywhere(at: &str, error: io::Error) -> ObjectError {
    let at = at.to_owned();
    match Errno::from_io_error(&error) {
        Some(Errno::ACCESS | Errno::PERM) => ObjectError::Denied { at, why: error.to_string() },
        // Too many open files or too little memory right now, or a network file system that does
        // not answer: all of them may be over in a moment.
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN | Errno::TIMEDOUT) => {
            ObjectError::Unavailable { at, source: Box::new(error) }
        }
        _ => ObjectError::Failed { at, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_to_a_full_or_read_only_disk_is_told_apart() {
        let check = |errno: Errno, expected: fn(&ObjectError) -> bool| {
            let key = ObjectKey::parse("pack/1").unwrap();
            let error = writing(&key, errno.into());
            assert!(expected(&error), "{errno:?}: {error:?}");
        };
        check(Errno::NOSPC, |error| matches!(error, ObjectError::Full { .. }));
        check(Errno::DQUOT, |error| matches!(error, ObjectError::Full { .. }));
        check(Errno::ROFS, |error| matches!(error, ObjectError::ReadOnly { .. }));
        check(Errno::ACCESS, |error| matches!(error, ObjectError::Denied { .. }));
        check(Errno::MFILE, |error| matches!(error, ObjectError::Unavailable { .. }));
        check(Errno::IO, |error| matches!(error, ObjectError::Failed { .. }));
        // A write finds no directory only when somebody removed it: no object is missing.
        check(Errno::NOENT, |error| matches!(error, ObjectError::Failed { .. }));
    }
}
