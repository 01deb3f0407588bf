//! A download that is not complete: `.NAME.strongroom.part`, and a note about it beside it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use crate::failure::{Failure, Kind};

/// What a crash of the machine costs at most. Making it durable each time takes a disk well below
/// the time in which a network brings as much.
const DURABLE_EVERY: u64 = 64 << 20;

/// What is downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) backup: String,
    pub(crate) format: String,
}

/// What is known of the part.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    subject: Subject,
    /// The content's `ETag`.
    etag: String,
    /// How long the whole is, if the service said it.
    total: Option<u64>,
    /// So many bytes of the part are durable.
    durable: u64,
}

/// The part of a file that is there already.
pub(crate) struct Draft {
    target: PathBuf,
    path: PathBuf,
    note_path: PathBuf,
    file: File,
    subject: Subject,
    etag: Option<String>,
    total: Option<u64>,
    position: u64,
    durable: u64,
}

impl Draft {
    /// Opens the part of `target` that an earlier command left, if it is of the same subject;
    /// otherwise begins a new one. Refuses a target that exists.
    pub(crate) fn open(target: &Path, subject: Subject) -> Result<Self> {
        let at = target.display();
        let target = std::path::absolute(target).with_context(|| format!("finding {at}"))?;
        if target.symlink_metadata().is_ok() {
            return Err(taken(&target).into());
        }
        let name = target.file_name().ok_or_else(|| Failure::usage(format!("{at} is no file")))?;
        let beside = |suffix: &str| {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(suffix);
            target.with_file_name(hidden)
        };
        let (path, note_path) = (beside(".strongroom.part"), beside(".strongroom.json"));
        // Only its owner may read it, then and later: it holds somebody's disk.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).with_context(|| format!("opening {}", path.display()))?;
        lock(&file, &path)?;
        let len = file.metadata().with_context(|| format!("looking at {}", path.display()))?.len();
        let note = read_note(&note_path).filter(|note| note.subject == subject);
        let position = note.as_ref().map_or(0, |note| note.durable.min(len));
        let note = note.filter(|_| position > 0);
        let total = note.as_ref().and_then(|note| note.total);
        let etag = note.map(|note| note.etag);
        file.set_len(position).with_context(|| format!("preparing {}", path.display()))?;
        let durable = position;
        Ok(Self { target, path, note_path, file, subject, etag, total, position, durable })
    }

    /// Where the next byte goes.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The `ETag` of what is there.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Whether nothing is missing: an earlier command only did not give the file its name.
    pub(crate) fn is_complete(&self) -> bool {
        self.position > 0 && self.total == Some(self.position)
    }

    /// Throws away what is there, because the content is another one, `total` bytes long.
    pub(crate) fn restart(&mut self, etag: Option<&str>, total: Option<u64>) -> Result<()> {
        self.forget_note()?;
        self.file.set_len(0).with_context(|| format!("emptying {}", self.path.display()))?;
        (self.position, self.durable) = (0, 0);
        self.etag = etag.map(str::to_owned);
        self.total = total;
        Ok(())
    }

    /// Appends bytes. Zeros stay holes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.iter().any(|byte| *byte != 0) {
            let written = self.file.write_all_at(bytes, self.position);
            written.with_context(|| format!("writing {}", self.path.display()))?;
        }
        self.position += bytes.len() as u64;
        if self.position - self.durable >= DURABLE_EVERY {
            self.save()?;
        }
        Ok(())
    }

    /// Makes durable what is there, and notes it, so that another command can go on.
    pub(crate) fn save(&mut self) -> Result<()> {
        self.sync()?;
        let Some(etag) = self.etag.clone() else { return Ok(()) };
        self.durable = self.position;
        let (subject, total, durable) = (self.subject.clone(), self.total, self.durable);
        let note = Note { subject, etag, total, durable };
        let write = || {
            let folder = self.target.parent().unwrap_or(Path::new("/"));
            let file = NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&file, &note)?;
            file.as_file().sync_all()?;
            file.persist(&self.note_path).map(drop).map_err(|error| error.error)
        };
        write().with_context(|| format!("writing {}", self.note_path.display()))
    }

    /// Gives the file its name, durably, unless the name was taken meanwhile.
    pub(crate) fn publish(mut self) -> Result<()> {
        self.save()?;
        let draft = TempPath::try_from_path(&self.path);
        let draft = draft.with_context(|| format!("naming {}", self.path.display()))?;
        if let Err(error) = draft.persist_noclobber(&self.target) {
            // Without this the part would be removed.
            let kept = error.path.keep();
            drop(kept);
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => taken(&self.target).into(),
                _ => anyhow::Error::from(error.error)
                    .context(format!("naming {}", self.target.display())),
            });
        }
        self.forget_note()?;
        let folder = self.target.parent().unwrap_or(Path::new("/"));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.with_context(|| format!("making {} durable", folder.display()))
    }

    fn sync(&self) -> Result<()> {
        let sync = || {
            self.file.set_len(self.position)?;
            self.file.sync_all()
        };
        sync().with_context(|| format!("making {} durable", self.path.display()))
    }

    fn forget_note(&self) -> Result<()> {
        match fs::remove_file(&self.note_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.note_path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn taken(target: &Path) -> Failure {
    Failure::new(Kind::Conflict, format!("{} exists", target.display()))
        .hint("an export never replaces a file: give another name")
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another command writes {}", path.display());
            Err(Failure::new(Kind::Conflict, message).into())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// A note that cannot be read is none: the download begins anew.
fn read_note(path: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(backup: &str) -> Subject {
        Subject { backup: backup.to_owned(), format: "raw".to_owned() }
    }

    #[test]
    fn draft_goes_on_after_what_was_saved() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("disk.img");
        let mut draft = Draft::open(&target, subject("a")).expect("a draft");
        draft.restart(Some("\"1\""), Some(8)).expect("empty");
        draft.write(b"saved").expect("written");
        draft.save().expect("saved");
        draft.write(b"lost").expect("written");
        assert!(Draft::open(&target, subject("a")).is_err(), "it is locked");
        drop(draft);

        let mut draft = Draft::open(&target, subject("a")).expect("a draft");
        assert_eq!((draft.position(), draft.etag()), (5, Some("\"1\"")));
        assert!(!draft.is_complete());
        draft.write(&[0; 3]).expect("written");
        draft.publish().expect("complete");
        assert_eq!(fs::read(&target).expect("there"), b"saved\0\0\0");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1, "nothing else is left");
    }

    #[test]
    fn draft_of_something_else_begins_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("disk.img");
        let mut draft = Draft::open(&target, subject("a")).expect("a draft");
        draft.restart(Some("\"1\""), Some(8)).expect("empty");
        draft.write(b"saved").expect("written");
        draft.save().expect("saved");
        drop(draft);
        let draft = Draft::open(&target, subject("b")).expect("a draft");
        assert_eq!((draft.position(), draft.etag()), (0, None));
    }

    #[test]
    fn publish_replaces_nothing_and_keeps_the_part() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("disk.img");
        let mut draft = Draft::open(&target, subject("a")).expect("a draft");
        draft.restart(Some("\"1\""), Some(5)).expect("empty");
        draft.write(b"bytes").expect("written");
        drop(File::create_new(&target).expect("a file"));
        assert!(draft.publish().is_err());
        assert_eq!(fs::read(&target).expect("there"), b"");
        assert!(dir.path().join(".disk.img.strongroom.part").exists());
        assert!(Draft::open(&target, subject("a")).is_err(), "the name is taken");
        fs::remove_file(&target).expect("removed");
        let draft = Draft::open(&target, subject("a")).expect("a draft");
        assert!(draft.is_complete());
    }
}
