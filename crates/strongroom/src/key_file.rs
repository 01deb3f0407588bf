//! Master keys in files: 32 random bytes as base64, readable by their owner only.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_base::{Rng, Secret};
use tempfile::NamedTempFile;
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::{Failure, Kind};
use crate::output::warn;

/// More than any key and its line end; a disk image given by mistake is not read whole.
const MAX_LEN: u64 = 1024;

/// A new random key.
pub(crate) fn generate(rng: &dyn Rng) -> Secret {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let key = Secret::new(bytes);
    bytes.zeroize();
    key
}

/// The key as text, as files and variables hold it.
pub(crate) fn encode(key: &Secret) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key.expose()))
}

/// Reads a key; `from` says where it came from.
pub(crate) fn decode(text: &str, from: &str) -> Result<Secret> {
    let wrong = || {
        Failure::new(Kind::Key, format!("{from} holds no key"))
            .hint("a key is 32 random bytes as base64; `strongroom repo key generate` makes one")
    };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| wrong())?);
    let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
    Ok(Secret::new(*bytes))
}

/// Reads the key in the file at `path`, and warns when others may read it as well.
pub(crate) fn read(path: &Path) -> Result<Secret> {
    let at = path.display();
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(Kind::Key, format!("there is no key file {at}"))
            .hint("check --key-file; without its key a repository cannot be opened"),
        _ => Failure::new(Kind::Key, format!("reading the key file {at}: {error}")),
    })?;
    if !metadata.is_file() || metadata.len() > MAX_LEN {
        return Err(Failure::new(Kind::Key, format!("{at} is no key file")).into());
    }
    let mode = metadata.permissions().mode();
    if mode & 0o077 != 0 {
        warn(&format!("the key file {at} can be read by others; `chmod 600 {at}`"));
    }
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(Kind::Key, format!("reading the key file {at}: {error}")))?;
    decode(&Zeroizing::new(text), &format!("the key file {at}"))
}

/// Writes a new key file that only its owner may read, durably. Never replaces anything.
pub(crate) fn create(path: &Path, key: &Secret) -> Result<()> {
    write_text(path, &Zeroizing::new(format!("{}\n", *encode(key))))
}

/// Writes a new file that only its owner may read, durably. Never replaces anything. Killed at any
/// moment, it leaves the whole file or none by this name.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let at = path.display();
    let failed = |error| Failure::new(Kind::Key, format!("making the file {at}: {error}"));
    let draft = draft(path, text).map_err(failed)?;
    draft.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(Kind::Conflict, format!("{at} exists"))
            .hint("a file with a secret is never replaced: it may be the only one"),
        _ => failed(error.error),
    })?;
    sync_folder(path)
}

/// The same, in the place of a file that may be there.
pub(crate) fn replace_text(path: &Path, text: &str) -> Result<()> {
    let written = draft(path, text).and_then(|draft| Ok(draft.persist(path)?));
    written.with_context(|| format!("writing the file {}", path.display()))?;
    sync_folder(path)
}

/// A file beside the one at `path`, with the text.
fn draft(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    // For its owner alone, as all of these.
    let mut file = tempfile::Builder::new().prefix(".strongroom-").tempfile_in(parent(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn sync_folder(path: &Path) -> Result<()> {
    let synced = File::open(parent(path)).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("writing the file {}", path.display()))
}

/// Refuses a key file inside the repository's directory: whoever takes the one has the other.
pub(crate) fn refuse_inside(key: &Path, repository: &Path) -> Result<()> {
    if resolve(key)?.starts_with(resolve(repository)?) {
        let message = format!(
            "the key file {} would lie inside the repository {}",
            key.display(),
            repository.display()
        );
        let hint = "keep the key elsewhere: who steals or loses the store must not get or lose it";
        return Err(Failure::usage(message).hint(hint).into());
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The real place of a path of which the last parts need not exist yet.
fn resolve(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).context("finding the current directory")?;
    for existing in path.ancestors() {
        if let Ok(real) = existing.canonicalize() {
            return Ok(match path.strip_prefix(existing) {
                Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
                _ => real,
            });
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use strongroom_base::rng::OsRng;

    use super::*;

    #[test]
    fn created_key_is_read_back_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = generate(&OsRng);
        create(&path, &key).unwrap();
        assert!(read(&path).unwrap() == key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create(&path, &key).is_err(), "an existing key is never replaced");
    }

    #[test]
    fn decode_refuses_what_is_no_key() {
        for text in ["", "short", "AAAA", "!!!!"] {
            assert!(decode(text, "test").is_err(), "{text:?}");
        }
    }

    #[test]
    fn refuse_inside_follows_links() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("repository");
        fs::create_dir(&repository).unwrap();
        std::os::unix::fs::symlink(&repository, dir.path().join("link")).unwrap();
        let check = |key: &str, refused: bool| {
            let found = refuse_inside(&dir.path().join(key), &repository);
            assert_eq!(found.is_err(), refused, "{key}");
        };
        check("repository/key", true);
        check("repository/a/b/key", true);
        check("link/key", true);
        check("key", false);
        check("repository-key", false);
    }
}
