//! rustic. Its default compression is zstd's own default level, which is 3: one variant is both.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{PASSPHRASE, Place, Variant, ask_version, command};

struct Rustic;

pub(super) fn variants() -> Vec<Box<dyn Variant>> {
    vec![Box::new(Rustic)]
}

impl Rustic {
    fn command(place: &Place) -> Command {
        let mut rustic = command("rustic");
        rustic
            .env("RUSTIC_PASSWORD", PASSPHRASE)
            // Keeps a profile of the user out of the measurement.
            .env("HOME", &place.state)
            .env("XDG_CONFIG_HOME", &place.state)
            .args(["--no-progress", "--log-level", "warn", "--cache-dir"])
            .arg(place.state.join("cache"))
            .arg("--repository")
            .arg(&place.repo);
        rustic
    }
}

impl Variant for Rustic {
    fn name(&self) -> &'static str {
        "rustic zstd-3"
    }

    fn version(&self) -> Result<String> {
        ask_version("rustic", "--version")
    }

    fn init(&self, place: &Place) -> Vec<Command> {
        let mut init = Self::command(place);
        init.args(["init", "--set-compression", "3"]);
        vec![init]
    }

    fn backup(&self, place: &Place, _number: u32) -> Command {
        let mut backup = Self::command(place);
        backup.arg("backup").arg(&place.disk);
        backup
    }

    fn restore(&self, place: &Place, _number: u32) -> Result<Command> {
        let mut restore = Self::command(place);
        restore.args(["restore", "--sparse", "by-content", "latest"]).arg(&place.out);
        Ok(restore)
    }

    fn restored(&self, place: &Place) -> PathBuf {
        place.out.join(place.disk.strip_prefix("/").unwrap_or(&place.disk))
    }

    fn verify(&self, place: &Place) -> Command {
        let mut verify = Self::command(place);
        verify.args(["check", "--read-data"]);
        verify
    }
}
