//! Disks that we make and remove.
//!
//! # Invariants
//! - They have a folder of their own below the first root, so that nothing that an operator put
//!   below a root is ever taken for one of ours.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;
use strongroom_base::SinkError;
use strongroom_model::disk::DiskImageFormat;
use strongroom_source::sink::ExclusiveDisk;
use strongroom_source::{DiskFormat, DiskSpec, sink};

use super::LocalProvider;
use crate::error::{PlaceError, ProviderError};
use crate::place::DiskPlace;

/// The folder of new disks in the first root.
const FOLDER: &str = "strongroom-disks";
/// What the names of their files end with.
const EXTENSION: &str = ".qcow2";
/// Longest name in letters, so that name, extension and draft fit into 255 bytes everywhere.
const MAX_NAME: usize = 100;
/// Whoever runs a guest may pass through the folder, and only the service may list it.
const FOLDER_MODE: u32 = 0o711;

impl LocalProvider {
    pub(super) fn place_managed(&self, name: &str) -> Result<DiskPlace, ProviderError> {
        if !is_name(name) {
            return Err(ProviderError::Name { name: name.to_owned() });
        }
        let root = self.roots.first_folder().ok_or(ProviderError::NoFolder)?;
        let path = root.join(FOLDER).join(format!("{name}{EXTENSION}"));
        Ok(DiskPlace { path, format: DiskImageFormat::Qcow2 })
    }

    pub(super) fn create_managed(&self, name: &str, size: u64) -> Result<DiskPlace, ProviderError> {
        if !is_name(name) {
            return Err(ProviderError::Name { name: name.to_owned() });
        }
        if size == 0 {
            return Err(ProviderError::NoSize);
        }
        let folder = self.make_managed_folder()?;
        let path = folder.join(format!("{name}{EXTENSION}"));
        let spec = DiskSpec::new(&path).with_format(DiskFormat::Qcow2);
        sink::create_empty(&spec, size)?;
        // It was made by its path; whether the path still leads below the root is looked at now.
        let found = self.roots.find(&path)?;
        Ok(DiskPlace { path: found.path, format: DiskImageFormat::Qcow2 })
    }

    pub(super) fn remove_managed(&self, disk: &DiskPlace) -> Result<(), ProviderError> {
        let root = self.roots.first_folder();
        let name = root.and_then(|root| managed_name(root, disk));
        let (Some(root), Some(name)) = (root, name) else {
            return Err(ProviderError::NotManaged { path: disk.path.clone() });
        };
        let folder = match self.managed_folder(root) {
            Err(PlaceError::Absent { .. }) => return Ok(()),
            folder => folder?,
        };
        match self.find(disk) {
            Err(PlaceError::Absent { .. }) => {}
            found => {
                let (found, spec) = found?;
                match ExclusiveDisk::take(&spec) {
                    Err(SinkError::Absent { .. }) => {}
                    held => {
                        let _held = held?;
                        unlink(&folder, name, found.metadata.ino())
                            .map_err(|source| change(&disk.path, source))?;
                    }
                }
            }
        }
        // Also where it was gone already: an earlier call may have been killed before this.
        sync(&folder).map_err(|source| change(&disk.path, source))
    }

    /// The folder of new disks below `root`, reached without links.
    fn managed_folder(&self, root: &Path) -> Result<File, PlaceError> {
        let path = root.join(FOLDER);
        self.roots.walk(root, Path::new(FOLDER), &path)?.into_folder(&path)
    }

    fn make_managed_folder(&self) -> Result<PathBuf, ProviderError> {
        let root = self.roots.first_folder().ok_or(ProviderError::NoFolder)?;
        let path = root.join(FOLDER);
        if let Err(error) = self.managed_folder(root) {
            let PlaceError::Absent { .. } = error else {
                return Err(error.into());
            };
            let parent = self.roots.walk(root, Path::new(""), root)?.into_folder(root)?;
            match mkdirat(&parent, FOLDER, Mode::from_raw_mode(FOLDER_MODE)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(change(&path, errno.into())),
            }
            sync(&parent).map_err(|source| change(&path, source))?;
            self.managed_folder(root)?;
        }
        Ok(path)
    }
}

/// The file name of a disk that can have been made by us below `root`.
fn managed_name<'a>(root: &Path, disk: &'a DiskPlace) -> Option<&'a str> {
    let name = disk.path.file_name()?.to_str()?;
    let is_ours = disk.format == DiskImageFormat::Qcow2
        && disk.path.as_os_str() == root.join(FOLDER).join(name).as_os_str()
        && name.strip_suffix(EXTENSION).is_some_and(is_name);
    is_ours.then_some(name)
}

pub(crate) fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_letter)
}

/// Removes the name, if it is still that of the file with this inode, which is open.
fn unlink(folder: &File, name: &str, inode: u64) -> io::Result<()> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        stat if stat?.st_ino == inode => {}
        _ => return Err(io::Error::other("something else took the disk's place")),
    }
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes the names in a folder durable.
fn sync(folder: &File) -> io::Result<()> {
    // The folder itself is open to be looked at only.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    File::from(openat(folder, ".", flags, Mode::empty())?).sync_all()
}

fn change(path: &Path, source: io::Error) -> ProviderError {
    ProviderError::Change { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_name_allows_no_way_out() {
        for name in ["a", "7f3c-1", "A.b_c", "a..b"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", ".a", "-a", "a/b", "../a", "a b", "ä", "a\0", "a\n"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(is_name(&"a".repeat(100)) && !is_name(&"a".repeat(101)));
    }

    // proves: PROV-5
    #[test]
    fn managed_name_is_only_of_files_that_create_can_make() {
        let name = |path: &str, format| {
            let disk = DiskPlace { path: PathBuf::from(path), format };
            managed_name(Path::new("/r"), &disk).map(str::to_owned)
        };
        let qcow2 = DiskImageFormat::Qcow2;
        assert_eq!(name("/r/strongroom-disks/a.qcow2", qcow2).as_deref(), Some("a.qcow2"));
        assert_eq!(name("/r/strongroom-disks/a.qcow2", DiskImageFormat::Raw), None);
        for path in [
            "/r/a.qcow2",
            "/r/strongroom-disks/b/a.qcow2",
            "/r/strongroom-disks/b/../a.qcow2",
            "/r/strongroom-disks//a.qcow2",
            "/r/strongroom-disks/.qcow2",
            "/r/strongroom-disks/a.img",
            "/other/strongroom-disks/a.qcow2",
            "strongroom-disks/a.qcow2",
        ] {
            assert_eq!(name(path, qcow2), None, "{path}");
        }
    }
}
