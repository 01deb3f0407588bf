//! The order of file calls that makes a directory a store.

use std::collections::HashSet;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use rustix::io::Errno;
use strongroom_base::rng::OsRng;
use strongroom_base::{ByteRange, Rng, Timestamp};

use super::super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult};
use super::failure;
use super::files::{FileKind, Files};

/// Where files are written before they get their name. The dot keeps it apart from every key.
const TEMPORARIES: &str = ".tmp";

/// Whether a write gave the file its name or found the name taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Written,
    Taken,
}

/// A directory tree of objects.
pub(super) struct Tree<F> {
    files: F,
    /// Directories whose own entry this process has made durable.
    settled: Mutex<HashSet<String>>,
}

impl<F: Files> Tree<F> {
    pub(super) fn new(files: F) -> Self {
        Self { files, settled: Mutex::default() }
    }

    pub(super) fn put(&self, key: &ObjectKey, bytes: &Bytes) -> ObjectResult<()> {
        match self.write(key, bytes).map_err(|error| failure::writing(key, error))? {
            Outcome::Written => Ok(()),
            // A repeated attempt whose first answer was lost finds its own object.
            Outcome::Taken if self.holds(key, bytes)? => Ok(()),
            Outcome::Taken => Err(ObjectError::AlreadyExists { key: key.clone() }),
        }
    }

    pub(super) fn create(&self, key: &ObjectKey, bytes: &Bytes) -> ObjectResult<()> {
        match self.write(key, bytes).map_err(|error| failure::writing(key, error))? {
            Outcome::Written => Ok(()),
            Outcome::Taken => Err(ObjectError::AlreadyExists { key: key.clone() }),
        }
    }

    pub(super) fn get(&self, key: &ObjectKey) -> ObjectResult<Bytes> {
        let read = self.files.read(key.as_str(), None);
        read.map(Bytes::from).map_err(|error| failure::reading(key, error))
    }

    pub(super) fn get_range(&self, key: &ObjectKey, range: ByteRange) -> ObjectResult<Bytes> {
        let short = || ObjectError::Short { key: key.clone(), end: range.end };
        let read = self.files.read(key.as_str(), Some(range));
        let bytes = read.map_err(|error| failure::reading(key, error))?;
        if bytes.len() as u64 != range.len() {
            return Err(short());
        }
        if range.is_empty() {
            // Nothing was read, so nothing showed that the object reaches this far.
            let before = ByteRange { start: range.start.saturating_sub(1), end: range.start };
            let read = self.files.read(key.as_str(), Some(before));
            let bytes = read.map_err(|error| failure::reading(key, error))?;
            if bytes.len() as u64 != before.len() {
                return Err(short());
            }
        }
        Ok(Bytes::from(bytes))
    }

    pub(super) fn list(&self, prefix: &str) -> ObjectResult<Vec<ObjectMeta>> {
        let top = prefix.rsplit_once('/').map_or("", |(dir, _)| dir);
        let mut listed = Vec::new();
        if top.is_empty() || ObjectKey::parse(top).is_some() {
            let mut pending = vec![top.to_owned()];
            while let Some(dir) = pending.pop() {
                self.list_dir(&dir, &mut listed, &mut pending)
                    .map_err(|error| failure::anywhere(prefix, error))?;
            }
        }
        listed.retain(|meta| meta.key.as_str().starts_with(prefix));
        listed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    pub(super) fn delete(&self, key: &ObjectKey) -> ObjectResult<()> {
        let removed = absent_is_fine(self.files.remove(key.as_str()))
            .and_then(|()| absent_is_fine(self.files.sync_dir(dir_of(key))));
        removed.map_err(|error| failure::writing(key, error))
    }

    pub(super) fn sweep_temporaries(&self, now: Timestamp, age: Duration) -> ObjectResult<u64> {
        let fail = |error| failure::anywhere(TEMPORARIES, error);
        let entries = match self.files.list(TEMPORARIES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            listed => listed.map_err(fail)?,
        };
        let mut removed = 0;
        for entry in entries {
            if entry.kind == FileKind::Regular && now.since(entry.modified) > age {
                let path = format!("{TEMPORARIES}/{}", entry.name);
                absent_is_fine(self.files.remove(&path)).map_err(fail)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Writes `bytes` under a temporary name, makes them durable, gives them their name and makes
    /// that durable. A name that is taken is made durable as well: the caller will rely on it.
    fn write(&self, key: &ObjectKey, bytes: &[u8]) -> io::Result<Outcome> {
        let dir = dir_of(key);
        self.make_dirs(dir)?;
        let (temporary, file) = self.create_temporary()?;
        let published = self.fill(file, bytes).and_then(|file| {
            let published = self.files.publish(&file, &temporary, key.as_str());
            published.map(|()| Outcome::Written)
        });
        let outcome = published.or_else(|error| {
            // Best effort: what stays is swept when it is old.
            drop(self.files.remove(&temporary));
            if error.kind() == io::ErrorKind::AlreadyExists {
                Ok(Outcome::Taken)
            } else {
                Err(error)
            }
        })?;
        self.files.sync_dir(dir)?;
        Ok(outcome)
    }

    fn fill(&self, mut file: F::File, bytes: &[u8]) -> io::Result<F::File> {
        self.files.write(&mut file, bytes)?;
        self.files.sync(&file)?;
        Ok(file)
    }

    fn create_temporary(&self) -> io::Result<(String, F::File)> {
        let mut random = [0; 16];
        OsRng.fill(&mut random);
        let path = format!("{TEMPORARIES}/{:032x}", u128::from_le_bytes(random));
        let file = match self.files.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not synced: nothing is lost with an empty directory of temporary files.
                taken_is_fine(self.files.make_dir(TEMPORARIES))?;
                self.files.create(&path)?
            }
            created => created?,
        };
        Ok((path, file))
    }

    /// Makes `dir` and its parents exist, durably.
    fn make_dirs(&self, dir: &str) -> io::Result<()> {
        self.for_each_unsettled(dir, |dir| taken_is_fine(self.files.make_dir(dir)))
    }

    /// Makes the entries of `dir` and its parents durable, whoever made them.
    fn settle(&self, dir: &str) -> io::Result<()> {
        self.for_each_unsettled(dir, |_| Ok(()))
    }

    /// For `dir` and its parents, from the top: `prepare`, then a sync of its parent, unless this
    /// process did that before. Who finds a directory existing syncs too, because the process that
    /// made it may not have come so far.
    fn for_each_unsettled(
        &self,
        dir: &str,
        prepare: impl Fn(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        let ends = dir.match_indices('/').map(|(at, _)| at).chain([dir.len()]);
        for part in ends.filter_map(|end| dir.get(..end)).filter(|part| !part.is_empty()) {
            if self.is_settled(part) {
                continue;
            }
            prepare(part)?;
            self.files.sync_dir(parent(part))?;
            self.settled.lock().expect("no holder of this lock panics").insert(part.to_owned());
        }
        Ok(())
    }

    fn is_settled(&self, dir: &str) -> bool {
        self.settled.lock().expect("no holder of this lock panics").contains(dir)
    }

    fn list_dir(
        &self,
        dir: &str,
        listed: &mut Vec<ObjectMeta>,
        pending: &mut Vec<String>,
    ) -> io::Result<()> {
        let entries = match self.files.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let before = listed.len();
        for entry in entries {
            let path = if dir.is_empty() { entry.name } else { format!("{dir}/{}", entry.name) };
            // What is not named like a key is not ours: temporary files, `lost+found`.
            let Some(key) = ObjectKey::parse(&path) else { continue };
            match entry.kind {
                FileKind::Regular => {
                    listed.push(ObjectMeta { key, size: entry.size, modified: entry.modified });
                }
                FileKind::Directory => pending.push(path),
                FileKind::Other => {}
            }
        }
        if listed.len() == before {
            return Ok(());
        }
        match self.files.sync_dir(dir).and_then(|()| self.settle(dir)) {
            // Where we may not sync we may not write either; a read-only repository stays readable.
            Err(error) if is_read_only(&error) => Ok(()),
            synced => synced,
        }
    }

    /// Whether the object at `key` has exactly these bytes.
    fn holds(&self, key: &ObjectKey, bytes: &[u8]) -> ObjectResult<bool> {
        let range = ByteRange::at(0, (bytes.len() as u64).saturating_add(1));
        let stored = self.files.read(key.as_str(), Some(range));
        Ok(stored.map_err(|error| failure::reading(key, error))? == bytes)
    }
}

fn dir_of(key: &ObjectKey) -> &str {
    parent(key.as_str())
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn taken_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ROFS | Errno::ACCESS | Errno::PERM))
}
