//! restic. Its `auto` is the default and is zstd at the level its library calls default, which
//! that library places at zstd 3; `max` is far slower and runs only on request.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{PASSPHRASE, Place, Standing, Variant, ask_version, command};

struct Restic {
    name: &'static str,
    compression: &'static str,
}

pub(super) fn variants() -> Vec<Box<dyn Variant>> {
    vec![
        Box::new(Restic { name: "restic auto", compression: "auto" }),
        Box::new(Restic { name: "restic max", compression: "max" }),
    ]
}

impl Restic {
    fn command(&self, place: &Place) -> Command {
        let mut restic = command("restic");
        restic
            .env("RESTIC_PASSWORD", PASSPHRASE)
            .arg("--quiet")
            .args(["--compression", self.compression, "--cache-dir"])
            .arg(place.state.join("cache"))
            .arg("--repo")
            .arg(&place.repo);
        restic
    }
}

impl Variant for Restic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> Result<String> {
        ask_version("restic", "version")
    }

    fn init(&self, place: &Place) -> Vec<Command> {
        let mut init = self.command(place);
        init.args(["init", "--repository-version", "2"]);
        vec![init]
    }

    fn backup(&self, place: &Place, _number: u32) -> Command {
        let mut backup = self.command(place);
        backup.arg("backup").arg(&place.disk);
        backup
    }

    fn restore(&self, place: &Place, _number: u32) -> Result<Command> {
        let mut restore = self.command(place);
        restore.args(["restore", "latest", "--target"]).arg(&place.out);
        Ok(restore)
    }

    fn restored(&self, place: &Place) -> PathBuf {
        place.out.join(place.disk.strip_prefix("/").unwrap_or(&place.disk))
    }

    fn verify(&self, place: &Place) -> Command {
        let mut verify = self.command(place);
        verify.args(["check", "--read-data"]);
        verify
    }

    fn standing(&self) -> Standing {
        if self.compression == "auto" { Standing::Usual } else { Standing::Unjudged }
    }
}
