//! Real files of this machine, in a fixed order, to fill a disk with.

use std::collections::HashSet;
use std::fs;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Where the files come from: present on every Debian machine, mixed text, programs, libraries.
const ROOTS: [&str; 2] = ["/usr", "/var/lib"];

/// The files that fill a disk, and how far they have been taken.
pub(super) struct Corpus {
    files: Vec<(PathBuf, u64)>,
    next: usize,
}

impl Corpus {
    /// Lists the files by sorted path. A file that `system` has at the same path and in the same
    /// size is left out: a disk rarely holds its own operating system twice.
    pub(super) fn list(system: &Path) -> Self {
        let mut files = Vec::new();
        let same_as_system = |path: &Path, size: u64| {
            let inside = path.strip_prefix("/").unwrap_or(path);
            fs::symlink_metadata(system.join(inside)).is_ok_and(|found| found.len() == size)
        };
        for root in ROOTS {
            regular_files(Path::new(root), &mut |path, metadata| {
                if !same_as_system(path, metadata.len()) {
                    files.push((path.to_owned(), metadata.len()));
                }
            });
        }
        Self { files, next: 0 }
    }

    /// Copies the next `bytes` of files under `to`, keeping their paths; unreadable ones are left out.
    pub(super) fn copy_next(&mut self, bytes: u64, to: &Path) -> Result<()> {
        let mut copied = 0;
        let mut made = HashSet::new();
        while copied < bytes {
            let (path, size) = self.files.get(self.next).with_context(|| {
                format!("{} and its like hold too few files for this disk", ROOTS.join(" and "))
            })?;
            self.next += 1;
            let target = to.join(path.strip_prefix("/").unwrap_or(path));
            let folder = target.parent().unwrap_or(to).to_owned();
            if !made.contains(&folder) {
                fs::create_dir_all(&folder)
                    .with_context(|| format!("making {}", folder.display()))?;
                made.insert(folder);
            }
            // Other processes own these files: one may vanish or be unreadable at any time.
            if fs::copy(path, &target).is_ok() {
                copied += size;
            }
        }
        ensure!(copied > 0, "nothing could be copied to {}", to.display());
        Ok(())
    }
}

/// Calls `take` with each regular file under `folder`, by sorted path, without following links.
pub(super) fn regular_files(folder: &Path, take: &mut impl FnMut(&Path, &Metadata)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => regular_files(&path, take),
            Ok(metadata) if metadata.is_file() => take(&path, &metadata),
            _ => {}
        }
    }
}
