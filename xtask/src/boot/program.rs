//! The product's binary as a user calls it: the one place where xtask knows its arguments.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::process;

/// The release binary.
#[derive(Debug)]
pub(crate) struct Program {
    binary: PathBuf,
}

impl Program {
    /// Builds it.
    pub(crate) fn build(checkout: &Checkout, target: &Path) -> Result<Self> {
        let build = ["build", "--release", "--locked", "--package", "strongroom"];
        process::run(process::cargo(checkout.root()).args(build))?;
        Ok(Self { binary: target.join("release/strongroom") })
    }

    /// Makes a repository in `work` and backs `image` up as disk `root`.
    pub(crate) fn backup(&self, work: &Path, image: &Path) -> Result<()> {
        process::run(&mut self.repo("init", work))?;
        process::run(self.repo("backup", work).arg("--disk").arg(named(image)))
    }

    /// Restores the newest backup's disk `root` to the new file `image`.
    pub(crate) fn restore(&self, work: &Path, image: &Path) -> Result<()> {
        process::run(self.repo("restore", work).arg("latest").arg("--disk").arg(named(image)))
    }

    fn repo(&self, verb: &str, work: &Path) -> Command {
        let mut command = process::command(&self.binary);
        command
            .args(["repo", verb, "--repo"])
            .arg(format!("fs://{}", work.join("repository").display()))
            .arg("--key-file")
            .arg(work.join("key"));
        command
    }
}

fn named(image: &Path) -> String {
    format!("root={}", image.display())
}
