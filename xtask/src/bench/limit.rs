//! What this machine can do at best, measured in the same run as the programs: whoever reads a
//! figure can see how far it is from the least that compressing, hashing, sealing and copying cost.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::aead;
use rustix::fs::OFlags;

use super::extent;
use super::image::remove;
use super::measure::{Cost, command, measure, measure_here, settle};

/// Bytes that are compressed, sealed or written at a time: the size of our frames.
const STEP: usize = 1 << 20;

/// Level at which zstd alone is measured.
const LEVEL: i32 = 3;

/// One limit.
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) cost: Cost,
    /// Bytes that went through.
    pub(super) bytes: u64,
}

/// Measures all limits over the data of `image`; `work` must lie on the disk of the repositories.
pub(super) fn measure_all(image: &Path, work: &Path) -> Result<Vec<Limit>> {
    let scratch = work.join("limit.raw");
    remove(&scratch)?;
    // Read once for the page cache, as before every backup.
    let data = extent::for_data(image, |_| Ok(()))?;
    let (cost, packed) = measure_here(|| compress(image))?;
    let mut limits = vec![Limit { name: "zstd 3, one thread, 1 MiB at a time", cost, bytes: data }];
    let (cost, _) = measure_here(|| hash(image))?;
    limits.push(Limit { name: "BLAKE3 from file, one thread", cost, bytes: data });
    let (cost, ()) = measure_here(|| seal(packed))?;
    limits.push(Limit { name: "AES-256-GCM of what zstd left", cost, bytes: packed });
    settle(work)?;
    let mut copy = command("cp");
    copy.args(["--sparse=auto", "--reflink=never"]).arg(image).arg(&scratch);
    let cost = measure(&mut copy, work)?.cost;
    limits.push(Limit { name: "cp of the image, holes kept", cost, bytes: data });
    remove(&scratch)?;
    settle(work)?;
    let (cost, ()) = measure_here(|| write_direct(&scratch, data))?;
    limits.push(Limit { name: "O_DIRECT write of as many bytes", cost, bytes: data });
    remove(&scratch)?;
    Ok(limits)
}

fn compress(image: &Path) -> Result<u64> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    let mut packed = vec![0; zstd::zstd_safe::compress_bound(STEP)];
    let mut total = 0;
    extent::for_data(image, |part| {
        total += compressor.compress_to_buffer(part, &mut packed)? as u64;
        Ok(())
    })?;
    Ok(total)
}

fn hash(image: &Path) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    extent::for_data(image, |part| {
        hasher.update(part);
        Ok(())
    })?;
    Ok(hasher.finalize())
}

fn seal(bytes: u64) -> Result<()> {
    let unbound = aead::UnboundKey::new(&aead::AES_256_GCM, &[7; 32]);
    let key = aead::LessSafeKey::new(unbound.map_err(|_| anyhow!("no AES-256-GCM"))?);
    let mut frame = vec![0; STEP];
    for number in 0..bytes.div_ceil(STEP as u64) {
        let mut nonce = [0; aead::NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(number.to_le_bytes()) {
            *to = from;
        }
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = key
            .seal_in_place_separate_tag(nonce, aead::Aad::empty(), &mut frame)
            .map_err(|_| anyhow!("sealing failed"))?;
        let _kept = std::hint::black_box(tag);
    }
    Ok(())
}

/// Writes `bytes` around the page cache, in steps as large as a pack's parts.
fn write_direct(path: &Path, bytes: u64) -> Result<()> {
    const ALIGNED: usize = 4096;
    let direct = i32::try_from(OFlags::DIRECT.bits()).context("O_DIRECT fits open(2)")?;
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .custom_flags(direct)
        .open(path)
        .context("opening with O_DIRECT")?;
    let buffer = vec![0x5a; 4 * STEP + ALIGNED];
    let skip = buffer.as_ptr().align_offset(ALIGNED);
    let part = buffer.get(skip..skip + 4 * STEP).context("the buffer cannot be aligned")?;
    for _ in 0..bytes / part.len() as u64 {
        file.write_all(part).context("writing with O_DIRECT")?;
    }
    file.sync_all().context("syncing")
}
