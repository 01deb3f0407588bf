//! `cargo xtask tidy`: the house rules about sizes, names, invariants, links and remarks.
//!
//! # Why
//! What compilers and clippy do not look at rots first: file sizes, the proof of each invariant,
//! links. One pass over the files git knows; each rule is a function from files to findings, so
//! that its tests need no file system but for the links.
//!
//! # Not here
//! Which crate may use which: [`crate::layers`]. Everything clippy can say.

mod attribute;
mod file_name;
mod invariant;
mod link;
mod machine_path;
mod remark;
mod size;

use anyhow::Result;

use crate::checkout::{Checkout, TextFile};
use crate::finding;
use crate::rust_text::RustText;

/// A Rust file with its masks, parsed once for all rules.
pub(crate) struct RustFile<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) parsed: RustText,
}

impl<'a> RustFile<'a> {
    fn new(file: &'a TextFile) -> Self {
        Self { path: &file.path, text: &file.text, parsed: RustText::parse(&file.text) }
    }

    /// Whether the whole file is test code: under `tests/`, or the `tests.rs` of a module.
    fn is_test_file(&self) -> bool {
        let mut parts = self.path.rsplit('/');
        parts.next() == Some("tests.rs") || parts.any(|part| part == "tests")
    }
}

/// Checks the whole checkout.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let files = checkout.text_files()?;
    let rust: Vec<RustFile<'_>> =
        files.iter().filter(|file| file.has_extension("rs")).map(RustFile::new).collect();
    let mut findings = Vec::new();
    for file in &files {
        findings.extend(file_name::check(&file.path));
        findings.extend(machine_path::check(file));
    }
    for file in &rust {
        findings.extend(size::check(file));
        findings.extend(remark::check(file));
        findings.extend(attribute::check(file));
    }
    findings.extend(invariant::check(&files, &rust));
    findings.extend(link::check(&files, |path| checkout.root().join(path).exists()));
    finding::report("tidy", &findings)
}

/// Files made of text, for the tests of the rules.
#[cfg(test)]
fn files(files: &[(&str, &str)]) -> Vec<TextFile> {
    files
        .iter()
        .map(|&(path, text)| TextFile { path: path.to_owned(), text: text.to_owned() })
        .collect()
}
