//! `cargo xtask features`: a dependency has the same features, whatever part of the workspace is
//! built.
//!
//! # Why
//! A dependency with other features is compiled anew, and with it everything above it: going from
//! `cargo test -p` to CI and back would cost minutes each time. `crates/workspace-hack` asks for the
//! features of all for everybody; this check says what is missing there.
//!
//! # Source
//! The unit graph of cargo, which names each compilation with its features. It is unstable; the
//! pinned cargo gives it to those who ask as its own developers do.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::checkout::Checkout;
use crate::finding::{self, Finding};
use crate::process;

/// What CI builds; everything else must find its dependencies built by this.
const WORKSPACE: [&str; 3] = ["test", "--workspace", "--all-features"];

#[derive(Debug, Deserialize)]
struct Graph {
    units: Vec<Unit>,
}

/// One compilation.
#[derive(Debug, Deserialize)]
struct Unit {
    pkg_id: String,
    features: BTreeSet<String>,
}

/// Each dependency, with the sets of features that it is compiled with.
type Dependencies = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// Compares what is built for each package alone with what is built for the workspace.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let all = dependencies(checkout, &WORKSPACE)?;
    let mut findings = Vec::new();
    for package in packages(checkout)? {
        for command in ["test", "check"] {
            let alone = dependencies(checkout, &[command, "--package", &package])?;
            findings.extend(differences(&format!("cargo {command} -p {package}"), &alone, &all));
        }
    }
    finding::report("features", &findings)
}

fn differences(command: &str, alone: &Dependencies, all: &Dependencies) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (dependency, sets) in alone {
        let known = all.get(dependency);
        for set in sets.iter().filter(|set| known.is_none_or(|known| !known.contains(*set))) {
            let wanted = known.map(|sets| shown(sets.iter().flatten())).unwrap_or_default();
            let text = format!(
                "compiles {dependency} with [{}] where the workspace has [{wanted}]: name it in \
                 crates/workspace-hack/Cargo.toml",
                shown(set)
            );
            findings.push(Finding::failure(command, 0, text));
        }
    }
    findings
}

fn shown<'a>(features: impl IntoIterator<Item = &'a String>) -> String {
    features.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What a command would compile of other people's.
fn dependencies(checkout: &Checkout, arguments: &[&str]) -> Result<Dependencies> {
    let mut command = process::cargo(checkout.root());
    command.args(arguments).args(["--locked", "--unit-graph", "-Z", "unstable-options"]);
    let graph = process::output(command.env("RUSTC_BOOTSTRAP", "1"))?;
    let graph: Graph = serde_json::from_str(&graph).context("reading the unit graph of cargo")?;
    let mut found = Dependencies::new();
    for unit in graph.units.into_iter().filter(|unit| unit.pkg_id.starts_with("registry+")) {
        let name = unit.pkg_id.rsplit('#').next().unwrap_or_default().to_owned();
        found.entry(name).or_default().insert(unit.features);
    }
    Ok(found)
}

/// The names of the packages of the workspace.
fn packages(checkout: &Checkout) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata = process::output(process::cargo(checkout.root()).args(arguments))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("parsing the output of cargo metadata")?;
    Ok(metadata.packages.into_iter().map(|package| package.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(sets: &[&[&str]]) -> Dependencies {
        let sets = sets.iter().map(|set| set.iter().map(|&f| f.to_owned()).collect()).collect();
        Dependencies::from([("serde@1.0.0".to_owned(), sets)])
    }

    #[test]
    fn dependency_with_features_that_the_workspace_does_not_compile_is_found() {
        let all = with(&[&["derive", "std"], &["std"]]);
        assert_eq!(differences("c", &with(&[&["std"]]), &all), []);
        let found = differences("cargo check -p x", &with(&[&["derive"]]), &all);
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|finding| finding.text.contains("serde@1.0.0 with [derive]")));
        assert_eq!(differences("c", &with(&[&[]]), &Dependencies::new()).len(), 1);
    }
}
