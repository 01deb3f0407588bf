//! Where the master key comes from: a file, a command or the environment.
//!
//! # Invariants
//! - Exactly one source is used. `--key-file` and `--key-command` together are refused; either of
//!   them wins over the variable.

use std::path::{Path, PathBuf};

use anyhow::Result;
use strongroom_base::Secret;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::{key_file, program};

/// The variable that holds a key.
pub(crate) const VARIABLE: &str = "STRONGROOM_KEY";

/// A place to get a key from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    File(PathBuf),
    Command(String),
    Variable,
}

impl KeySource {
    /// The one source that the options and the environment name.
    pub(crate) fn choose(file: Option<&Path>, command: Option<&str>) -> Result<Self> {
        match (file, command) {
            (Some(_), Some(_)) => {
                Err(Failure::usage("--key-file and --key-command cannot be used together").into())
            }
            (Some(file), None) => Ok(Self::File(file.to_owned())),
            (None, Some(command)) => Ok(Self::Command(command.to_owned())),
            (None, None) if std::env::var_os(VARIABLE).is_some() => Ok(Self::Variable),
            (None, None) => Err(Failure::new(Kind::Key, "no key was given")
                .hint("give --key-file FILE, --key-command CMD or the variable STRONGROOM_KEY")
                .into()),
        }
    }

    /// Gets the key.
    pub(crate) fn read(&self) -> Result<Secret> {
        match self {
            Self::File(path) => key_file::read(path),
            Self::Command(command) => {
                let text = Zeroizing::new(program::shell(command)?);
                key_file::decode(&text, "what --key-command prints")
            }
            Self::Variable => {
                let text = Zeroizing::new(std::env::var(VARIABLE).unwrap_or_default());
                key_file::decode(&text, VARIABLE)
            }
        }
    }
}
