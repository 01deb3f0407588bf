//! Disks in memory.

mod disk;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use strongroom_base::block::testing::MemorySource;
use strongroom_base::{BlockSink, BlockSource, ByteCount, SinkError, SourceError};
use strongroom_model::disk::DiskImageFormat;

use self::disk::{FakeSink, FakeSource};
use crate::error::{InspectError, PlaceError, ProviderError};
use crate::place::{DiskFacts, DiskPlace, DiskUsage};
use crate::provider::Provider;

/// The only root of the fake.
const ROOT: &str = "/fake";
/// Where it makes disks.
const MANAGED: &str = "/fake/strongroom-disks";
/// QEMU's disks consist of sectors of this many bytes.
const SECTOR: u64 = 512;

/// One kind of call to a provider, or to a disk that it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the function of that name")]
pub enum Call {
    Inspect,
    Usage,
    OpenSource,
    OpenTarget,
    Create,
    Remove,
    Read,
    Write,
    Finish,
}

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Without effect.
    Before,
    /// After its effect.
    After,
}

/// A provider whose disks are vectors. Its clones are the same host.
#[derive(Debug, Clone, Default)]
pub struct FakeProvider {
    host: Arc<Host>,
}

#[derive(Debug, Default)]
struct Host {
    disks: Mutex<BTreeMap<PathBuf, FakeDisk>>,
    faults: Mutex<VecDeque<(Call, u32, Fault)>>,
    calls: Mutex<Vec<Call>>,
}

#[derive(Debug)]
struct FakeDisk {
    format: DiskImageFormat,
    bytes: Vec<u8>,
    /// What somebody else does with it.
    usage: Option<String>,
    readers: u32,
    writers: u32,
}

impl FakeDisk {
    fn new(format: DiskImageFormat, bytes: Vec<u8>) -> Self {
        Self { format, bytes, usage: None, readers: 0, writers: 0 }
    }

    /// Who is in the way of a reader.
    fn user(&self) -> Option<String> {
        let writer = (self.writers > 0).then(|| "another process holds it for writing".to_owned());
        self.usage.clone().or(writer)
    }

    /// Who is in the way of a writer.
    fn any_user(&self) -> Option<String> {
        let reader = (self.readers > 0).then(|| "another process reads it".to_owned());
        self.user().or(reader)
    }
}

impl FakeProvider {
    /// A host without disks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a disk at `/fake/<name>`. Replaces one that is there.
    pub fn put(&self, name: &str, format: DiskImageFormat, bytes: Vec<u8>) -> DiskPlace {
        let path = Path::new(ROOT).join(name);
        self.host.disks().insert(path.clone(), FakeDisk::new(format, bytes));
        DiskPlace { path, format }
    }

    /// Takes a disk away, whoever uses it.
    pub fn lose(&self, path: &Path) {
        self.host.disks().remove(path);
    }

    /// What a disk holds; `None` when there is none.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        self.host.disks().get(path).map(|disk| disk.bytes.clone())
    }

    /// The paths of all disks.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.host.disks().keys().cloned().collect()
    }

    /// Lets somebody use a disk, or stop using it. Without a disk nothing happens.
    pub fn set_user(&self, path: &Path, user: Option<&str>) {
        if let Some(disk) = self.host.disks().get_mut(path) {
            disk.usage = user.map(str::to_owned);
        }
    }

    /// Lets the `number`th call of this kind from now on fail, counted from 1, once.
    pub fn fail(&self, call: Call, number: u32, fault: Fault) {
        self.host.faults().push_back((call, number.max(1), fault));
    }

    /// All calls so far, those that failed included.
    pub fn calls(&self) -> Vec<Call> {
        self.host.calls().clone()
    }

    /// Does `effect`, unless this call is to fail before it.
    fn call<T, E>(
        &self,
        call: Call,
        path: &Path,
        effect: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<PlaceError>,
    {
        let failure = || {
            let source = io::Error::other("a fault that the test asked for");
            E::from(PlaceError::Look { path: path.to_owned(), source })
        };
        match self.host.fault(call) {
            None => effect(),
            Some(Fault::Before) => Err(failure()),
            Some(Fault::After) => effect().and_then(|_| Err(failure())),
        }
    }

    /// Does `act` on the disk of a row.
    fn with<T>(
        &self,
        disk: &DiskPlace,
        act: impl FnOnce(&mut FakeDisk) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        check_path(&disk.path)?;
        let path = disk.path.clone();
        let mut disks = self.host.disks();
        match disks.get_mut(&disk.path) {
            None => Err(PlaceError::Absent { path }.into()),
            Some(found) if found.format == disk.format => act(found),
            Some(found) => {
                let (found, expected) = (found.format.as_str(), disk.format.as_str());
                Err(PlaceError::Kind { path, found, expected }.into())
            }
        }
    }
}

impl Host {
    fn disks(&self) -> MutexGuard<'_, BTreeMap<PathBuf, FakeDisk>> {
        self.disks.lock().expect(NOT_POISONED)
    }

    fn faults(&self) -> MutexGuard<'_, VecDeque<(Call, u32, Fault)>> {
        self.faults.lock().expect(NOT_POISONED)
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().expect(NOT_POISONED)
    }

    /// Counts a call, and says how it fails.
    fn fault(&self, call: Call) -> Option<Fault> {
        self.calls().push(call);
        let mut faults = self.faults();
        for (_, number, _) in faults.iter_mut().filter(|(c, _, _)| *c == call) {
            *number = number.saturating_sub(1);
        }
        let due = faults.iter().position(|(c, number, _)| *c == call && *number == 0)?;
        faults.remove(due).map(|(_, _, fault)| fault)
    }
}

const NOT_POISONED: &str = "no holder of this lock panics";

fn check_path(path: &Path) -> Result<(), PlaceError> {
    let text = path.to_str().unwrap_or_default();
    let path = path.to_owned();
    if !text.starts_with('/') || text.split('/').skip(1).any(|p| matches!(p, "" | "." | "..")) {
        return Err(PlaceError::NotPlain { path });
    }
    if !path.starts_with(ROOT) {
        return Err(PlaceError::Outside { path });
    }
    Ok(())
}

fn check_format(
    path: &Path,
    given: Option<DiskImageFormat>,
    actual: DiskImageFormat,
) -> Result<(), InspectError> {
    let path = path.to_owned();
    let is_named = path.extension().is_some_and(|extension| extension == "qcow2");
    match (given, actual) {
        (None, DiskImageFormat::Block) => Ok(()),
        (None, DiskImageFormat::Qcow2) if is_named => Ok(()),
        (None, _) => Err(InspectError::FormatUnnamed { path }),
        (Some(given), actual) if given == actual => Ok(()),
        (Some(DiskImageFormat::Qcow2), DiskImageFormat::Raw) => {
            let why = "it is no qcow2 image".to_owned();
            Err(SourceError::Unusable { at: path.display().to_string(), why }.into())
        }
        (Some(format), _) => {
            Err(InspectError::FormatDiffers { path, format, why: "the test made another" })
        }
    }
}

impl Provider for FakeProvider {
    fn inspect(
        &self,
        path: &Path,
        format: Option<DiskImageFormat>,
    ) -> Result<DiskFacts, InspectError> {
        self.call(Call::Inspect, path, || {
            check_path(path)?;
            let disks = self.host.disks();
            let absent = || PlaceError::Absent { path: path.to_owned() };
            let disk = disks.get(path).ok_or_else(absent)?;
            check_format(path, format, disk.format)?;
            if disk.bytes.is_empty() {
                return Err(InspectError::Empty { path: path.to_owned() });
            }
            Ok(DiskFacts {
                place: DiskPlace { path: path.to_owned(), format: disk.format },
                size: ByteCount(disk.bytes.len() as u64),
                is_block_device: disk.format == DiskImageFormat::Block,
            })
        })
    }

    fn usage(&self, disk: &DiskPlace) -> Result<DiskUsage, ProviderError> {
        self.call(Call::Usage, &disk.path, || {
            let usage = self.with(disk, |disk| match disk.user() {
                None => Ok(DiskUsage::Free),
                Some(why) => Ok(DiskUsage::InUse { why }),
            });
            match usage {
                Err(error) if error.is_absent() => Ok(DiskUsage::Missing),
                usage => usage,
            }
        })
    }

    fn open_source(&self, disk: &DiskPlace) -> Result<Box<dyn BlockSource>, ProviderError> {
        self.call(Call::OpenSource, &disk.path, || {
            let at = disk.path.display().to_string();
            let inner = self.with(disk, |found| {
                if let Some(why) = found.user() {
                    return Err(SourceError::InUse { at, why }.into());
                }
                found.readers += 1;
                Ok(MemorySource::new(found.bytes.clone()))
            })?;
            let source = FakeSource::new(Arc::clone(&self.host), disk.path.clone(), inner);
            Ok(Box::new(source) as Box<dyn BlockSource>)
        })
    }

    fn open_target(
        &self,
        disk: &DiskPlace,
        size: u64,
    ) -> Result<Box<dyn BlockSink>, ProviderError> {
        self.call(Call::OpenTarget, &disk.path, || {
            let at = disk.path.display().to_string();
            self.with(disk, |found| {
                let present = found.bytes.len() as u64;
                if let Some(why) = found.any_user() {
                    return Err(SinkError::InUse { at, why }.into());
                }
                if present < size {
                    return Err(SinkError::TooSmall { at, size: present, needed: size }.into());
                }
                found.writers += 1;
                Ok(())
            })?;
            let sink = FakeSink::new(Arc::clone(&self.host), disk.path.clone(), size);
            Ok(Box::new(sink) as Box<dyn BlockSink>)
        })
    }

    fn managed_place(&self, name: &str) -> Result<DiskPlace, ProviderError> {
        if !crate::local::is_name(name) {
            return Err(ProviderError::Name { name: name.to_owned() });
        }
        let path = Path::new(MANAGED).join(format!("{name}.qcow2"));
        Ok(DiskPlace { path, format: DiskImageFormat::Qcow2 })
    }

    fn create(&self, name: &str, size: u64) -> Result<DiskPlace, ProviderError> {
        let path = Path::new(MANAGED).join(format!("{name}.qcow2"));
        self.call(Call::Create, &path, || {
            if !crate::local::is_name(name) {
                return Err(ProviderError::Name { name: name.to_owned() });
            }
            if size == 0 {
                return Err(ProviderError::NoSize);
            }
            let at = path.display().to_string();
            let rounded = size.checked_next_multiple_of(SECTOR);
            let Some(size) = rounded.and_then(|size| usize::try_from(size).ok()) else {
                let why = "the disk is too large for an image".to_owned();
                return Err(SinkError::Unusable { at, why }.into());
            };
            let mut disks = self.host.disks();
            if disks.contains_key(&path) {
                return Err(SinkError::Exists { at }.into());
            }
            let format = DiskImageFormat::Qcow2;
            disks.insert(path.clone(), FakeDisk::new(format, vec![0; size]));
            Ok(DiskPlace { path: path.clone(), format })
        })
    }

    fn remove(&self, disk: &DiskPlace) -> Result<(), ProviderError> {
        self.call(Call::Remove, &disk.path, || {
            let is_qcow2 = disk.format == DiskImageFormat::Qcow2;
            if !is_qcow2 || disk.path.parent() != Some(Path::new(MANAGED)) {
                return Err(ProviderError::NotManaged { path: disk.path.clone() });
            }
            let mut disks = self.host.disks();
            if let Some(why) = disks.get(&disk.path).and_then(FakeDisk::any_user) {
                return Err(SinkError::InUse { at: disk.path.display().to_string(), why }.into());
            }
            disks.remove(&disk.path);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_before_or_after_the_effect_and_once() {
        let fake = FakeProvider::new();
        fake.fail(Call::Create, 1, Fault::Before);
        fake.fail(Call::Create, 2, Fault::After);
        assert!(fake.create("a", 1).is_err());
        assert!(fake.paths().is_empty());
        assert!(fake.create("a", 1).is_err());
        assert_eq!(fake.paths().len(), 1);
        assert!(fake.create("a", 1).unwrap_err().is_taken());
        let disk = fake.create("b", 1).unwrap();
        fake.fail(Call::Remove, 1, Fault::After);
        assert!(fake.remove(&disk).is_err());
        fake.remove(&disk).unwrap();
        assert_eq!(fake.calls().len(), 6);
    }

    #[test]
    fn faults_of_open_disks_come_too() {
        let fake = FakeProvider::new();
        let disk = fake.put("a", DiskImageFormat::Raw, vec![1; 10]);
        fake.fail(Call::Write, 1, Fault::After);
        fake.fail(Call::Finish, 1, Fault::Before);
        let sink = fake.open_target(&disk, 10).unwrap();
        assert!(sink.write_at(0, &[2; 5]).is_err());
        assert!(sink.finish().is_err());
        drop(sink);
        assert_eq!(fake.bytes(&disk.path).unwrap(), [2, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
        fake.fail(Call::Read, 2, Fault::Before);
        let source = fake.open_source(&disk).unwrap();
        source.read_at(0, &mut [0; 10]).unwrap();
        assert!(source.read_at(0, &mut [0; 10]).is_err());
    }
}
