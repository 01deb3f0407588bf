//! A memory control group: the kernel ends a process in it that takes more than the group may have.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A group that goes with the bench. Needs root.
pub(super) struct ControlGroup {
    folder: PathBuf,
}

impl ControlGroup {
    /// Makes one that may have `bytes`.
    pub(super) fn new(bytes: u64) -> Result<Self> {
        let name = format!("strongroom-bench-{}", std::process::id());
        let one = Path::new("/sys/fs/cgroup/memory");
        let (folder, limit) = if one.exists() {
            (one.join(name), "memory.limit_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup").join(name), "memory.max")
        };
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let group = Self { folder };
        group.set(limit, bytes)?;
        // Swapped memory is memory all the same, where the kernel counts it.
        drop(group.set("memory.memsw.limit_in_bytes", bytes));
        drop(group.set("memory.swap.max", 0));
        Ok(group)
    }

    /// The file to which a process writes its number to be in it.
    pub(super) fn door(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    fn set(&self, file: &str, value: u64) -> Result<()> {
        let path = self.folder.join(file);
        let mut file = OpenOptions::new().write(true).open(&path);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        file.write_all(value.to_string().as_bytes())
            .with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.folder));
    }
}
