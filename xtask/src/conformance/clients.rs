//! The clients, installed once.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::process;
use crate::toolbox::Toolbox;

/// Where the clients and their scripts are.
#[derive(Debug)]
pub(super) struct Clients {
    scripts: PathBuf,
    python: PathBuf,
    go: PathBuf,
}

impl Clients {
    /// Installs what is missing.
    pub(super) fn install(checkout: &Checkout, tools: &Toolbox) -> Result<Self> {
        let scripts = checkout.root().join("conformance");
        let python = tools.python_environment("clients", &scripts.join("requirements.txt"))?;
        let go = tools.go_program("conformance-go", &scripts.join("go"))?;
        Ok(Self { scripts, python, go })
    }

    /// A script, with the clients of its environment first on PATH.
    pub(super) fn python(&self, script: &str) -> Command {
        let mut command = process::command(self.python.join("bin/python"));
        command.arg(self.scripts.join(script)).env("PATH", first_on_path(&self.python.join("bin")));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The program in Go.
    pub(super) fn go(&self) -> Command {
        process::command(&self.go)
    }
}

fn first_on_path(folder: &Path) -> std::ffi::OsString {
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}
