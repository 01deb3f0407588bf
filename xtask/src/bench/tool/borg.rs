//! borg: content-defined and fixed chunks, each with its default lz4 and with zstd 3.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{PASSPHRASE, Place, Standing, Variant, ask_version, command};

/// Chunks of 4 MiB: what borg's manual advises for disk images.
const LARGE: &str = "fixed,4194304";

/// Chunks of 64 KiB: the size of our own units.
const SMALL: &str = "fixed,65536";

struct Borg {
    name: &'static str,
    compression: &'static str,
    /// Parameters of the fixed chunker; none means borg's default chunker.
    fixed: Option<&'static str>,
    standing: Standing,
}

pub(super) fn variants() -> Vec<Box<dyn Variant>> {
    let variant = |name, compression, fixed, standing| -> Box<dyn Variant> {
        Box::new(Borg { name, compression, fixed, standing })
    };
    let (usual, on_request) = (Standing::Usual, Standing::OnRequest);
    vec![
        variant("borg lz4", "lz4", None, on_request),
        variant("borg zstd-3", "zstd,3", None, usual),
        variant("borg fixed-4M lz4", "lz4", Some(LARGE), usual),
        variant("borg fixed-4M zstd-3", "zstd,3", Some(LARGE), on_request),
        variant("borg fixed-64K lz4", "lz4", Some(SMALL), usual),
        variant("borg fixed-64K zstd-3", "zstd,3", Some(SMALL), on_request),
    ]
}

impl Borg {
    fn command(place: &Place, verb: &str) -> Command {
        let mut borg = command("borg");
        borg.env("BORG_PASSPHRASE", PASSPHRASE)
            .env("BORG_BASE_DIR", &place.state)
            .env("BORG_DISPLAY_PASSPHRASE", "no")
            .arg(verb);
        borg
    }

    fn archive(place: &Place, number: u32) -> String {
        format!("{}::backup-{number}", place.repo.display())
    }
}

impl Variant for Borg {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> Result<String> {
        ask_version("borg", "--version")
    }

    fn init(&self, place: &Place) -> Vec<Command> {
        let mut init = Self::command(place, "init");
        init.args(["--encryption", "repokey-blake2"]).arg(&place.repo);
        vec![init]
    }

    fn backup(&self, place: &Place, number: u32) -> Command {
        let mut create = Self::command(place, "create");
        create.args(["--compression", self.compression]);
        if let Some(fixed) = self.fixed {
            // Holes are skipped only by the fixed chunker.
            create.args(["--sparse", "--chunker-params", fixed]);
        }
        create.arg(Self::archive(place, number)).arg("disk.raw").current_dir(&place.source);
        create
    }

    fn restore(&self, place: &Place, number: u32) -> Result<Command> {
        let mut extract = Self::command(place, "extract");
        extract.arg("--sparse").arg(Self::archive(place, number)).current_dir(&place.out);
        Ok(extract)
    }

    fn restored(&self, place: &Place) -> PathBuf {
        place.out.join(place.disk.file_name().unwrap_or_default())
    }

    fn verify(&self, place: &Place) -> Command {
        let mut check = Self::command(place, "check");
        check.arg("--verify-data").arg(&place.repo);
        check
    }

    fn standing(&self) -> Standing {
        self.standing
    }
}
