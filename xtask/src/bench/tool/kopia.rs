//! kopia, when somebody put it on PATH. Its default does not compress; `zstd` is its level 3.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{PASSPHRASE, Place, Variant, ask_version, command, run};

struct Kopia {
    name: &'static str,
    compression: &'static str,
}

pub(super) fn variants() -> Vec<Box<dyn Variant>> {
    vec![
        Box::new(Kopia { name: "kopia none", compression: "none" }),
        Box::new(Kopia { name: "kopia zstd", compression: "zstd" }),
    ]
}

impl Kopia {
    fn command(place: &Place) -> Command {
        let mut kopia = command("kopia");
        kopia
            .env("KOPIA_PASSWORD", PASSPHRASE)
            .env("KOPIA_CHECK_FOR_UPDATES", "false")
            .env("KOPIA_LOG_DIR", place.state.join("logs"))
            .env("KOPIA_CACHE_DIRECTORY", place.state.join("cache"))
            .arg("--config-file")
            .arg(place.state.join("kopia.config"));
        kopia
    }
}

impl Variant for Kopia {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> Result<String> {
        ask_version("kopia", "--version")
    }

    fn init(&self, place: &Place) -> Vec<Command> {
        let mut create = Self::command(place);
        create.args(["repository", "create", "filesystem", "--path"]).arg(&place.repo);
        let mut policy = Self::command(place);
        policy.args(["policy", "set", "--global", "--compression", self.compression]);
        vec![create, policy]
    }

    fn backup(&self, place: &Place, _number: u32) -> Command {
        let mut create = Self::command(place);
        create.args(["snapshot", "create"]).arg(&place.source);
        create
    }

    fn restore(&self, place: &Place, _number: u32) -> Result<Command> {
        let mut list = Self::command(place);
        list.args(["snapshot", "list", "--json"]).arg(&place.source);
        let snapshots: serde_json::Value = serde_json::from_str(&run(&mut list)?)?;
        let newest = snapshots
            .as_array()
            .and_then(|list| list.last()?.get("id")?.as_str())
            .context("kopia lists no snapshot")?;
        let mut restore = Self::command(place);
        restore.args(["snapshot", "restore", "--write-sparse-files", newest]).arg(&place.out);
        Ok(restore)
    }

    fn restored(&self, place: &Place) -> PathBuf {
        place.out.join(place.disk.file_name().unwrap_or_default())
    }

    fn verify(&self, place: &Place) -> Command {
        let mut verify = Self::command(place);
        verify.args(["snapshot", "verify", "--verify-files-percent=100"]);
        verify
    }
}
