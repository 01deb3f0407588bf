//! Reads a disk from its first byte to its last: to hash it, or to copy it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use strongroom_base::ids::to_hex;
use strongroom_base::{BlockSource, ByteRange, CancelToken, ExtentKind, Progress};
use strongroom_source::{DiskFormat, DiskSpec, sink};

use crate::failure::{Failure, Kind};

/// What is read at once.
const PIECE: usize = 4 << 20;

/// The SHA-256 of a file, by plain reads and nothing of the engine.
pub(super) async fn fingerprint(
    path: PathBuf,
    progress: Progress,
    cancel: CancelToken,
) -> Result<String> {
    let hash = move || {
        let mut file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        progress.set_total(file.metadata().context("asking for the size")?.len());
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; PIECE];
        loop {
            let read = file.read(&mut buffer).context("reading the disk")?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            progress.add_done(bytes.len() as u64);
            stop_if(&cancel)?;
        }
        Ok(to_hex(hash.finish().as_ref()))
    };
    tokio::task::spawn_blocking(hash).await.context("hashing")?
}

/// Copies a disk to a new sparse raw file; says how many bytes were data.
pub(super) fn copy(
    source: &dyn BlockSource,
    to: &Path,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<u64> {
    let size = source.size();
    progress.set_total(size);
    let spec = DiskSpec::new(to).with_format(DiskFormat::Raw);
    let sink = sink::create(&spec, size).context("making the copy")?;
    let mut buffer = vec![0; PIECE];
    let mut copied = 0;
    for start in (0..size).step_by(PIECE) {
        stop_if(cancel)?;
        let piece = ByteRange { start, end: size.min(start + PIECE as u64) };
        for extent in source.extents(piece).context("reading the image")? {
            let range = extent.range;
            if extent.kind == ExtentKind::Data {
                let length = usize::try_from(range.len()).context("an extent of a piece")?;
                let bytes = buffer.get_mut(..length).context("an extent lies in its piece")?;
                source.read_at(range.start, bytes).context("reading the image")?;
                sink.write_at(range.start, bytes).context("writing the copy")?;
                copied += range.len();
            } else {
                sink.zero(range).context("writing the copy")?;
            }
            progress.add_done(range.len());
        }
    }
    source.check_unchanged().context("reading the image")?;
    sink.finish().context("writing the copy")?;
    Ok(copied)
}

/// Ends the work when the user asked for it.
pub(super) fn stop_if(cancel: &CancelToken) -> Result<()> {
    if cancel.is_cancelled() {
        return Err(Failure::new(Kind::Interrupted, "interrupted").into());
    }
    Ok(())
}
