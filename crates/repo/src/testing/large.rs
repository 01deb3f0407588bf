//! A large repository without its data: for measuring what walks the whole of one.
//!
//! # Why
//! Nobody who collects, counts or merges reads the units themselves. So the maps, node packs and
//! index segments here are real, and each data pack is an object of a few bytes.
//!
//! # Invariants
//! - Three backups of one disk. The second and third differ from the first in every hundredth pack,
//!   of which nothing is left when the first is deleted, and in one unit of a hundred at random
//!   places, so that hardly any leaf is shared: the worst case for a collector.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use strongroom_base::Rng as _;
use strongroom_base::ids::{ManifestId, SessionId};
use strongroom_base::rng::SeededRng;

use crate::buffer::BufferPool;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::{self, IndexedPack, PackRecord};
use crate::key::{self, PackId};
use crate::manifest::map::{Geometry, MapBuilder, NewNode, UNIT_LEN};
use crate::manifest::{BackupCost, DiskRecord, Manifest, ManifestDoc};
use crate::pack::PackKind;
use crate::pack::builder::{PackBuilder, SealedPack};
use crate::pack::footer::{Footer, PackFrame};
use crate::pack::frame::{Codec, FrameUnit, RawFrame, compress};
use crate::repository::Repository;
use crate::session::SessionKind;
use crate::wire::len_u32;

/// Units of a frame and frames of a data pack, as a writer makes them of what halves.
const UNITS_PER_FRAME: usize = 16;
const FRAMES_PER_PACK: u32 = 32;
const SEALED_FRAME_LEN: u32 = 512 << 10;
const NODE_FRAME_LEN: usize = 128 << 10;
/// Units at which a segment is closed: what a writer sends in half a minute.
const SEGMENT_ENTRIES: usize = 200_000;
/// One unit of so many, and one pack, differ from the first backup's.
const CHANGED: u64 = 100;
/// Units of a pack.
const PACK: u64 = UNITS_PER_FRAME as u64 * FRAMES_PER_PACK as u64;

/// Writes three backups of a disk of `units` units straight into the directory of a repository at
/// `root`; the answer is their ids.
///
/// # Errors
/// When the directory cannot be written or the store fails.
pub async fn build(
    repo: &Repository,
    root: &Path,
    units: u64,
) -> Result<Vec<ManifestId>, ReadError> {
    for folder in [key::PACKS, key::INDEX] {
        fs::create_dir_all(root.join(folder)).map_err(ReadError::Local)?;
    }
    let mut made = Vec::new();
    for version in 0..3 {
        made.push(backup(repo, root, units, version).await?);
    }
    Ok(made)
}

async fn backup(
    repo: &Repository,
    root: &Path,
    units: u64,
    version: u64,
) -> Result<ManifestId, ReadError> {
    let session = repo.announce(SessionKind::Writer, Vec::new()).await?.id;
    let size = units * UNIT_LEN as u64;
    let mut builder = MapBuilder::new(&repo.keys, Geometry::of(size));
    let mut out = Output::new(repo, root, session);
    for n in 0..units {
        let (id, is_new) = unit(n, version);
        builder.push(Some(id));
        if is_new {
            out.unit(id).map_err(ReadError::Local)?;
        }
        for node in builder.take_done() {
            out.node(&node).map_err(ReadError::Local)?;
        }
    }
    let (disk_root, last) = builder.finish();
    for node in last {
        out.node(&node).map_err(ReadError::Local)?;
    }
    out.finish().map_err(ReadError::Local)?;
    let manifest = Manifest {
        created: repo.env.clock.now(),
        parents: Vec::new(),
        disks: vec![DiskRecord { name: "disk".to_owned(), size, root: disk_root }],
        server: None,
        description: String::new(),
        cost: BackupCost::default(),
    };
    let at = key::of_session(key::MANIFESTS, session);
    repo.create_control(&at, &ManifestDoc::Backup(manifest)).await?;
    Ok(session)
}

/// The name of unit `n` in a version of the disk, and whether no earlier version has it.
fn unit(n: u64, version: u64) -> (UnitId, bool) {
    let is_changed = || {
        (n / PACK).is_multiple_of(CHANGED) || SeededRng::new(n * 3 + version).below(CHANGED) == 0
    };
    let is_new = version == 0 || is_changed();
    let mut id = UnitId([0; 32]);
    SeededRng::new(!n).fill(&mut id.0);
    if is_new && version > 0 {
        SeededRng::new(!n ^ (version << 56)).fill(&mut id.0);
    }
    (id, is_new)
}

/// What one session writes.
struct Output<'r> {
    repo: &'r Repository,
    root: &'r Path,
    session: SessionId,
    next_pack: u32,
    pool: BufferPool,
    segments: u32,
    frame: Vec<FrameUnit>,
    frames: Vec<PackFrame>,
    node_bytes: Vec<u8>,
    node_units: Vec<FrameUnit>,
    nodes: Option<PackBuilder>,
    indexed: Vec<IndexedPack>,
    entries: usize,
}

impl<'r> Output<'r> {
    fn new(repo: &'r Repository, root: &'r Path, session: SessionId) -> Self {
        Self {
            repo,
            root,
            session,
            next_pack: 0,
            pool: BufferPool::default(),
            segments: 0,
            frame: Vec::new(),
            frames: Vec::new(),
            node_bytes: Vec::new(),
            node_units: Vec::new(),
            nodes: None,
            indexed: Vec::new(),
            entries: 0,
        }
    }

    fn unit(&mut self, id: UnitId) -> io::Result<()> {
        self.frame.push(FrameUnit { id, len: len_u32(UNIT_LEN) });
        if self.frame.len() == UNITS_PER_FRAME {
            self.close_frame();
        }
        if len_u32(self.frames.len()) == FRAMES_PER_PACK {
            self.close_pack()?;
        }
        Ok(())
    }

    fn close_frame(&mut self) {
        let units = std::mem::take(&mut self.frame);
        if units.is_empty() {
            return;
        }
        let number = len_u32(self.frames.len());
        self.frames.push(PackFrame {
            offset: 48 + number * SEALED_FRAME_LEN,
            sealed_len: SEALED_FRAME_LEN,
            raw_len: len_u32(units.len() * UNIT_LEN),
            codec: Codec::Zstd,
            units,
        });
    }

    fn close_pack(&mut self) -> io::Result<()> {
        let frames = std::mem::take(&mut self.frames);
        if frames.is_empty() {
            return Ok(());
        }
        let id = self.pack_id();
        self.write(&id.key(), b"no data")?;
        let size = u64::from(SEALED_FRAME_LEN) * frames.len() as u64;
        let record = PackRecord { id, kind: PackKind::Data, size, salt: [0; 32] };
        self.index(IndexedPack { record, footer: Footer { kind: PackKind::Data, frames } })
    }

    fn node(&mut self, node: &NewNode) -> io::Result<()> {
        self.node_bytes.extend_from_slice(&node.bytes);
        self.node_units.push(FrameUnit { id: node.id, len: len_u32(node.bytes.len()) });
        if self.node_bytes.len() >= NODE_FRAME_LEN {
            self.close_nodes()?;
        }
        Ok(())
    }

    fn close_nodes(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.node_bytes);
        let frame = RawFrame::gathered(bytes, std::mem::take(&mut self.node_units));
        let id = PackId { session: self.session, number: self.next_pack };
        let mut pack = self.nodes.take().unwrap_or_else(|| {
            self.next_pack += 1;
            PackBuilder::new(id, PackKind::Nodes, &self.repo.keys, &*self.repo.env.rng, &self.pool)
        });
        pack.push(compress(frame, 1));
        if pack.is_full() {
            return self.send(pack.finish());
        }
        self.nodes = Some(pack);
        Ok(())
    }

    fn send(&mut self, pack: SealedPack) -> io::Result<()> {
        self.write(&pack.id.key(), &pack.bytes)?;
        self.index(pack.into())
    }

    fn pack_id(&mut self) -> PackId {
        self.next_pack += 1;
        PackId { session: self.session, number: self.next_pack - 1 }
    }

    fn index(&mut self, pack: IndexedPack) -> io::Result<()> {
        self.entries += pack.footer.frames.iter().map(|frame| frame.units.len()).sum::<usize>();
        self.indexed.push(pack);
        if self.entries >= SEGMENT_ENTRIES { self.publish() } else { Ok(()) }
    }

    fn publish(&mut self) -> io::Result<()> {
        let packs = std::mem::take(&mut self.indexed);
        self.entries = 0;
        let at = key::numbered(key::INDEX, self.session, self.segments);
        self.segments += 1;
        let sealed = self.repo.seal(&at, &segment::encode(&packs));
        self.write(&at, &sealed)
    }

    fn finish(mut self) -> io::Result<()> {
        self.close_frame();
        self.close_pack()?;
        if !self.node_units.is_empty() {
            self.close_nodes()?;
        }
        if let Some(pack) = self.nodes.take() {
            self.send(pack.finish())?;
        }
        self.publish()
    }

    fn write(&self, at: &crate::object::ObjectKey, bytes: &[u8]) -> io::Result<()> {
        File::create(self.root.join(at.as_str()))?.write_all(bytes)
    }
}
