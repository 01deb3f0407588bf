//! The programs that are compared, each as the commands a user of it would type.
//!
//! # Why
//! One small file for each program, so that a new option or version is one edit. A variant is a
//! program with one setting; every variant works in a repository of its own.

mod borg;
mod kopia;
mod restic;
mod rustic;
mod strongroom;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::measure::{command, run};

/// Passphrase of every bench repository: a constant, as nothing in them is secret.
const PASSPHRASE: &str = "bench";

/// The folders of one variant in one run.
pub(super) struct Place {
    /// Holds the repository and nothing else: its size is what was stored.
    pub(super) repo: PathBuf,
    /// Keys, configuration and caches.
    pub(super) state: PathBuf,
    /// The folder that holds the disk image and nothing else.
    pub(super) source: PathBuf,
    /// The image in `source`.
    pub(super) disk: PathBuf,
    /// An empty folder to restore into.
    pub(super) out: PathBuf,
}

/// When a variant is measured, and whether the gates compare with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Always measured, judged: the best in some row at some machine.
    Usual,
    /// Measured on request and then judged: another variant was better in every row.
    OnRequest,
    /// Measured on request, never judged: neither its program's default nor zstd 3.
    Unjudged,
}

/// One program with one setting.
pub(super) trait Variant {
    /// Unique name, starting with the program's own.
    fn name(&self) -> &'static str;
    /// Says which version runs, after building our own; an error when the program is not there.
    fn version(&self) -> Result<String>;
    /// Makes the repository.
    fn init(&self, place: &Place) -> Vec<Command>;
    /// Backs up the image.
    fn backup(&self, place: &Place, number: u32) -> Command;
    /// Restores the newest backup, number `number`, into `place.out`.
    fn restore(&self, place: &Place, number: u32) -> Result<Command>;
    /// Where `restore` puts the image.
    fn restored(&self, place: &Place) -> PathBuf;
    /// Reads and checks all stored data.
    fn verify(&self, place: &Place) -> Command;
    /// Store requests named by what a backup, restore or verify printed, if it names any.
    fn requests(&self, _stdout: &str) -> Option<u64> {
        None
    }
    /// When it is measured, and whether the gates compare with it.
    fn standing(&self) -> Standing {
        Standing::Usual
    }
}

/// A variant and the version that was found.
pub(super) struct Tool {
    pub(super) variant: Box<dyn Variant>,
    pub(super) version: String,
}

impl Tool {
    /// The first word of the name: `borg` for `borg zstd-3`.
    pub(super) fn program(&self) -> &'static str {
        self.variant.name().split(' ').next().unwrap_or_default()
    }

    /// Whether the gates compare with it.
    pub(super) fn is_judged(&self) -> bool {
        self.variant.standing() != Standing::Unjudged
    }

    /// Whether this is the program that the gates judge.
    pub(super) fn is_ours(&self) -> bool {
        self.program() == strongroom::NAME
    }
}

/// Finds the programs: of those that `only` lists, or of all known ones, the usual variants; with
/// `all` every variant. A full name in `only` always counts. A peer that is not installed is left
/// out and named.
pub(super) fn find(root: &Path, only: Option<&[String]>, all: bool) -> Result<Vec<Tool>> {
    let mut variants: Vec<Box<dyn Variant>> = vec![Box::new(strongroom::Strongroom::locate(root))];
    variants.extend(restic::variants());
    variants.extend(rustic::variants());
    variants.extend(borg::variants());
    variants.extend(kopia::variants());
    let mut tools = Vec::new();
    for variant in variants {
        let name = variant.name();
        let program = name.split(' ').next();
        let is_usual = all || variant.standing() == Standing::Usual;
        let wanted = only.map_or(is_usual, |only| {
            only.iter().any(|word| word == name || (is_usual && program == Some(word)))
        });
        if !wanted {
            continue;
        }
        match variant.version() {
            Ok(version) => tools.push(Tool { variant, version }),
            Err(error) if name == strongroom::NAME => return Err(error),
            Err(_) => eprintln!("left out: {name} (not installed)"),
        }
    }
    Ok(tools)
}

/// The word of `text` that looks like a version.
fn version_in(text: &str) -> String {
    let is_version = |word: &&str| {
        let word = word.trim_start_matches('v');
        word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.')
    };
    text.split_whitespace().find(is_version).unwrap_or("unknown").to_owned()
}

/// Runs `program argument` and takes the version from what it prints.
fn ask_version(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> Result<String> {
    Ok(version_in(&run(command(program).arg(argument))?))
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn version_is_found_in_what_programs_print() {
        assert_eq!(version_in("restic 0.14.0 compiled with go1.19.8 on linux/amd64"), "0.14.0");
        assert_eq!(version_in("0.18.2 build: 1a2b3c from: kopia/kopia"), "0.18.2");
        assert_eq!(version_in("rustic v0.9.1\n"), "v0.9.1");
        assert_eq!(version_in("what?"), "unknown");
    }
}
