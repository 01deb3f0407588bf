//! New qcow2 images of which every byte's place is known before the first one is written.
//!
//! # Why
//! A download that breaks must go on where it broke, at any byte, without a file that holds what was
//! sent. So the whole layout follows from two things alone: the disk's size, and which of its
//! clusters hold data. The same two give the same bytes, today and after a restart.
//!
//! # Layout
//! Version 3, clusters of 64 KiB, no backing file. In this order, each on whole clusters: the
//! header, the table of reference counts, its blocks, the L1 table, the L2 tables of those parts of
//! the disk that hold data, and the data clusters in the order in which the disk has them. Clusters
//! without data have no place: they read as zeros (QEMU, docs/interop/qcow2.txt).
//!
//! # Invariants
//! - SRC-6: the bytes of an image follow from size and data clusters; where two ranges overlap they
//!   agree.
//! - Whoever changes the layout raises [`LAYOUT`].
//!
//! # Not here
//! The data: [`Plan::data`] says which bytes of the disk to put there.

mod cluster_set;

use strongroom_base::ByteRange;

pub use cluster_set::ClusterSet;

/// Bytes of a cluster.
pub const CLUSTER: u64 = 64 << 10;
/// The version of the layout, for whoever must know whether two images can be joined.
pub const LAYOUT: u32 = 1;
/// The largest disk: half of what QEMU's limit for an L1 table allows.
pub const LARGEST: u64 = 1 << 50;

/// Entries of a table of one cluster: of reference counts, L1 or L2.
const ENTRIES: u64 = CLUSTER / 8;
/// Reference counts in a block: two bytes each.
const COUNTS: u64 = CLUSTER / 2;
/// QEMU counts disks in sectors.
const SECTOR: u64 = 512;
/// The bit of an entry whose cluster has exactly one reference.
const COPIED: u64 = 1 << 63;
/// The length of a header of version 3 without additions.
const HEADER_LEN: u32 = 104;

/// The disk is larger than an image can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a disk of {size} bytes is too large for a qcow2 image")]
pub struct TooLarge {
    /// Its size in bytes.
    pub size: u64,
}

/// An image: where everything lies. Numbers of clusters count from the start of the file.
#[derive(Debug)]
pub struct Image {
    /// Of the disk, in bytes.
    size: u64,
    data: ClusterSet,
    /// The parts of the disk, of one L2 table each, that hold data.
    tables: Vec<u64>,
    count_table: Span,
    count_blocks: Span,
    l1: Span,
    l2: Span,
    clusters: Span,
}

/// Neighbouring clusters of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u64,
    len: u64,
}

impl Span {
    fn after(before: Self, len: u64) -> Self {
        Self { first: before.first + before.len, len }
    }

    /// The number of a cluster of the file within it.
    fn position(self, cluster: u64) -> Option<u64> {
        cluster.checked_sub(self.first).filter(|position| *position < self.len)
    }

    fn offset(self, position: u64) -> u64 {
        (self.first + position) * CLUSTER
    }
}

/// What a range of the file is made of, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Bytes of the file that [`Image::metadata`] gives.
    pub metadata: ByteRange,
    /// Bytes of the disk, of which those in data clusters follow one another in the file.
    pub data: ByteRange,
    /// Zeros after the end of a disk whose last cluster is not whole.
    pub padding: u64,
}

impl Image {
    /// The image of a disk of `size` bytes of which `data` holds data.
    pub fn new(size: u64, data: ClusterSet) -> Result<Self, TooLarge> {
        if size > LARGEST {
            return Err(TooLarge { size });
        }
        let parts = size.div_ceil(CLUSTER).div_ceil(ENTRIES);
        let tables: Vec<u64> = (0..parts).filter(|part| data.count_in(*part) > 0).collect();
        let l1_len = parts.div_ceil(ENTRIES).max(1);
        let others = 1 + l1_len + tables.len() as u64 + data.count();
        let (table_len, blocks_len) = counts_for(others);
        let header = Span { first: 0, len: 1 };
        let count_table = Span::after(header, table_len);
        let count_blocks = Span::after(count_table, blocks_len);
        let l1 = Span::after(count_blocks, l1_len);
        let l2 = Span::after(l1, tables.len() as u64);
        let clusters = Span::after(l2, data.count());
        Ok(Self { size, data, tables, count_table, count_blocks, l1, l2, clusters })
    }

    /// How long the file is, in bytes.
    pub fn file_len(&self) -> u64 {
        Span::after(self.clusters, 0).first * CLUSTER
    }

    /// What the bytes `range` of the file are.
    pub fn plan(&self, range: ByteRange) -> Plan {
        let end = range.end.min(self.file_len());
        let start = range.start.min(end);
        let first_data = self.clusters.first * CLUSTER;
        let metadata = ByteRange { start: start.min(first_data), end: end.min(first_data) };
        let nothing = ByteRange { start: 0, end: 0 };
        if end <= first_data || start == end {
            return Plan { metadata, data: nothing, padding: 0 };
        }
        let from = self.on_disk(start.max(first_data));
        let to = self.on_disk(end - 1) + 1;
        let data_end = to.min(self.size);
        let padding = to - data_end.max(from);
        let data = ByteRange { start: from.min(data_end), end: data_end };
        Plan { metadata, data, padding }
    }

    /// The bytes `range` of the file, which lie before the data, in pieces of up to a cluster.
    pub fn metadata(&self, range: ByteRange) -> impl Iterator<Item = Vec<u8>> {
        let clusters = range.start / CLUSTER..range.end.div_ceil(CLUSTER);
        clusters.filter_map(move |number| {
            let whole = ByteRange::at(number * CLUSTER, CLUSTER);
            let wanted = whole.intersect(range)?;
            let mut bytes = self.cluster(number);
            bytes.truncate(usize::try_from(wanted.end - whole.start).ok()?);
            bytes.drain(..usize::try_from(wanted.start - whole.start).ok()?);
            Some(bytes)
        })
    }

    /// Where on the disk the byte `offset` of the file lies, which is in a data cluster.
    fn on_disk(&self, offset: u64) -> u64 {
        let position = offset / CLUSTER - self.clusters.first;
        self.data.nth(position).unwrap_or(0) * CLUSTER + offset % CLUSTER
    }

    /// A cluster of the file before the data.
    fn cluster(&self, number: u64) -> Vec<u8> {
        if number == 0 {
            return self.header();
        }
        if let Some(at) = self.count_table.position(number) {
            return table(|n| {
                let block = at * ENTRIES + n;
                if block < self.count_blocks.len { self.count_blocks.offset(block) } else { 0 }
            });
        }
        if let Some(at) = self.count_blocks.position(number) {
            return self.counts(at * COUNTS);
        }
        if let Some(at) = self.l1.position(number) {
            return table(|n| match self.tables.binary_search(&(at * ENTRIES + n)) {
                Ok(found) => self.l2.offset(found as u64) | COPIED,
                Err(_) => 0,
            });
        }
        let part = self.l2.position(number).and_then(|at| usize::try_from(at).ok());
        let part = part.and_then(|at| self.tables.get(at).copied());
        part.map_or_else(|| table(|_| 0), |part| self.l2_table(part))
    }

    fn header(&self) -> Vec<u8> {
        // In sectors, as QEMU rounds a raw disk up, and it rounds an image down.
        let size = self.size.next_multiple_of(SECTOR);
        let parts = self.size.div_ceil(CLUSTER).div_ceil(ENTRIES);
        let mut bytes = Vec::with_capacity(CLUSTER_LEN);
        bytes.extend_from_slice(b"QFI\xfb");
        bytes.extend_from_slice(&3_u32.to_be_bytes());
        // No backing file: its place and length.
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(&CLUSTER.ilog2().to_be_bytes());
        bytes.extend_from_slice(&size.to_be_bytes());
        // Not encrypted.
        bytes.extend_from_slice(&0_u32.to_be_bytes());
        bytes.extend_from_slice(&to_u32(parts).to_be_bytes());
        bytes.extend_from_slice(&self.l1.offset(0).to_be_bytes());
        bytes.extend_from_slice(&self.count_table.offset(0).to_be_bytes());
        bytes.extend_from_slice(&to_u32(self.count_table.len).to_be_bytes());
        // No snapshots: their number and place. No features: three sets.
        bytes.extend_from_slice(&[0; 4 + 8 + 3 * 8]);
        // Reference counts of 2 to the power of 4 bits.
        bytes.extend_from_slice(&4_u32.to_be_bytes());
        bytes.extend_from_slice(&HEADER_LEN.to_be_bytes());
        // The additions end at once: zeros.
        bytes.resize(CLUSTER_LEN, 0);
        bytes
    }

    /// The reference counts from cluster `first` on: one for each that the file has.
    fn counts(&self, first: u64) -> Vec<u8> {
        let all = self.file_len() / CLUSTER;
        let used = usize::try_from(all.saturating_sub(first).min(COUNTS)).unwrap_or(0);
        let mut bytes = 1_u16.to_be_bytes().repeat(used);
        bytes.resize(CLUSTER_LEN, 0);
        bytes
    }

    fn l2_table(&self, part: u64) -> Vec<u8> {
        let mut position = self.data.count_before(part);
        table(|n| {
            if !self.data.has(part * ENTRIES + n) {
                return 0;
            }
            position += 1;
            self.clusters.offset(position - 1) | COPIED
        })
    }
}

const CLUSTER_LEN: usize = 64 << 10;

/// A cluster of numbers.
fn table(entry: impl FnMut(u64) -> u64) -> Vec<u8> {
    (0..ENTRIES).map(entry).flat_map(u64::to_be_bytes).collect()
}

/// How many clusters the reference counts of `others` clusters and of themselves need: those of
/// their table, and those of the blocks.
fn counts_for(others: u64) -> (u64, u64) {
    let (mut table, mut blocks) = (1, 1);
    loop {
        let wanted = (others + table + blocks).div_ceil(COUNTS);
        let wanted_table = wanted.div_ceil(ENTRIES);
        if (wanted_table, wanted) == (table, blocks) {
            return (table, blocks);
        }
        // Both only grow, so this ends.
        (table, blocks) = (wanted_table.max(table), wanted.max(blocks));
    }
}

fn to_u32(number: u64) -> u32 {
    u32::try_from(number).expect("the largest disk was checked, and its numbers are small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_cover_themselves() {
        for others in (0..200_000).step_by(997).chain([32_766, 32_767, 268_435_456, 1 << 34]) {
            let (table, blocks) = counts_for(others);
            assert!(blocks * COUNTS >= others + table + blocks, "{others}");
            assert!(table * ENTRIES >= blocks, "{others}");
            assert!((blocks - 1) * COUNTS <= others + table + blocks, "{others}");
        }
    }

    #[test]
    fn disk_that_is_too_large_is_refused() {
        let size = LARGEST + 1;
        assert_eq!(Image::new(size, ClusterSet::default()).unwrap_err(), TooLarge { size });
    }

    #[test]
    fn plan_of_a_range_lies_in_order_and_covers_it() {
        let mut data = ClusterSet::default();
        for cluster in [0, 1, 5, 9000, 9001] {
            data.insert(ByteRange::at(cluster * CLUSTER, CLUSTER));
        }
        let size = 9001 * CLUSTER + 700;
        let image = Image::new(size, data).unwrap();
        // Header, table, block, L1, two L2 tables, five clusters.
        assert_eq!(image.file_len(), 11 * CLUSTER);
        let plan = image.plan(ByteRange { start: 6 * CLUSTER + 5, end: image.file_len() });
        assert!(plan.metadata.is_empty());
        assert_eq!((plan.data, plan.padding), (ByteRange { start: 5, end: size }, CLUSTER - 700));
        let plan = image.plan(ByteRange { start: 10 * CLUSTER + 800, end: 10 * CLUSTER + 900 });
        assert_eq!((plan.data.is_empty(), plan.padding), (true, 100));
        let plan = image.plan(ByteRange { start: 7 * CLUSTER + 1, end: 8 * CLUSTER + 1 });
        let (start, end) = (CLUSTER + 1, 5 * CLUSTER + 1);
        assert_eq!((plan.data, plan.padding), (ByteRange { start, end }, 0));
        let plan = image.plan(ByteRange { start: 3, end: 6 * CLUSTER });
        assert_eq!(plan.metadata, ByteRange { start: 3, end: 6 * CLUSTER });
        assert!(plan.data.is_empty());
        let nothing = image.plan(ByteRange { start: 11 * CLUSTER, end: 12 * CLUSTER });
        assert!(nothing.metadata.is_empty() && nothing.data.is_empty() && nothing.padding == 0);
    }
}
