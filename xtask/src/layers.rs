//! `cargo xtask layers`: which crate may use which, and the words that would show a wrong layer.
//!
//! # Why
//! Cargo refuses what a manifest does not declare; this check refuses what a manifest must not
//! declare. The words catch the ideas that cross a layer without any import: an engine that speaks
//! of tenants has begun to know them. The table is data in `xtask/layers.toml`.
//!
//! # Invariants
//! - A crate without an entry and an entry without a crate both fail, so the table stays whole.

mod word;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::checkout::{Checkout, TextFile};
use crate::finding::{self, Finding};
use crate::process;

/// One crate's row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    /// Crates of ours that it may link.
    may_use: Vec<String>,
    /// Words that its sources must not contain.
    words: Vec<String>,
}

type Table = BTreeMap<String, Layer>;

/// The part of `cargo metadata` that we read.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for normal dependencies, else `dev` or `build`.
    kind: Option<String>,
}

/// Compares the workspace with the table.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let table = std::fs::read_to_string(checkout.root().join("xtask/layers.toml"))
        .context("reading xtask/layers.toml")?;
    let table: Table = toml::from_str(&table).context("parsing xtask/layers.toml")?;
    let metadata = process::output(process::cargo(checkout.root()).args([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("parsing the output of cargo metadata")?;
    let files = checkout.text_files()?;
    finding::report("layers", &check(&table, &metadata, &files))
}

fn check(table: &Table, metadata: &Metadata, files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Some(layer) = table.get(&package.name) else {
            let text = "has no entry in xtask/layers.toml";
            findings.push(Finding::failure(&package.name, 0, text));
            continue;
        };
        findings.extend(check_dependencies(package, layer, metadata));
        let source = source_folder(package, metadata);
        for file in files.iter().filter(|file| file.path.starts_with(&source)) {
            findings.extend(word::check(file, &layer.words));
        }
    }
    for name in table.keys() {
        if !metadata.packages.iter().any(|package| package.name == *name) {
            let text = "stands in xtask/layers.toml but not in the workspace";
            findings.push(Finding::failure(name, 0, text));
        }
    }
    findings
}

fn check_dependencies(package: &Package, layer: &Layer, metadata: &Metadata) -> Vec<Finding> {
    let linked = package.dependencies.iter().filter(|d| {
        // It has no code, only dependencies that nobody else can use.
        d.kind.as_deref() != Some("dev") && d.name != "workspace-hack"
    });
    let mut findings = Vec::new();
    for dependency in linked {
        let name = &dependency.name;
        let is_ours = metadata.packages.iter().any(|package| package.name == *name);
        if is_ours && !layer.may_use.contains(name) {
            let text = format!("must not use {name} (xtask/layers.toml)");
            findings.push(Finding::failure(&package.name, 0, text));
        }
        if let Some(word) = word::find(name, &layer.words).filter(|_| !is_ours) {
            let text = format!("must not depend on {name}: `{word}` belongs to another layer");
            findings.push(Finding::failure(&package.name, 0, text));
        }
    }
    findings
}

/// The package's `src/` relative to the root.
fn source_folder(package: &Package, metadata: &Metadata) -> String {
    let folder = package.manifest_path.trim_end_matches("Cargo.toml");
    let relative = folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder);
    format!("{}src/", relative.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
[base]
may_use = []
words = ['tokio']
[repo]
may_use = ['base']
words = ['vault']
";

    /// The findings for crates given as name and dependencies (`kind:name`, kind may be empty).
    fn findings(crates: &[(&str, &[&str])], files: &[(&str, &str)]) -> Vec<String> {
        let packages = crates
            .iter()
            .map(|&(name, dependencies)| Package {
                name: name.to_owned(),
                manifest_path: format!("/checkout/crates/{name}/Cargo.toml"),
                dependencies: dependencies
                    .iter()
                    .filter_map(|dependency| dependency.split_once(':'))
                    .map(|(kind, name)| Dependency {
                        name: name.to_owned(),
                        kind: (!kind.is_empty()).then(|| kind.to_owned()),
                    })
                    .collect(),
            })
            .collect();
        let metadata = Metadata { packages, workspace_root: "/checkout".to_owned() };
        let files: Vec<_> = files
            .iter()
            .map(|&(path, text)| TextFile { path: path.to_owned(), text: text.to_owned() })
            .collect();
        let table: Table = toml::from_str(TABLE).unwrap();
        check(&table, &metadata, &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn passes_what_the_table_allows() {
        let crates: &[(&str, &[&str])] =
            &[("base", &[":serde", "dev:repo", "dev:tokio"]), ("repo", &[":base", "build:base"])];
        let files = [
            ("crates/base/src/lib.rs", "//! The vault may stand here."),
            ("crates/repo/tests/it/main.rs", "mod vault;"),
        ];
        assert_eq!(findings(crates, &files), [""; 0]);
    }

    #[test]
    fn refuses_a_forbidden_dependency() {
        let crates: &[(&str, &[&str])] =
            &[("base", &[":tokio-util"]), ("repo", &["build:repo", ":base"])];
        assert_eq!(
            findings(crates, &[]),
            [
                "error: base: must not depend on tokio-util: `tokio` belongs to another layer",
                "error: repo: must not use repo (xtask/layers.toml)",
            ]
        );
    }

    #[test]
    fn refuses_a_word_of_another_layer() {
        let crates: &[(&str, &[&str])] = &[("base", &[]), ("repo", &[])];
        let files = [("crates/repo/src/a/b.rs", "//! a\nstruct VaultId;")];
        assert_eq!(
            findings(crates, &files),
            ["error: crates/repo/src/a/b.rs:2: says `vault`, a word of another layer"]
        );
    }

    #[test]
    fn refuses_a_table_that_does_not_fit_the_workspace() {
        let crates: &[(&str, &[&str])] = &[("base", &[]), ("model", &[])];
        assert_eq!(
            findings(crates, &[]),
            [
                "error: model: has no entry in xtask/layers.toml",
                "error: repo: stands in xtask/layers.toml but not in the workspace",
            ]
        );
    }
}
