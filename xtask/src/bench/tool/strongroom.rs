//! Strongroom itself: the release build of this checkout, or the binary `STRONGROOM_BIN` names.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Place, Variant, ask_version, command};
use crate::process;

/// Name of the variant that the gates judge.
pub(super) const NAME: &str = "strongroom";

pub(super) struct Strongroom {
    binary: PathBuf,
    /// The checkout to build it from; none when somebody named a binary.
    checkout: Option<PathBuf>,
}

impl Strongroom {
    /// Says where the binary is or will be.
    pub(super) fn locate(root: &Path) -> Self {
        if let Some(binary) = env::var_os("STRONGROOM_BIN") {
            return Self { binary: PathBuf::from(binary), checkout: None };
        }
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Self { binary: target.join("release/strongroom"), checkout: Some(root.to_owned()) }
    }

    fn command(&self, place: &Place, verb: &str) -> Command {
        let mut strongroom = command(&self.binary);
        strongroom
            .args(["repo", verb, "--repo"])
            .arg(format!("fs://{}", place.repo.display()))
            .arg("--key-file")
            .arg(place.state.join("key"));
        strongroom
    }
}

impl Variant for Strongroom {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Result<String> {
        if let Some(checkout) = &self.checkout {
            let mut build = process::cargo(checkout);
            build.args(["build", "--release", "--locked", "--package", "strongroom"]);
            process::run(&mut build)?;
        }
        ask_version(&self.binary, "--version")
    }

    fn init(&self, place: &Place) -> Vec<Command> {
        vec![self.command(place, "init")]
    }

    fn backup(&self, place: &Place, _number: u32) -> Command {
        let mut backup = self.command(place, "backup");
        backup
            .arg("--disk")
            .arg(format!("root={}", place.disk.display()))
            .args(["--output", "json"]);
        backup
    }

    fn restore(&self, place: &Place, _number: u32) -> Result<Command> {
        let mut restore = self.command(place, "restore");
        restore.args(["latest", "--disk", "root", "--to"]).arg(self.restored(place));
        restore.args(["--output", "json"]);
        Ok(restore)
    }

    fn restored(&self, place: &Place) -> PathBuf {
        place.out.join(place.disk.file_name().unwrap_or_default())
    }

    fn verify(&self, place: &Place) -> Command {
        let mut verify = self.command(place, "verify");
        verify.args(["--level", "full", "--output", "json"]);
        verify
    }

    /// `"requests"` of the summary: one number, or one for each kind of request.
    fn requests(&self, stdout: &str) -> Option<u64> {
        let summary: serde_json::Value = serde_json::from_str(stdout).ok()?;
        let requests = summary.get("requests")?;
        let Some(kinds) = requests.as_object() else { return requests.as_u64() };
        Some(kinds.values().filter_map(serde_json::Value::as_u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Strongroom;
    use crate::bench::tool::Variant;

    #[test]
    fn requests_of_summary_are_read_as_number_or_kinds() {
        let tool = Strongroom { binary: PathBuf::new(), checkout: None };
        assert_eq!(tool.requests(r#"{"requests": 7}"#), Some(7));
        assert_eq!(tool.requests(r#"{"requests": {"get": 3, "put": 4}}"#), Some(7));
        assert_eq!(tool.requests(r#"{"stored": 1}"#), None);
        assert_eq!(tool.requests("done"), None);
    }
}
