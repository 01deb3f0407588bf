//! Disks of a server on the command line: `[NAME=]PATH[:FORMAT]`.

use serde_json::{Value, json};

use crate::json_object::{given, object};

/// The formats that may follow a path; anything else belongs to the path.
const FORMATS: [&str; 3] = ["raw", "qcow2", "block"];

/// Where a disk is on the host of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiskPlace {
    name: Option<String>,
    path: String,
    format: Option<String>,
}

impl DiskPlace {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if !name.is_empty() && !name.contains('/') => (Some(name), rest),
            _ => (None, text),
        };
        let (path, format) = match rest.rsplit_once(':') {
            Some((path, format)) if FORMATS.contains(&format) => (path, Some(format)),
            _ => (rest, None),
        };
        let path = Self::parse_path(path)?;
        Ok(Self { name: name.map(str::to_owned), path, format: format.map(str::to_owned) })
    }

    /// A path on another host cannot be relative to a folder of this one.
    pub(crate) fn parse_path(text: &str) -> Result<String, String> {
        if text.starts_with('/') {
            return Ok(text.to_owned());
        }
        Err(format!("{text:?} is no absolute path on the host of the service"))
    }

    pub(crate) fn json(&self) -> Value {
        object([
            ("path", Some(json!(self.path))),
            ("name", given(self.name.as_ref())),
            ("format", given(self.format.as_ref())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_name_path_and_format() {
        let check = |text, expected| {
            assert_eq!(DiskPlace::parse(text).expect("a disk").json(), expected, "{text}");
        };
        check("/a.img", json!({"path": "/a.img"}));
        check("root=/a.img:raw", json!({"name": "root", "path": "/a.img", "format": "raw"}));
        check("/dev/disk/by-id/a:b", json!({"path": "/dev/disk/by-id/a:b"}));
        check("/a=b:block", json!({"path": "/a=b", "format": "block"}));
        assert!(DiskPlace::parse("a.img").is_err());
        assert!(DiskPlace::parse("root=a.img").is_err());
    }
}
