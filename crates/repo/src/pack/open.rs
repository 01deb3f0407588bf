//! Opens packs: the header, single frames, the footer.

use bytes::Bytes;
use strongroom_base::ByteRange;

use super::footer::Footer;
use super::frame::{Codec, FRAME_LEN, decompress};
use super::{END_MAGIC, FOOTER_PART, MAGIC, PackKind, TRAILER_LEN, bound};
use crate::crypto::{RepoKeys, SALT_LEN, SealKey};
use crate::error::ReadError;
use crate::key::PackId;
use crate::wire::Reader;

/// A pack whose header was read: its frames can be opened.
pub(crate) struct OpenPack {
    id: PackId,
    keys: RepoKeys,
    seal: SealKey,
}

/// Where a frame lies and how it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FramePlace {
    /// Its number within the pack.
    pub(crate) part: u32,
    pub(crate) offset: u32,
    pub(crate) sealed_len: u32,
    pub(crate) raw_len: u32,
    pub(crate) is_zstd: bool,
}

impl FramePlace {
    pub(crate) fn codec(self) -> Codec {
        if self.is_zstd { Codec::Zstd } else { Codec::Raw }
    }

    pub(crate) fn range(self) -> ByteRange {
        ByteRange::at(u64::from(self.offset), u64::from(self.sealed_len))
    }
}

impl OpenPack {
    /// A pack whose salt the index knows.
    pub(crate) fn new(keys: &RepoKeys, id: PackId, salt: &[u8; SALT_LEN]) -> Self {
        Self { id, keys: keys.clone(), seal: keys.pack_key(salt) }
    }

    /// Opens and unpacks a frame out of its sealed bytes into `out`, which is set to its length.
    pub(crate) fn open_frame(
        &self,
        place: FramePlace,
        sealed: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if place.raw_len as usize > 2 * FRAME_LEN {
            let what = "a frame claims to be longer than frames may be";
            return Err(ReadError::damaged(&self.id.key(), what));
        }
        if out.len() < place.raw_len as usize {
            *out = vec![0; place.raw_len as usize];
        }
        out.truncate(place.raw_len as usize);
        self.open_frame_into(place, sealed, scratch, out)
    }

    /// As [`Self::open_frame`], into memory of exactly the frame's length.
    pub(crate) fn open_frame_into(
        &self,
        place: FramePlace,
        sealed: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut [u8],
    ) -> Result<(), ReadError> {
        let payload = self.unseal(place.part, sealed, scratch)?;
        decompress(place.codec(), payload, out).ok_or_else(|| {
            ReadError::damaged(&self.id.key(), "a frame does not unpack to its length")
        })
    }

    /// Checks the seal of a frame; what it holds is the slice that comes back.
    pub(crate) fn unseal<'b>(
        &self,
        part: u32,
        sealed: &[u8],
        scratch: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], ReadError> {
        scratch.clear();
        scratch.extend_from_slice(sealed);
        self.seal
            .open(part, &bound(self.keys.repo(), self.id, part), scratch)
            .map(|payload| &*payload)
            .map_err(|_| ReadError::damaged(&self.id.key(), "the seal of a frame does not open"))
    }

    /// Opens the footer out of a whole pack.
    pub(crate) fn footer(&self, pack: &Bytes) -> Result<Footer, ReadError> {
        let damaged = |what| ReadError::damaged(&self.id.key(), what);
        let sealed = sealed_footer(pack).ok_or_else(|| damaged("it has no footer at its end"))?;
        let mut scratch = Vec::new();
        let bytes = self.unseal(FOOTER_PART, sealed, &mut scratch)?;
        Footer::decode(bytes).ok_or_else(|| damaged("its footer cannot be read"))
    }
}

fn sealed_footer(pack: &[u8]) -> Option<&[u8]> {
    let (rest, trailer) = pack.split_last_chunk::<TRAILER_LEN>()?;
    let mut reader = Reader(trailer);
    let len = reader.u32()? as usize;
    if reader.0 != END_MAGIC {
        return None;
    }
    rest.len().checked_sub(len).and_then(|start| rest.get(start..))
}

/// The salt and kind that a pack's first bytes tell.
pub(crate) fn parse_header(pack: &[u8]) -> Option<([u8; SALT_LEN], PackKind)> {
    let mut reader = Reader(pack);
    if reader.array::<8>()? != *MAGIC || reader.u16()? != 0 {
        return None;
    }
    let kind = PackKind::from_byte(reader.u8()?)?;
    if reader.u8()? != 0 || reader.u32()? != 0 {
        return None;
    }
    Some((reader.array()?, kind))
}
