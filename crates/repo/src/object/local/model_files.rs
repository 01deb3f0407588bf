//! A model of a file system that forgets whatever was not synced.
//!
//! # Why
//! No test can pull the plug of a real disk thousands of times. The model keeps beside what
//! processes see what the disk would still have after a power cut, by the weakest rules that file
//! systems keep: the content of a file lasts from the sync of the file on, a name from the sync of
//! its directory on, a directory itself from the sync of its parent on.
//!
//! # Concurrency and crash
//! Handles made by [`ModelFiles::process`] are processes on the same disk. A process that died
//! ([`ModelFiles::die_after`]) changes nothing more, but what it did stays visible to others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::io::Errno;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteRange, Timestamp};

use super::files::{FileEntry, FileKind, Files};

/// The model writes a part of this many bytes wholly or not at all, as disks do.
const SECTOR: usize = 512;

/// A call that changes or syncs something, as the model saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new file at this path.
    Create(String),
    /// Content for the file at this path.
    Write(String),
    /// A sync of the file at this path.
    Sync(String),
    /// A rename without replacing.
    Publish(String, String),
    /// A new directory.
    MakeDir(String),
    /// A sync of the entries of a directory.
    SyncDir(String),
    /// The removal of a file.
    Remove(String),
}

/// What a power cut leaves of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    Clean,
    /// Any part of it, by this seed: some names, some sectors of some files.
    Torn(u64),
}

/// Something with a durable and a visible state.
#[derive(Debug, Clone)]
enum Node {
    File { visible: Vec<u8>, durable: Vec<u8> },
    Dir { visible: BTreeMap<String, usize>, durable: BTreeMap<String, usize> },
}

/// Node 0 is the root. Nodes without a name stay; a test is short.
#[derive(Debug)]
struct Disk {
    nodes: Vec<Node>,
    calls: Vec<Call>,
}

/// A process's view of the model. Clones are the same process.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    disk: Arc<Mutex<Disk>>,
    process: Arc<Process>,
}

#[derive(Debug)]
struct Process {
    /// Calls that this process may still make.
    left: AtomicU64,
    /// Syncs that this process made.
    syncs: AtomicU64,
    /// The sync of this process that is reported but not done.
    swallowed: AtomicU64,
    /// Syncs of this process that made something durable.
    effective: Mutex<BTreeSet<u64>>,
}

impl Process {
    fn effective(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.effective.lock().expect("no holder of this lock panics")
    }
}

/// An open file of the model.
#[derive(Debug)]
pub struct ModelFile {
    node: usize,
    path: String,
}

impl ModelFiles {
    /// An empty disk.
    #[expect(clippy::new_without_default, reason = "a disk is made on purpose")]
    pub fn new() -> Self {
        let root = Node::Dir { visible: BTreeMap::new(), durable: BTreeMap::new() };
        Self::on(Arc::new(Mutex::new(Disk { nodes: vec![root], calls: Vec::new() })))
    }

    /// Another process on the same disk.
    #[must_use]
    pub fn process(&self) -> Self {
        Self::on(Arc::clone(&self.disk))
    }

    fn on(disk: Arc<Mutex<Disk>>) -> Self {
        let process = Process {
            left: AtomicU64::new(u64::MAX),
            syncs: AtomicU64::new(0),
            swallowed: AtomicU64::new(u64::MAX),
            effective: Mutex::default(),
        };
        Self { disk, process: Arc::new(process) }
    }

    /// Lets this process make `calls` more calls; it is dead after that.
    pub fn die_after(&self, calls: u64) {
        self.process.left.store(calls, Ordering::Relaxed);
    }

    /// Lets the `nth` sync of this process, counted from zero, report success and do nothing.
    pub fn swallow_sync(&self, nth: u64) {
        self.process.swallowed.store(nth, Ordering::Relaxed);
    }

    /// Which syncs of this process made something durable.
    pub fn effective_syncs(&self) -> BTreeSet<u64> {
        self.process.effective().clone()
    }

    /// The calls of all processes that changed or synced something.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Takes away what was not synced. No process may be in a call, and none may go on afterwards.
    pub fn power_cut(&self, how: PowerCut) {
        let rng = match how {
            PowerCut::Clean => None,
            PowerCut::Torn(seed) => Some(SeededRng::new(seed)),
        };
        for node in &mut self.lock().nodes {
            match node {
                Node::File { visible, durable } => {
                    if let Some(rng) = rng.as_ref().filter(|_| visible != durable) {
                        *durable = tear(visible, durable, rng);
                    }
                    visible.clone_from(durable);
                }
                Node::Dir { visible, durable } => {
                    if let Some(rng) = &rng {
                        *durable = mix(visible, durable, rng);
                    }
                    visible.clone_from(durable);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("no holder of this lock panics")
    }

    /// Starts a call: fails when the process is dead.
    fn begin(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let step = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        match self.process.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(_) => Ok(self.lock()),
            Err(_) => Err(io::Error::other("the process is dead")),
        }
    }

    /// Does a sync, unless it is to be swallowed, and notes whether there was anything to do.
    fn sync_node(&self, disk: &mut Disk, node: usize) -> io::Result<()> {
        let nth = self.process.syncs.fetch_add(1, Ordering::Relaxed);
        if nth == self.process.swallowed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let changed = match disk.nodes.get_mut(node).ok_or(Errno::NOENT)? {
            Node::File { visible, durable } => replace(durable, visible),
            Node::Dir { visible, durable } => replace(durable, visible),
        };
        if changed {
            self.process.effective().insert(nth);
        }
        Ok(())
    }
}

/// Sets `durable` to `visible` and says whether that changed it.
fn replace<T: PartialEq + Clone>(durable: &mut T, visible: &T) -> bool {
    let changed = durable != visible;
    durable.clone_from(visible);
    changed
}

/// Some sectors as they were written, others as they were before or empty, of any length between.
fn tear(visible: &[u8], durable: &[u8], rng: &SeededRng) -> Vec<u8> {
    let longest = visible.len().max(durable.len()) as u64;
    let len = usize::try_from(rng.below(longest + 1)).unwrap_or(0);
    let mut torn = Vec::with_capacity(len);
    while torn.len() < len {
        let from = if rng.below(2) == 0 { visible } else { durable };
        let end = (torn.len() + SECTOR).min(len);
        let sector = from.get(torn.len()..end.min(from.len())).unwrap_or_default();
        torn.extend_from_slice(sector);
        torn.resize(end, 0);
    }
    torn
}

/// For each name that differs, its old or its new meaning.
fn mix(
    visible: &BTreeMap<String, usize>,
    durable: &BTreeMap<String, usize>,
    rng: &SeededRng,
) -> BTreeMap<String, usize> {
    let names: BTreeSet<_> = visible.keys().chain(durable.keys()).collect();
    let mut mixed = BTreeMap::new();
    for name in names {
        let kept = match (visible.get(name), durable.get(name)) {
            (new, old) if new == old => new,
            (new, old) => {
                if rng.below(2) == 0 {
                    new
                } else {
                    old
                }
            }
        };
        if let Some(node) = kept {
            mixed.insert(name.clone(), *node);
        }
    }
    mixed
}

impl Disk {
    /// The node at `path`, as processes see it.
    fn find(&self, path: &str) -> io::Result<usize> {
        let mut at = 0;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            match self.nodes.get(at) {
                Some(Node::Dir { visible, .. }) => at = *visible.get(part).ok_or(Errno::NOENT)?,
                _ => return Err(Errno::NOTDIR.into()),
            }
        }
        Ok(at)
    }

    /// The visible entries of the directory of `path`, and the last part.
    fn entries<'a>(
        &mut self,
        path: &'a str,
    ) -> io::Result<(&mut BTreeMap<String, usize>, &'a str)> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = self.find(dir)?;
        match self.nodes.get_mut(dir) {
            Some(Node::Dir { visible, .. }) => Ok((visible, name)),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    /// Adds `node` under a name that must be free.
    fn add(&mut self, path: &str, node: Node) -> io::Result<usize> {
        let id = self.nodes.len();
        let (entries, name) = self.entries(path)?;
        if entries.contains_key(name) {
            return Err(Errno::EXIST.into());
        }
        entries.insert(name.to_owned(), id);
        self.nodes.push(node);
        Ok(id)
    }
}

impl Files for ModelFiles {
    type File = ModelFile;

    fn create(&self, path: &str) -> io::Result<ModelFile> {
        let mut disk = self.begin()?;
        let node = disk.add(path, Node::File { visible: Vec::new(), durable: Vec::new() })?;
        disk.calls.push(Call::Create(path.to_owned()));
        Ok(ModelFile { node, path: path.to_owned() })
    }

    fn write(&self, file: &mut ModelFile, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.begin()?;
        disk.calls.push(Call::Write(file.path.clone()));
        match disk.nodes.get_mut(file.node) {
            Some(Node::File { visible, .. }) => {
                visible.extend_from_slice(bytes);
                Ok(())
            }
            _ => Err(Errno::ISDIR.into()),
        }
    }

    fn sync(&self, file: &ModelFile) -> io::Result<()> {
        let mut disk = self.begin()?;
        disk.calls.push(Call::Sync(file.path.clone()));
        self.sync_node(&mut disk, file.node)
    }

    fn publish(&self, file: &ModelFile, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.begin()?;
        disk.calls.push(Call::Publish(from.to_owned(), to.to_owned()));
        let (entries, name) = disk.entries(to)?;
        if entries.contains_key(name) {
            return Err(Errno::EXIST.into());
        }
        entries.insert(name.to_owned(), file.node);
        let (entries, name) = disk.entries(from)?;
        entries.remove(name).map(|_| ()).ok_or_else(|| Errno::NOENT.into())
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let mut disk = self.begin()?;
        disk.add(dir, Node::Dir { visible: BTreeMap::new(), durable: BTreeMap::new() })?;
        disk.calls.push(Call::MakeDir(dir.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut disk = self.begin()?;
        let node = disk.find(dir)?;
        disk.calls.push(Call::SyncDir(dir.to_owned()));
        self.sync_node(&mut disk, node)
    }

    fn read(&self, path: &str, range: Option<ByteRange>) -> io::Result<Vec<u8>> {
        let disk = self.begin()?;
        let Some(Node::File { visible, .. }) = disk.nodes.get(disk.find(path)?) else {
            return Err(Errno::ISDIR.into());
        };
        let all = ByteRange { start: 0, end: visible.len() as u64 };
        let Some(range) = range.map_or(Some(all), |range| range.intersect(all)) else {
            return Ok(Vec::new());
        };
        let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(visible.get(at(range.start)..at(range.end)).unwrap_or_default().to_vec())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<FileEntry>> {
        let disk = self.begin()?;
        let Some(Node::Dir { visible, .. }) = disk.nodes.get(disk.find(dir)?) else {
            return Err(Errno::NOTDIR.into());
        };
        let describe = |(name, node): (&String, &usize)| {
            let (kind, size) = match disk.nodes.get(*node) {
                Some(Node::File { visible, .. }) => (FileKind::Regular, visible.len() as u64),
                _ => (FileKind::Directory, 0),
            };
            FileEntry { name: name.clone(), kind, size, modified: Timestamp(0) }
        };
        Ok(visible.iter().map(describe).collect())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut disk = self.begin()?;
        let (entries, name) = disk.entries(path)?;
        entries.remove(name).ok_or(Errno::NOENT)?;
        disk.calls.push(Call::Remove(path.to_owned()));
        Ok(())
    }
}
