//! The version of the format and the one object that is not sealed: `config`.

use serde::{Deserialize, Serialize};
use strongroom_base::ids::{RepoId, to_hex};

/// The format that this build writes. Version 0 until the first release: no reader is owed to it.
pub const FORMAT_VERSION: u32 = 0;

const MAGIC: &str = "strongroom repository";

/// What `config` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) version: u32,
    pub(crate) repo: RepoId,
    pub(crate) sharing: Sharing,
}

/// How many processes may work on a repository at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Any number: the store keeps what that needs.
    #[default]
    Many,
    /// One: the store's conditional create or listing cannot be relied on.
    One,
}

/// Why `config` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigError {
    NotOurs,
    Damaged,
    TooNew(u32),
}

#[derive(Serialize, Deserialize)]
struct Document {
    magic: String,
    version: u32,
    repo: Option<RepoId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    single_writer: bool,
}

/// One line of JSON, then the BLAKE3 of that line in hexadecimal digits.
pub(crate) fn encode(config: &Config) -> Vec<u8> {
    let document = Document {
        magic: MAGIC.to_owned(),
        version: config.version,
        repo: Some(config.repo),
        single_writer: config.sharing == Sharing::One,
    };
    let line = serde_json::to_string(&document).expect("the document has text keys only");
    let sum = to_hex(blake3::hash(line.as_bytes()).as_bytes());
    format!("{line}\n{sum}\n").into_bytes()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Config, ConfigError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ConfigError::NotOurs)?;
    let Some((line, sum)) = text.split_once('\n') else { return Err(ConfigError::NotOurs) };
    if !line.contains(MAGIC) {
        return Err(ConfigError::NotOurs);
    }
    if sum.strip_suffix('\n') != Some(&to_hex(blake3::hash(line.as_bytes()).as_bytes())) {
        return Err(ConfigError::Damaged);
    }
    let document: Document = serde_json::from_str(line).map_err(|_| ConfigError::Damaged)?;
    if document.magic != MAGIC {
        return Err(ConfigError::NotOurs);
    }
    if document.version > FORMAT_VERSION {
        return Err(ConfigError::TooNew(document.version));
    }
    let repo = document.repo.ok_or(ConfigError::Damaged)?;
    let sharing = if document.single_writer { Sharing::One } else { Sharing::Many };
    Ok(Config { version: document.version, repo, sharing })
}

/// Feeds arbitrary bytes to the decoder, as they are and with the checksum of a first line; what
/// decodes must encode to something that means the same.
///
/// # Panics
/// When what decodes cannot be used: a finding.
#[cfg(feature = "testing")]
pub fn fuzz(bytes: &[u8]) {
    let check = |bytes: &[u8]| {
        if let Ok(config) = decode(bytes) {
            assert_eq!(decode(&encode(&config)), Ok(config));
        }
    };
    check(bytes);
    let sum = to_hex(blake3::hash(bytes).as_bytes());
    check(&[bytes, b"\n", sum.as_bytes(), b"\n"].concat());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_tells_foreign_from_damaged_from_newer() {
        let config =
            Config { version: FORMAT_VERSION, repo: RepoId([1; 16]), sharing: Sharing::Many };
        let alone = Config { sharing: Sharing::One, ..config };
        assert_eq!(decode(&encode(&alone)), Ok(alone));
        let bytes = encode(&config);
        assert_eq!(decode(&bytes), Ok(config));
        assert_eq!(decode(b"[core]\n\tbare = true\n"), Err(ConfigError::NotOurs));
        assert_eq!(decode(b"\xff\xfe"), Err(ConfigError::NotOurs));
        let newer = encode(&Config { version: 9, ..config });
        assert_eq!(decode(&newer), Err(ConfigError::TooNew(9)));
        for n in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[n] ^= 1;
            assert!(decode(&damaged).is_err(), "byte {n}");
        }
    }
}
