//! Where disks may be, as the configuration says.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::walk::{FolderIdentity, Found, Kind, Walk};
use crate::error::{PlaceError, RootError};

/// Where disks of this host may be. All paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalRoots {
    /// Folders below which files may be adopted. In the first one new disks are made.
    pub folders: Vec<PathBuf>,
    /// Block devices that may be adopted, and folders below which they may be.
    pub devices: Vec<PathBuf>,
    /// Folders in which nothing is a disk: the data directory, a store in a directory.
    pub reserved: Vec<PathBuf>,
}

/// The roots, checked.
#[derive(Debug)]
pub(super) struct Roots {
    folders: Vec<Folder>,
    devices: Vec<PathBuf>,
    reserved: Vec<Reserved>,
}

/// A root of files.
#[derive(Debug)]
struct Folder {
    given: PathBuf,
    /// Without links.
    real: PathBuf,
}

#[derive(Debug)]
struct Reserved {
    real: PathBuf,
    identity: FolderIdentity,
}

impl Roots {
    pub(super) fn check(roots: &LocalRoots) -> Result<Self, RootError> {
        let mut reserved = Vec::new();
        for path in &roots.reserved {
            let (real, identity) = real_folder(path)?;
            reserved.push(Reserved { real, identity });
        }
        let mut folders = Vec::new();
        for path in &roots.folders {
            let (real, _) = real_folder(path)?;
            if let Some(reserved) = reserved.iter().find(|r| real.starts_with(&r.real)) {
                let reserved = reserved.real.clone();
                return Err(RootError::Reserved { path: path.clone(), reserved });
            }
            folders.push(Folder { given: path.clone(), real });
        }
        for path in &roots.devices {
            check_plain(path)?;
        }
        Ok(Self { folders, devices: roots.devices.clone(), reserved })
    }

    /// The folder in which the folder of new disks is.
    pub(super) fn first_folder(&self) -> Option<&Path> {
        self.folders.first().map(|folder| folder.real.as_path())
    }

    /// Walks to the file or block device at `path`.
    pub(super) fn find(&self, path: &Path) -> Result<Found, PlaceError> {
        if !is_plain(path) {
            return Err(PlaceError::NotPlain { path: path.to_owned() });
        }
        let found = self.walk_from_root(path)?;
        let is_on_it =
            |r: &Reserved| found.is_device() && r.identity.device == found.metadata.rdev();
        if self.reserved.iter().any(is_on_it) {
            return Err(PlaceError::Reserved { path: path.to_owned() });
        }
        Ok(found)
    }

    fn walk_from_root(&self, path: &Path) -> Result<Found, PlaceError> {
        for root in &self.devices {
            if path == root {
                return Walk::to_trusted(path)?.find(path, Kind::Device);
            }
            if let Ok(rest) = path.strip_prefix(root) {
                return self.walk(root, rest, path)?.find(path, Kind::Device);
            }
        }
        for Folder { given, real } in &self.folders {
            let rest = path.strip_prefix(real).or_else(|_| path.strip_prefix(given));
            if let Ok(rest) = rest
                && !rest.as_os_str().is_empty()
            {
                return self.walk(real, rest, path)?.find(path, Kind::File);
            }
        }
        Err(PlaceError::Outside { path: path.to_owned() })
    }

    /// Walks from the folder `root` along `rest`. `path` is for messages.
    pub(super) fn walk(&self, root: &Path, rest: &Path, path: &Path) -> Result<Walk, PlaceError> {
        let reserved = || PlaceError::Reserved { path: path.to_owned() };
        let goal = root.join(rest);
        if self.reserved.iter().any(|reserved| goal.starts_with(&reserved.real)) {
            return Err(reserved());
        }
        let mut walk = Walk::to_trusted(root)?;
        for part in rest {
            walk.step(part, path)?;
            if self.reserved.iter().any(|r| r.identity == walk.identity()) {
                return Err(reserved());
            }
        }
        Ok(walk)
    }
}

fn real_folder(path: &Path) -> Result<(PathBuf, FolderIdentity), RootError> {
    check_plain(path)?;
    let failed = |source| RootError::Unusable { path: path.to_owned(), source };
    let real = fs::canonicalize(path).map_err(failed)?;
    if !is_plain(&real) {
        return Err(RootError::NotPlain { path: real });
    }
    // Fails for what is no folder.
    fs::read_dir(&real).map_err(failed)?;
    let identity = FolderIdentity::of(&fs::metadata(&real).map_err(failed)?);
    Ok((real, identity))
}

fn check_plain(path: &Path) -> Result<(), RootError> {
    if is_plain(path) { Ok(()) } else { Err(RootError::NotPlain { path: path.to_owned() }) }
}

/// Whether the path is absolute text that means one thing only: no empty, `.` or `..` parts.
fn is_plain(path: &Path) -> bool {
    let Some(rest) = path.to_str().and_then(|text| text.strip_prefix('/')) else {
        return false;
    };
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    rest.is_empty() || rest.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_plain_knows_paths_that_mean_one_thing() {
        for path in ["/", "/a", "/a/b c/d,e:f", "/a/..b/.c"] {
            assert!(is_plain(Path::new(path)), "{path}");
        }
        for path in ["", "a", "a/b", "/a/", "//a", "/a//b", "/a/./b", "/a/../b", "/..", "/a\0b"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
