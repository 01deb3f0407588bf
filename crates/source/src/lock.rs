//! The locks by which QEMU, and we, tell each other who uses an image.
//!
//! # Why
//! QEMU locks single bytes of every image it opens (its `block/file-posix.c`): byte 100 + n while
//! it holds permission n, byte 200 + n while it does not let others hold permission n. All are
//! shared locks; a conflict is found by asking whether anybody holds the opposite byte. We speak
//! the same protocol instead of one of our own: a running guest is seen, a guest that starts while
//! a restore writes its disk is refused by QEMU, and two of our own processes see each other.
//!
//! # Invariants
//! - We lock first and ask afterwards, as QEMU does: of two that race, at least one sees the other.
//!
//! # Concurrency and crash
//! The locks belong to the open file and end with its last descriptor, also when the process is
//! killed. They do not keep a writer from changing the file that does not ask for locks; `usage`
//! and the check at the end of a read are for those.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// `RAW_LOCK_PERM_BASE`.
const HELD_BASE: i64 = 100;
/// `RAW_LOCK_SHARED_BASE`.
const UNSHARED_BASE: i64 = 200;

/// Permissions by QEMU's bit numbers (`BLK_PERM_*`).
const READ: i64 = 0;
const WRITE: i64 = 1;
const WRITE_UNCHANGED: i64 = 2;
const RESIZE: i64 = 3;

/// What a disk is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read; nobody may write.
    Read,
    /// To be written; nobody may use it.
    Write,
}

impl Purpose {
    /// What we do with the disk.
    fn held(self) -> &'static [i64] {
        match self {
            Self::Read => &[READ],
            Self::Write => &[READ, WRITE, RESIZE],
        }
    }

    /// What nobody else may do meanwhile. A source lets others "write unchanged", which QEMU does
    /// to fill an overlay from its backing file and which no reader can see.
    fn unshared(self) -> &'static [i64] {
        match self {
            Self::Read => &[WRITE, RESIZE],
            Self::Write => &[READ, WRITE, WRITE_UNCHANGED, RESIZE],
        }
    }
}

/// Locks `file` for `purpose` as long as it is open. `Some` says who is in the way; the file then
/// must be closed. A file system without such locks locks nothing and finds nobody.
pub(crate) fn take(file: &File, purpose: Purpose) -> io::Result<Option<&'static str>> {
    for bit in purpose.held() {
        if !lock_shared(file, HELD_BASE + bit)? {
            return Ok(None);
        }
    }
    for bit in purpose.unshared() {
        lock_shared(file, UNSHARED_BASE + bit)?;
    }
    find_holder(file, purpose)
}

/// Who holds locks that `purpose` does not go with. Only asks, so that nobody who wants the disk
/// at the same moment is refused because of us.
pub(crate) fn find_holder(file: &File, purpose: Purpose) -> io::Result<Option<&'static str>> {
    for bit in purpose.unshared() {
        if is_locked(file, HELD_BASE + bit)? {
            return Ok(Some(match *bit {
                READ => "another process reads it (image lock)",
                _ => "another process holds it for writing (image lock)",
            }));
        }
    }
    for bit in purpose.held() {
        if is_locked(file, UNSHARED_BASE + bit)? {
            return Ok(Some("another process wants it for itself (image lock)"));
        }
    }
    Ok(None)
}

fn flock(kind: libc::c_int, byte: i64) -> libc::flock {
    libc::flock {
        l_type: kind.try_into().expect("lock types are small numbers"),
        l_whence: libc::SEEK_SET.try_into().expect("SEEK_SET is zero"),
        l_start: byte,
        l_len: 1,
        l_pid: 0, // must be zero for locks of an open file
    }
}

/// `false` when the file system has no locks.
fn lock_shared(file: &File, byte: i64) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&flock(libc::F_RDLCK, byte))) {
        Err(Errno::ENOLCK | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => Ok(false),
        // Only an exclusive lock is in the way of ours. QEMU takes none that lasts.
        Ok(_) | Err(Errno::EAGAIN | Errno::EACCES) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether somebody else, through another open file, locks the byte in any way. Nobody does where
/// the file system has no locks.
fn is_locked(file: &File, byte: i64) -> io::Result<bool> {
    let mut question = flock(libc::F_WRLCK, byte);
    match fcntl(file, FcntlArg::F_OFD_GETLK(&mut question)) {
        Err(Errno::ENOLCK | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => return Ok(false),
        asked => asked?,
    };
    Ok(i32::from(question.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: Purpose, second: Purpose, is_free: bool) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let holder = File::open(file.path()).unwrap();
        assert_eq!(take(&holder, first).unwrap(), None);
        let other = File::open(file.path()).unwrap();
        let found = take(&other, second).unwrap();
        assert_eq!(found.is_none(), is_free, "{first:?} then {second:?}: {found:?}");
    }

    #[test]
    fn take_lets_only_readers_share() {
        check(Purpose::Read, Purpose::Read, true);
        check(Purpose::Read, Purpose::Write, false);
        check(Purpose::Write, Purpose::Read, false);
        check(Purpose::Write, Purpose::Write, false);
    }
}
