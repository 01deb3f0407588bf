//! The footer of a pack: what lies where inside it.

use super::PackKind;
use super::frame::{Codec, FrameUnit};
use crate::crypto::UnitId;
use crate::wire::{Reader, len_u32};

/// Most frames of a pack, and most units of a frame: bounds what a decoder allocates.
const MAX_FRAMES: u32 = 1 << 20;
const MAX_UNITS: u32 = 1 << 17;

/// A frame as it lies in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackFrame {
    /// First byte within the pack.
    pub(crate) offset: u32,
    /// Sealed length, tag included.
    pub(crate) sealed_len: u32,
    pub(crate) raw_len: u32,
    pub(crate) codec: Codec,
    pub(crate) units: Vec<FrameUnit>,
}

/// Everything a pack says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) kind: PackKind,
    pub(crate) frames: Vec<PackFrame>,
}

impl Footer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.kind.to_byte()];
        out.extend_from_slice(&len_u32(self.frames.len()).to_le_bytes());
        for frame in &self.frames {
            out.extend_from_slice(&frame.offset.to_le_bytes());
            out.extend_from_slice(&frame.sealed_len.to_le_bytes());
            out.extend_from_slice(&frame.raw_len.to_le_bytes());
            out.push(frame.codec.to_byte());
            out.extend_from_slice(&len_u32(frame.units.len()).to_le_bytes());
            for unit in &frame.units {
                out.extend_from_slice(&unit.id.0);
                out.extend_from_slice(&unit.len.to_le_bytes());
            }
        }
        out
    }

    /// `None` for anything that `encode` would not have written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = PackKind::from_byte(reader.u8()?)?;
        let count = reader.u32().filter(|count| *count <= MAX_FRAMES)?;
        let mut frames = Vec::new();
        for _ in 0..count {
            frames.push(decode_frame(&mut reader)?);
        }
        reader.is_done().then_some(Self { kind, frames })
    }
}

fn decode_frame(reader: &mut Reader<'_>) -> Option<PackFrame> {
    let offset = reader.u32()?;
    let sealed_len = reader.u32()?;
    let raw_len = reader.u32()?;
    let codec = Codec::from_byte(reader.u8()?)?;
    let count = reader.u32().filter(|count| *count <= MAX_UNITS)?;
    let mut units = Vec::new();
    let mut total = 0_u64;
    for _ in 0..count {
        let id = UnitId(reader.array()?);
        let len = reader.u32()?;
        total += u64::from(len);
        units.push(FrameUnit { id, len });
    }
    (total == u64::from(raw_len)).then_some(PackFrame { offset, sealed_len, raw_len, codec, units })
}

/// Feeds arbitrary bytes to the decoder; what decodes must encode to the same bytes.
///
/// # Panics
/// When what decodes cannot be used: a finding.
#[cfg(feature = "testing")]
pub fn fuzz(bytes: &[u8]) {
    if let Some(footer) = Footer::decode(bytes) {
        assert_eq!(footer.encode(), bytes);
    }
}
