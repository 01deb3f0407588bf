//! Frames: up to 1 MiB of consecutive new units, compressed together.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::buffer::Buffer;
use crate::crypto::UnitId;

/// Most raw bytes of a frame.
pub(crate) const FRAME_LEN: usize = 1 << 20;
/// A frame is kept compressed only if that saves at least a sixty-fourth: else every reader would
/// pay for decompression and nobody would gain. On the Debian disk of the bench this stores 11 MiB
/// of 1801 less than a sixteenth would.
const WORTH: usize = 64;

/// Level of compression that backups have unless told otherwise, and that copies always have: the
/// matches of zstd's level 3, searched for better (`compressor`).
pub const DEFAULT_LEVEL: i32 = 3;

/// How a frame's bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Raw,
    Zstd,
}

impl Codec {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// A unit or node within a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameUnit {
    pub(crate) id: UnitId,
    /// Its raw length in bytes.
    pub(crate) len: u32,
}

/// The raw bytes of a frame: a part of what was read, or bytes gathered from several places.
#[derive(Debug, Clone)]
pub(crate) struct RawFrame {
    pub(crate) bytes: Arc<Buffer>,
    pub(crate) range: Range<usize>,
    pub(crate) units: Vec<FrameUnit>,
}

impl RawFrame {
    /// A frame over gathered bytes.
    pub(crate) fn gathered(bytes: Vec<u8>, units: Vec<FrameUnit>) -> Self {
        let range = 0..bytes.len();
        Self { bytes: Arc::new(Buffer::from(bytes)), range, units }
    }

    fn raw(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

/// A frame ready to be sealed.
#[derive(Debug)]
pub(crate) struct PackedFrame {
    pub(crate) codec: Codec,
    pub(crate) payload: Payload,
    pub(crate) raw_len: u32,
    pub(crate) units: Vec<FrameUnit>,
}

/// What will be sealed: compressed bytes, or the raw ones where compression does not pay.
#[derive(Debug)]
pub(crate) enum Payload {
    Compressed(Vec<u8>),
    Raw(RawFrame),
}

impl PackedFrame {
    pub(crate) fn payload(&self) -> &[u8] {
        match &self.payload {
            Payload::Compressed(bytes) => bytes,
            Payload::Raw(frame) => frame.raw(),
        }
    }
}

/// A compressor at `level`. At the default one it also finds matches of 4 bytes, and remembers
/// twice as many long ones as zstd would: on the Debian disk of the bench that stores 0.64 % less,
/// 12 % more slowly; zstd's own level 4 stores 0.43 % less, 7 % more slowly. Level 4, which searches
/// in the same way, has them too, so that it still stores less than the default.
fn compressor(level: i32) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level)?;
    if level == DEFAULT_LEVEL || level == 4 {
        compressor.set_parameter(CParameter::MinMatch(4))?;
        compressor.set_parameter(CParameter::HashLog(18))?;
    }
    Ok(compressor)
}

/// What a compute thread keeps for the next frame: clearing a megabyte for each would show.
#[derive(Default)]
struct Press {
    made: Option<(i32, Compressor<'static>)>,
    out: Vec<u8>,
}

impl Press {
    /// The compressed bytes, if they are shorter than `limit`.
    fn compress(&mut self, raw: &[u8], level: i32, limit: usize) -> Option<Vec<u8>> {
        if self.made.as_ref().is_none_or(|(made_for, _)| *made_for != level) {
            self.made = compressor(level).ok().map(|compressor| (level, compressor));
        }
        let (_, compressor) = self.made.as_mut()?;
        if self.out.len() < limit {
            self.out.resize(limit, 0);
        }
        let out = self.out.get_mut(..limit)?;
        let len = compressor.compress_to_buffer(raw, out).ok()?;
        self.out.get(..len).map(<[u8]>::to_vec)
    }
}

/// Compresses a frame at zstd `level`, or leaves it raw when that does not pay.
pub(crate) fn compress(mut frame: RawFrame, level: i32) -> PackedFrame {
    thread_local! {
        static PRESS: RefCell<Press> = RefCell::default();
    }
    let units = std::mem::take(&mut frame.units);
    let raw_len = crate::wire::len_u32(frame.raw().len());
    // A result that does not fit here does not pay.
    let limit = frame.raw().len() - frame.raw().len() / WORTH;
    let compressed = PRESS.with_borrow_mut(|press| press.compress(frame.raw(), level, limit));
    match compressed {
        Some(bytes) => {
            PackedFrame { codec: Codec::Zstd, payload: Payload::Compressed(bytes), raw_len, units }
        }
        None => PackedFrame { codec: Codec::Raw, payload: Payload::Raw(frame), raw_len, units },
    }
}

/// Unpacks a frame into `out`, which must have exactly its raw length. `None` when it does not fit.
pub(crate) fn decompress(codec: Codec, payload: &[u8], out: &mut [u8]) -> Option<()> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    match codec {
        Codec::Raw if payload.len() == out.len() => {
            out.copy_from_slice(payload);
            Some(())
        }
        Codec::Raw => None,
        Codec::Zstd => DECOMPRESSOR.with_borrow_mut(|slot| {
            if slot.is_none() {
                *slot = Decompressor::new().ok();
            }
            let len = slot.as_mut()?.decompress_to_buffer(payload, out).ok()?;
            (len == out.len()).then_some(())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compress_round_trips_and_leaves_noise_raw() {
        let check_at = |level: i32, bytes: Vec<u8>, codec: Codec| {
            let packed = compress(RawFrame::gathered(bytes.clone(), Vec::new()), level);
            assert_eq!(packed.codec, codec);
            let mut out = vec![0; bytes.len()];
            assert_eq!(decompress(packed.codec, packed.payload(), &mut out), Some(()));
            assert_eq!(out, bytes);
            let mut longer = vec![0; bytes.len() + 1];
            assert_eq!(decompress(packed.codec, packed.payload(), &mut longer), None);
        };
        let check = |bytes: Vec<u8>, codec: Codec| {
            for level in [1, DEFAULT_LEVEL, 4, 19] {
                check_at(level, bytes.clone(), codec);
            }
        };
        let rng = strongroom_base::rng::SeededRng::new(7);
        let mut noise = vec![0; 100_000];
        strongroom_base::Rng::fill(&rng, &mut noise);
        check(noise, Codec::Raw);
        check(b"strongroom ".repeat(9000), Codec::Zstd);
        check(vec![], Codec::Raw);
    }
}
