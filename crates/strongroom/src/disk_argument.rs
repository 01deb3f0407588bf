//! Disks on the command line: `NAME=PATH`, or a path alone.

use std::path::{Path, PathBuf};

/// A disk's name in a backup, and a file or device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiskArgument {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl DiskArgument {
    /// Reads `NAME=PATH`, or a path whose file name without extension becomes the name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some((name, path)) = split(text) {
            check_path(path)?;
            return Ok(Self { name: name.to_owned(), path: PathBuf::from(path) });
        }
        check_path(text)?;
        let stem = Path::new(text).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        match stem.filter(|stem| is_name(stem)) {
            Some(name) => Ok(Self { name, path: PathBuf::from(text) }),
            None => Err(format!("{text:?} gives the disk no usable name; write NAME=PATH")),
        }
    }
}

/// A disk of a backup, and where to restore it to if the argument says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiskChoice {
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
}

impl DiskChoice {
    /// Reads `NAME` or `NAME=PATH`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some((name, path)) = split(text) {
            check_path(path)?;
            return Ok(Self { name: name.to_owned(), path: Some(PathBuf::from(path)) });
        }
        if is_name(text) {
            return Ok(Self { name: text.to_owned(), path: None });
        }
        Err(format!("{text:?} is no name of a disk"))
    }
}

/// A path may hold `=` as well: only what could be a name counts as one.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| is_name(name))
}

/// Names are short and plain, so that they fit in tables and on command lines.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | ':' | '@');
    !text.is_empty() && text.len() <= 64 && !text.starts_with('-') && text.chars().all(plain)
}

fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() { Err("the path of the disk is empty".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_the_name_or_makes_one() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let parsed = DiskArgument::parse(text).ok();
            let parsed = parsed.as_ref().map(|d| (d.name.as_str(), d.path.to_str().unwrap()));
            assert_eq!(parsed, expected, "{text}");
        };
        check("root=/dev/vda", Some(("root", "/dev/vda")));
        check("/images/a.qcow2", Some(("a", "/images/a.qcow2")));
        check("/images/x=y/a.img", Some(("a", "/images/x=y/a.img")));
        check("a=", None);
        check("", None);
        check("/", None);
    }

    #[test]
    fn choice_has_a_path_only_when_given() {
        assert_eq!(DiskChoice::parse("root").unwrap().path, None);
        assert_eq!(DiskChoice::parse("root=/a").unwrap().path, Some("/a".into()));
        assert!(DiskChoice::parse("/a").is_err());
    }
}
