//! Which other files an image may make QEMU read: its backing chain and its data file.
//!
//! # Why
//! The header of an image names other files, and QEMU opens whatever stands there. An image that
//! came from elsewhere could name any file or server that this process can reach.
//!
//! # Invariants
//! - A reference is the plain name of a file, not a URL, a device or QEMU's `json:`.
//! - The file lies, links resolved, in the folder of the image, unless the user allows any folder.
//! - The format of a backing file stands in the header: QEMU never guesses it from content.
//!
//! # Concurrency and crash
//! Who replaces the image between this check and QEMU's look is found out by what QEMU opened then
//! ([`crate::qemu::QemuNbd::check_opened`]). Who changes its header in that moment can also write
//! the disk's content; an image that changes while it is read fails the check at the end.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use strongroom_base::{Chain, SinkError, SourceError};

use super::source_error;
use crate::qemu::{ImageFile, QemuError, qemu_img};
use crate::spec::DiskFormat;

/// Longest chain of backing files. QEMU itself has no limit; nobody runs a guest on this many.
const MAX_CHAIN: usize = 64;

/// What `qemu-img info` says, as far as it matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ImageInfo {
    virtual_size: u64,
    backing_filename: Option<String>,
    backing_filename_format: Option<String>,
    format_specific: Option<FormatSpecific>,
}

#[derive(Debug, Deserialize)]
struct FormatSpecific {
    data: Option<FormatData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FormatData {
    data_file: Option<String>,
}

/// Why an image's references were not accepted.
#[derive(Debug)]
pub(crate) enum ReferenceRefusal {
    /// They break the rule.
    Rule(String),
    /// They could not be looked at.
    Tool(QemuError),
}

impl ReferenceRefusal {
    pub(crate) fn of_source(self, at: &str) -> SourceError {
        match self {
            Self::Rule(why) => SourceError::Unusable { at: at.to_owned(), why },
            Self::Tool(error) => source_error(at, &error),
        }
    }

    pub(crate) fn of_sink(self, at: &str) -> SinkError {
        let at = at.to_owned();
        match self {
            Self::Rule(why) => SinkError::Unusable { at, why },
            Self::Tool(error) => SinkError::Access { at, why: Chain(&error).to_string() },
        }
    }
}

/// The files that `image` refers to, directly and through its backing files, all of them allowed.
pub(crate) fn check(
    image: ImageFile<'_>,
    any_folder: bool,
) -> Result<Vec<PathBuf>, ReferenceRefusal> {
    let mut referred = Vec::new();
    let mut current = (image.path.to_owned(), image.format);
    for _ in 0..MAX_CHAIN {
        let (path, format) = &current;
        if *format == DiskFormat::Raw {
            return Ok(referred);
        }
        let info = inspect(path, *format).map_err(ReferenceRefusal::Tool)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let allowed =
            |name: &str| resolve(folder, name, any_folder).map_err(ReferenceRefusal::Rule);

        if let Some(name) = info.format_specific.and_then(|s| s.data?.data_file) {
            referred.push(allowed(&name)?);
        }
        let Some(name) = info.backing_filename else {
            return Ok(referred);
        };
        let backing = allowed(&name)?;
        let format = info.backing_filename_format.ok_or_else(|| {
            let why = format!("it does not say which format its backing file {name:?} has");
            ReferenceRefusal::Rule(why)
        })?;
        let format = format.parse().map_err(|_| {
            ReferenceRefusal::Rule(format!("its backing file {name:?} has the format {format:?}"))
        })?;
        referred.push(backing.clone());
        current = (backing, format);
    }
    Err(ReferenceRefusal::Rule(format!("it has more than {MAX_CHAIN} backing files")))
}

/// Bytes of the disk inside the image.
pub(crate) fn virtual_size(image: ImageFile<'_>) -> Result<u64, QemuError> {
    Ok(inspect(image.path, image.format)?.virtual_size)
}

/// Asks QEMU what stands in the header, without opening the backing file. `-U` because the image's
/// users have been looked for already.
fn inspect(path: &Path, format: DiskFormat) -> Result<ImageInfo, QemuError> {
    let arguments = ["info", "-U", "--output=json", "-f", format.name()].map(AsRef::as_ref);
    let printed = qemu_img(&[&arguments[..], &[path.as_os_str()]].concat())?;
    serde_json::from_slice(&printed).map_err(|error| QemuError::Failed {
        tool: "qemu-img",
        said: format!("it printed no description of the image: {error}"),
    })
}

/// The file that `name` means in an image in `folder`.
fn resolve(folder: &Path, name: &str, any_folder: bool) -> Result<PathBuf, String> {
    let refuse = |why: &str| Err(format!("it refers to {name:?}, which {why}"));
    // QEMU takes what stands before the first colon for a protocol if no slash is before it.
    if name.split('/').next().is_some_and(|first| first.contains(':')) {
        return refuse("is no plain file name");
    }
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(|error| format!("it refers to {name:?}: {error}"))
    };
    let path = real(&folder.join(name))?;
    if !path.is_file() {
        return refuse("is no file");
    }
    if !any_folder && path.parent() != Some(&real(folder)?) {
        return refuse("lies in another folder, which must be allowed first");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_allows_only_files_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("images");
        fs::create_dir(&folder).unwrap();
        for file in [folder.join("base"), folder.join("a:b"), dir.path().join("secret")] {
            fs::File::create(file).unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("secret"), folder.join("link")).unwrap();
        let check = |name: &str, is_allowed: bool| {
            assert_eq!(resolve(&folder, name, false).is_ok(), is_allowed, "{name}");
        };
        check("base", true);
        check(folder.join("base").to_str().unwrap(), true);
        check("./a:b", true);
        check("a:b", false);
        check("../secret", false);
        check("link", false);
        check("absent", false);
        check(".", false);
        check("/dev/null", false);
        check("nbd:localhost:10809", false);
        check("json:{\"driver\":\"null-co\"}", false);
        assert!(resolve(&folder, "../secret", true).is_ok());
    }
}
