//! Which byte ranges of a sparse file hold data, and how much two images differ.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Bytes read at a time.
const STEP: usize = 1 << 20;

/// The ranges of `file` that are not holes, in order.
pub(super) fn data_ranges(file: &File) -> Result<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    loop {
        let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => return Ok(ranges),
            Err(error) => return Err(error).context("asking for data in an image"),
        };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start)).context("asking for a hole")?;
        ranges.push(start..end);
        at = end;
    }
}

/// Calls `take` with every piece of up to 1 MiB of data in `path`; returns the bytes read.
pub(super) fn for_data(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut buffer = vec![0; STEP];
    let mut total = 0;
    for range in data_ranges(&file)? {
        let mut at = range.start;
        while at < range.end {
            let length = STEP.min(usize::try_from(range.end - at).unwrap_or(STEP));
            let part = buffer.get_mut(..length).context("a step is longer than its buffer")?;
            file.read_exact_at(part, at).with_context(|| format!("reading {}", path.display()))?;
            take(part)?;
            at += length as u64;
            total += length as u64;
        }
    }
    Ok(total)
}

/// Bytes of 4 KiB blocks that differ between two images of one size.
pub(super) fn differing_bytes(one: &Path, other: &Path) -> Result<u64> {
    const BLOCK: usize = 4096;
    let (one, other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; STEP], vec![0; STEP]);
    let end = one.metadata()?.len().min(other.metadata()?.len());
    let mut differing = 0;
    let mut at = 0;
    while at < end {
        let length = STEP.min(usize::try_from(end - at).unwrap_or(STEP));
        left.truncate(length);
        right.truncate(length);
        one.read_exact_at(&mut left, at)?;
        other.read_exact_at(&mut right, at)?;
        let blocks = left.chunks(BLOCK).zip(right.chunks(BLOCK));
        differing += blocks.filter(|(a, b)| a != b).map(|(a, _)| a.len() as u64).sum::<u64>();
        at += length as u64;
    }
    Ok(differing)
}
