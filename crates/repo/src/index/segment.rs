//! One index segment: tables of packs, frames and units, the units sorted by name.

use std::io;

use crate::crypto::{SALT_LEN, UnitId};
use crate::index::filter;
use crate::index::mmap::Mapped;
use crate::key::PackId;
use crate::pack::PackKind;
use crate::pack::builder::SealedPack;
use crate::pack::footer::{Footer, PackFrame};
use crate::pack::frame::FrameUnit;
use crate::pack::open::FramePlace;
use crate::wire::{Reader, len_u32};

const MAGIC: &[u8; 8] = b"SRINDEX\0";
const HEADER_LEN: usize = 8 + 4 + 4 + 4 + 4;
const PACK_LEN: usize = 16 + 4 + 4 + 8 + SALT_LEN;
const FRAME_LEN: usize = 6 * 4;
/// Bytes of an entry.
pub(crate) const ENTRY_LEN: usize = 32 + 3 * 4;
/// Units at which a segment is closed: 44 MB of entries.
pub(crate) const MAX_ENTRIES: usize = 1 << 20;

/// What a segment knows of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackRecord {
    pub(crate) id: PackId,
    pub(crate) kind: PackKind,
    /// The size of its object in bytes.
    pub(crate) size: u64,
    pub(crate) salt: [u8; SALT_LEN],
}

/// Where a unit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) pack: PackId,
    pub(crate) frame: FramePlace,
    /// First byte within the unpacked frame.
    pub(crate) offset: u32,
    /// Its raw length in bytes.
    pub(crate) len: u32,
}

/// A pack with everything that is in it, as a segment is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexedPack {
    pub(crate) record: PackRecord,
    pub(crate) footer: Footer,
}

impl From<SealedPack> for IndexedPack {
    fn from(pack: SealedPack) -> Self {
        let record = PackRecord {
            id: pack.id,
            kind: pack.footer.kind,
            size: pack.bytes.len() as u64,
            salt: pack.salt,
        };
        Self { record, footer: pack.footer }
    }
}

/// Writes the plain bytes of a segment over `packs`.
pub(crate) fn encode(packs: &[IndexedPack]) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut entries: Vec<(UnitId, u32, u32, u32)> = Vec::new();
    for (pack_number, pack) in packs.iter().enumerate() {
        for (part, frame) in pack.footer.frames.iter().enumerate() {
            let frame_number = len_u32(frames.len() / FRAME_LEN);
            let codec = u32::from(frame.codec.to_byte());
            let fields = [
                len_u32(pack_number),
                len_u32(part),
                frame.offset,
                frame.sealed_len,
                frame.raw_len,
                codec,
            ];
            frames.extend(fields.into_iter().flat_map(u32::to_le_bytes));
            let mut offset = 0;
            for unit in &frame.units {
                entries.push((unit.id, frame_number, offset, unit.len));
                offset += unit.len;
            }
        }
    }
    entries.sort_unstable();
    let mut out = Vec::with_capacity(
        HEADER_LEN + packs.len() * PACK_LEN + frames.len() + entries.len() * ENTRY_LEN,
    );
    out.extend_from_slice(MAGIC);
    let counts =
        [0, len_u32(packs.len()), len_u32(frames.len() / FRAME_LEN), len_u32(entries.len())];
    out.extend(counts.into_iter().flat_map(u32::to_le_bytes));
    for pack in packs {
        out.extend_from_slice(&pack.record.id.session.0);
        out.extend_from_slice(&pack.record.id.number.to_le_bytes());
        out.extend_from_slice(&u32::from(pack.record.kind.to_byte()).to_le_bytes());
        out.extend_from_slice(&pack.record.size.to_le_bytes());
        out.extend_from_slice(&pack.record.salt);
    }
    out.extend_from_slice(&frames);
    for (id, frame, offset, len) in entries {
        out.extend_from_slice(&id.0);
        out.extend([frame, offset, len].into_iter().flat_map(u32::to_le_bytes));
    }
    out
}

/// A decoded segment, ready for look-ups.
pub(crate) struct Segment {
    /// The plain bytes of the segment, then its filter.
    bytes: Mapped,
    packs: Vec<PackRecord>,
    frames: usize,
    entries: usize,
}

impl Segment {
    /// Checks the plain bytes of a segment and maps them. The inner `None` means that they are
    /// not those of a segment.
    pub(crate) fn decode(mut bytes: Vec<u8>) -> io::Result<Option<Self>> {
        let Some((packs, frames, entries)) = check(&bytes) else { return Ok(None) };
        let start = HEADER_LEN + packs.len() * PACK_LEN + frames * FRAME_LEN;
        let (table, _) = bytes.get(start..).unwrap_or_default().as_chunks::<ENTRY_LEN>();
        let filter = filter::build(entries, table.iter().filter_map(|entry| entry.first_chunk()));
        bytes.extend_from_slice(&filter);
        Ok(Some(Self { bytes: Mapped::new(bytes)?, packs, frames, entries }))
    }

    /// The packs it names.
    pub(crate) fn packs(&self) -> &[PackRecord] {
        &self.packs
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    fn table(&self) -> &[[u8; ENTRY_LEN]] {
        let start = HEADER_LEN + self.packs.len() * PACK_LEN + self.frames * FRAME_LEN;
        let end = start + self.entries * ENTRY_LEN;
        self.bytes.get(start..end).map_or(&[], |table| table.as_chunks().0)
    }

    fn filter(&self) -> &[u8] {
        let start = HEADER_LEN + self.packs.len() * PACK_LEN + self.frames * FRAME_LEN;
        self.bytes.get(start + self.entries * ENTRY_LEN..).unwrap_or_default()
    }

    /// The numbers of the entries for `id`; more than one when it was stored twice.
    pub(crate) fn find(&self, id: &UnitId) -> std::ops::Range<usize> {
        if !filter::may_hold(self.filter(), id) {
            return 0..0;
        }
        let table = self.table();
        let start = lower_bound(table, id);
        let same = |entry: &[u8; ENTRY_LEN]| entry.starts_with(&id.0);
        let count = table.iter().skip(start).take_while(|entry| same(entry)).count();
        start..start + count
    }

    /// The name and place of entry `number`.
    pub(crate) fn entry(&self, number: usize) -> Option<(UnitId, Location)> {
        let mut reader = Reader(self.table().get(number)?);
        let id = UnitId(reader.array()?);
        let frame = reader.u32()?;
        let (offset, len) = (reader.u32()?, reader.u32()?);
        let (pack, frame) = self.frame(frame as usize)?;
        Some((id, Location { pack, frame, offset, len }))
    }

    /// The numbers of the entries from `first` to `last`, both included.
    pub(crate) fn between(&self, first: &UnitId, last: &UnitId) -> std::ops::Range<usize> {
        let table = self.table();
        let start = lower_bound(table, first);
        let end = lower_bound(table, last);
        let same = |entry: &&[u8; ENTRY_LEN]| entry.starts_with(&last.0);
        start..end + table.iter().skip(end).take_while(same).count()
    }

    /// The name of entry `number`.
    pub(crate) fn name(&self, number: usize) -> Option<&[u8; 32]> {
        self.table().get(number)?.first_chunk()
    }

    /// The number in [`Self::packs`] of the pack that frame `number` lies in.
    pub(crate) fn pack_of(&self, number: usize) -> Option<usize> {
        let start = HEADER_LEN + self.packs.len() * PACK_LEN + number * FRAME_LEN;
        let mut reader = Reader(self.bytes.get(start..start + 4)?);
        Some(reader.u32()? as usize)
    }

    /// The number of the frame that entry `number` lies in.
    pub(crate) fn frame_of(&self, number: usize) -> Option<usize> {
        let mut reader = Reader(self.table().get(number)?.get(32..)?);
        Some(reader.u32()? as usize)
    }

    /// Everything it knows, pack by pack, as it was built from.
    pub(crate) fn unpack(&self) -> Vec<IndexedPack> {
        let mut packs: Vec<_> = self
            .packs
            .iter()
            .map(|record| IndexedPack {
                record: *record,
                footer: Footer { kind: record.kind, frames: Vec::new() },
            })
            .collect();
        let mut units: Vec<_> = (0..self.frames).map(|_| Vec::new()).collect();
        for number in 0..self.entries {
            let (Some((id, location)), Some(frame)) = (self.entry(number), self.frame_of(number))
            else {
                continue;
            };
            if let Some(units) = units.get_mut(frame) {
                units.push((location.offset, FrameUnit { id, len: location.len }));
            }
        }
        for (number, mut units) in units.into_iter().enumerate() {
            let start = HEADER_LEN + self.packs.len() * PACK_LEN + number * FRAME_LEN;
            let found = self.bytes.get(start..start + FRAME_LEN).and_then(read_frame);
            let Some((pack, place)) = found else { continue };
            units.sort_by_key(|(offset, _)| *offset);
            let frame = PackFrame {
                offset: place.offset,
                sealed_len: place.sealed_len,
                raw_len: place.raw_len,
                codec: place.codec(),
                units: units.into_iter().map(|(_, unit)| unit).collect(),
            };
            if let Some(pack) = packs.get_mut(pack as usize) {
                pack.footer.frames.push(frame);
            }
        }
        packs
    }

    /// How many frames it names.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Frame `number` and the pack it lies in.
    pub(crate) fn frame(&self, number: usize) -> Option<(PackId, FramePlace)> {
        let start = HEADER_LEN + self.packs.len() * PACK_LEN + number * FRAME_LEN;
        let (pack, place) = read_frame(self.bytes.get(start..start + FRAME_LEN)?)?;
        Some((self.packs.get(pack as usize)?.id, place))
    }
}

/// The first entry not below `id`. Names are uniformly random, so the first guess by proportion
/// lands close, and galloping from there touches few pages.
fn lower_bound(table: &[[u8; ENTRY_LEN]], id: &UnitId) -> usize {
    let below = |n: usize| table.get(n).is_some_and(|entry| entry.as_slice() < id.0.as_slice());
    let prefix = id.0.first_chunk::<8>().map_or(0, |head| u64::from_be_bytes(*head));
    let guess = usize::try_from((u128::from(prefix) * table.len() as u128) >> 64).unwrap_or(0);
    let mut step = 8;
    let (mut low, mut high);
    if below(guess) {
        low = guess + 1;
        while below(low + step) {
            low += step + 1;
            step *= 2;
        }
        high = (low + step).min(table.len());
    } else {
        high = guess;
        while high > step && !below(high - step) {
            high -= step;
            step *= 2;
        }
        low = high.saturating_sub(step);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn read_frame(bytes: &[u8]) -> Option<(u32, FramePlace)> {
    let mut reader = Reader(bytes);
    let pack = reader.u32()?;
    let place = FramePlace {
        part: reader.u32()?,
        offset: reader.u32()?,
        sealed_len: reader.u32()?,
        raw_len: reader.u32()?,
        is_zstd: match reader.u32()? {
            0 => false,
            1 => true,
            _ => return None,
        },
    };
    Some((pack, place))
}

fn check(bytes: &[u8]) -> Option<(Vec<PackRecord>, usize, usize)> {
    let mut reader = Reader(bytes);
    if reader.array::<8>()? != *MAGIC || reader.u32()? != 0 {
        return None;
    }
    let [pack_count, frames, entries] =
        [reader.u32()? as usize, reader.u32()? as usize, reader.u32()? as usize];
    let expected = pack_count * PACK_LEN + frames * FRAME_LEN + entries * ENTRY_LEN;
    if reader.0.len() != expected {
        return None;
    }
    let packs: Option<Vec<_>> = (0..pack_count).map(|_| read_pack(&mut reader)).collect();
    for _ in 0..frames {
        let (pack, _) = read_frame(reader.bytes(FRAME_LEN)?)?;
        (((pack as usize) < pack_count).then_some(()))?;
    }
    let (table, _) = reader.0.as_chunks::<ENTRY_LEN>();
    let mut last = [0; 32];
    for entry in table {
        let mut reader = Reader(entry);
        let id: [u8; 32] = reader.array()?;
        let frame = reader.u32()? as usize;
        if id < last || frame >= frames {
            return None;
        }
        last = id;
    }
    Some((packs?, frames, entries))
}

fn read_pack(reader: &mut Reader<'_>) -> Option<PackRecord> {
    let session = strongroom_base::ids::SessionId(reader.array()?);
    let number = reader.u32()?;
    let kind = PackKind::from_byte(u8::try_from(reader.u32()?).ok()?)?;
    let size = reader.u64()?;
    Some(PackRecord { id: PackId { session, number }, kind, size, salt: reader.array()? })
}

/// Feeds arbitrary bytes to the decoder and reads everything that decodes.
///
/// # Panics
/// When what decodes cannot be used: a finding.
#[cfg(feature = "testing")]
pub fn fuzz(bytes: &[u8]) {
    if let Ok(Some(segment)) = Segment::decode(bytes.to_vec()) {
        for number in 0..segment.len() {
            let (id, _) = segment.entry(number).expect("a checked segment can be read");
            assert!(segment.find(&id).contains(&number));
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::SessionId;
    use strongroom_base::rng::SeededRng;

    use super::*;
    use crate::pack::frame::Codec;

    fn pack(number: u32, ids: &[UnitId]) -> IndexedPack {
        let units: Vec<_> = ids.iter().map(|id| FrameUnit { id: *id, len: 10 }).collect();
        let raw_len = len_u32(units.len() * 10);
        let frame = PackFrame { offset: 48, sealed_len: 99, raw_len, codec: Codec::Zstd, units };
        let id = PackId { session: SessionId([7; 16]), number };
        IndexedPack {
            record: PackRecord { id, kind: PackKind::Data, size: 1000, salt: [1; 32] },
            footer: Footer { kind: PackKind::Data, frames: vec![frame] },
        }
    }

    #[test]
    fn find_sees_every_entry_and_no_other() {
        for count in [0, 1, 2, 10, 1000] {
            let rng = SeededRng::new(count);
            let random = || {
                let mut id = [0; 32];
                strongroom_base::Rng::fill(&rng, &mut id);
                UnitId(id)
            };
            let ids: Vec<_> = (0..count).map(|_| random()).collect();
            let twice: Vec<_> = ids.iter().take(3).copied().collect();
            let segment =
                Segment::decode(encode(&[pack(0, &ids), pack(1, &twice)])).unwrap().unwrap();
            for (n, id) in ids.iter().enumerate() {
                assert_eq!(segment.unpack(), [pack(0, &ids), pack(1, &twice)]);
                let range = segment.find(id);
                assert_eq!(range.len(), if n < 3 { 2 } else { 1 });
                let (found, location) = segment.entry(range.start).unwrap();
                assert_eq!(found, *id);
                assert_eq!(location.len, 10);
            }
            assert!(segment.find(&random()).is_empty());
            assert!(segment.find(&UnitId([0; 32])).is_empty());
            assert!(segment.find(&UnitId([255; 32])).is_empty());
        }
    }

    #[test]
    fn decode_of_cut_bytes_is_none() {
        let bytes = encode(&[pack(0, &[UnitId([1; 32])])]);
        for len in 0..bytes.len() {
            assert!(Segment::decode(bytes[..len].to_vec()).unwrap().is_none());
        }
    }
}
