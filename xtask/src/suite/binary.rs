//! What `cargo test --no-run` built, as it says itself.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::process;

/// What a build made.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// The binaries that hold tests.
    pub(crate) tests: Vec<TestBinary>,
    /// The programs: what integration tests start.
    programs: Vec<PathBuf>,
}

impl Built {
    /// The program of this name.
    pub(crate) fn program(&self, name: &str) -> Result<&Path> {
        let found = self.programs.iter().find(|path| path.file_name().is_some_and(|n| n == name));
        found.map(PathBuf::as_path).with_context(|| format!("the build made no program `{name}`"))
    }

    fn add(&mut self, artifact: Artifact) -> Result<()> {
        let Some(executable) = artifact.executable else {
            return Ok(());
        };
        if artifact.profile.test {
            let folder =
                artifact.manifest_path.parent().context("a manifest stands in a folder")?;
            let package = folder.file_name().context("a package's folder has a name")?;
            let package = package.to_string_lossy();
            self.tests.push(TestBinary {
                name: format!("{package}::{}", artifact.target.name),
                folder: folder.to_owned(),
                executable,
            });
        } else if artifact.target.kind.iter().any(|kind| kind == "bin") {
            self.programs.push(executable);
        }
        Ok(())
    }
}

/// One binary of tests.
#[derive(Debug, Clone)]
pub(crate) struct TestBinary {
    /// The package's folder and the target, as `repo::it`.
    pub(crate) name: String,
    /// The package's folder, in which `cargo test` would start it.
    folder: PathBuf,
    executable: PathBuf,
}

impl TestBinary {
    /// A command that runs it as `cargo test` would.
    pub(crate) fn command(&self) -> Command {
        let mut command = process::command(&self.executable);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    /// A program that stands in for a binary of tests.
    #[cfg(test)]
    pub(crate) fn stand_in(name: &str, executable: &Path) -> Self {
        Self { name: name.to_owned(), folder: "/".into(), executable: executable.to_owned() }
    }
}

/// The messages of cargo that we read; the others have another `reason`.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

/// Builds what `command`, a `cargo test`, names: runs it with what makes cargo build, say what it built, and stop.
pub(crate) fn build(command: &mut Command) -> Result<Built> {
    command.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", process::shown(command)))?;
    let output = child.stdout.take().context("standard output was piped above")?;
    let mut built = Built::default();
    let messages = serde_json::Deserializer::from_reader(BufReader::new(output)).into_iter();
    for message in messages {
        if let Message::CompilerArtifact(artifact) = message.context("reading cargo's messages")? {
            built.add(artifact)?;
        }
    }
    let status = child.wait().context("waiting for cargo")?;
    ensure!(status.success(), "{} ended with {status}", process::shown(command));
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_finds_binaries_of_tests_and_programs() {
        let messages = r#"cat <<'END'
{"reason":"compiler-artifact","manifest_path":"/w/crates/repo/Cargo.toml","target":{"kind":["lib"],"name":"repo"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","manifest_path":"/w/crates/repo/Cargo.toml","target":{"kind":["test"],"name":"it"},"profile":{"test":true},"executable":"/t/it-1"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/s/Cargo.toml","target":{"kind":["bin"],"name":"s"},"profile":{"test":false},"executable":"/t/s"}
{"reason":"build-finished","success":true}
END"#;
        let built = build(process::command("sh").args(["-c", messages])).unwrap();
        let names: Vec<_> = built.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["repo::it"]);
        assert_eq!(built.program("s").unwrap(), Path::new("/t/s"));
        assert!(built.program("other").is_err());
    }
}
