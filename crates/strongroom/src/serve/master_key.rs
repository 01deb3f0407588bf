//! The master key of an installation.
//!
//! # Invariants
//! - A key is made only where nothing can have been sealed yet: with an empty catalogue.

use std::path::Path;

use anyhow::Result;
use strongroom_base::{Rng, Secret};

use crate::failure::{Failure, Kind};
use crate::key_file;

/// The key in the file; a new one if there is none and `is_new`.
pub(super) fn load(path: &Path, is_new: bool, rng: &dyn Rng) -> Result<Secret> {
    if path.exists() {
        return key_file::read(path);
    }
    if !is_new {
        let message = format!("there is no master key at {}", path.display());
        return Err(Failure::new(Kind::Key, message)
            .hint("the catalogue and the backups are sealed with it: put the file back")
            .into());
    }
    let key = key_file::generate(rng);
    if let Err(error) = key_file::create(path, &key) {
        // Another first start on the same data directory may have been faster.
        return key_file::read(path).map_err(|_| error);
    }
    tracing::warn!(
        path = %path.display(),
        "a master key was made: keep a copy elsewhere, without it no backup can be read"
    );
    Ok(key)
}
