//! File systems for tests; they need root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A mount that ends with the test.
pub(crate) struct Mount(PathBuf);

impl Mount {
    pub(crate) fn new(at: &Path, arguments: &[&str]) -> Self {
        let mounted = Command::new("mount").args(arguments).arg(at).output().unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "mounting needs root: {said}");
        Self(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().unwrap();
    }
}
