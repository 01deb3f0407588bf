//! The checkout that xtask works on: its root and its text files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// One text file of the checkout.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// Whether its name ends with a dot and `extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

/// The root folder of the workspace.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The workspace whose `cargo xtask` runs; cargo tells it by an environment variable.
    pub(crate) fn current() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: start xtask as `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("xtask stands in the workspace root")?;
        Ok(Self { root: root.to_path_buf() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_folder(&self) -> PathBuf {
        let set = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        self.root.join(set)
    }

    /// All text files that git tracks or would track, sorted by path. Files that are new and not
    /// yet added count, so that a check before the commit sees what the commit will hold.
    pub(crate) fn text_files(&self) -> Result<Vec<TextFile>> {
        let mut paths =
            if self.root.join(".git").exists() { self.git_paths()? } else { self.walked_paths()? };
        paths.sort_unstable();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = match std::fs::read(self.root.join(&path)) {
                Ok(bytes) => bytes,
                // Tracked, but deleted in the working tree.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("reading {path}")),
            };
            // What is not UTF-8 is no text of ours: golden samples, images.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile { path, text });
            }
        }
        Ok(files)
    }

    fn git_paths(&self) -> Result<Vec<String>> {
        // A CI runner may own the checkout under another user than the one who runs it.
        let listing = process::output(process::command("git").current_dir(&self.root).args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        Ok(listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// Without git (an unpacked archive): every file outside the folders that builds write.
    fn walked_paths(&self) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)
                .with_context(|| format!("listing {}", folder.display()))?
            {
                let entry = entry?;
                let name = entry.file_name();
                if entry.file_type()?.is_dir() {
                    if name != "target" && name != ".git" && name != ".quickstart" {
                        folders.push(entry.path());
                    }
                } else if let Ok(relative) = entry.path().strip_prefix(&self.root) {
                    paths.push(relative.to_string_lossy().into_owned());
                }
            }
        }
        Ok(paths)
    }
}
