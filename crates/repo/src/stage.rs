//! The middle stage of a backup: decides in order what is new, frames it, builds the map.

use std::sync::Arc;

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::SessionId;
use tokio::sync::mpsc;

use crate::buffer::{Buffer, BufferPool};
use crate::compute;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::key::PackId;
use crate::manifest::DiskRecord;
use crate::manifest::cursor::MapCursor;
use crate::manifest::map::{Geometry, MapBuilder, NewNode, UNIT_LEN};
use crate::manifest::node::FAN_OUT;
use crate::object::ObjectError;
use crate::pack::PackKind;
use crate::pack::builder::{PACK_MEMORY, PackBuilder, SealedPack};
use crate::pack::frame::{FRAME_LEN, FrameUnit, PackedFrame, RawFrame, compress};
use crate::repository::Repository;
use crate::session::reader::UnitReader;
use crate::session::scan::{CHUNK_LEN, Chunk, Piece};
use crate::session::upload::SharedKnown;
use crate::wire::len_u32;

/// Nodes are read one by one and hardly compress: small frames keep reading one cheap.
const NODE_FRAME_LEN: usize = 128 << 10;
const UNITS_PER_FRAME: usize = FRAME_LEN / UNIT_LEN;

/// Most memory that the middle stage holds when frames are compressed by `width` threads: frames
/// that wait, each of which may keep a whole chunk of the scan, and what they compress to; the open
/// pack of each kind and the one that is queued; units and nodes that do not fill a frame yet.
pub(crate) const fn memory(width: usize) -> usize {
    let frames = 2 * width + 1;
    frames * (CHUNK_LEN + FRAME_LEN) + 3 * PACK_MEMORY + 2 * FRAME_LEN
}

/// The state of the middle stage over all disks of a backup.
pub(crate) struct Stage {
    repo: Repository,
    session: SessionId,
    known: SharedKnown,
    packs: mpsc::Sender<SealedPack>,
    level: i32,
    next_pack: u32,
    /// The memory of packs: one that was sent lends its own to the next.
    pool: BufferPool,
    frames: FuturesOrdered<BoxFuture<'static, PackedFrame>>,
    data: Option<PackBuilder>,
    nodes: Option<PackBuilder>,
    /// New units that do not fill a frame yet, gathered from several places.
    gathered: Gathered,
    gathered_nodes: Gathered,
    disk: Option<Disk>,
    read: u64,
    fresh: u64,
}

/// The disk that is being written.
struct Disk {
    geometry: Geometry,
    builder: MapBuilder,
    parent: Option<MapCursor>,
    /// The number of the next unit.
    next: u64,
    /// The parent's leaf that covers the next unit, once it was read.
    leaf: Option<(u64, Option<Arc<crate::manifest::node::Node>>)>,
}

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    units: Vec<FrameUnit>,
}

impl Gathered {
    fn push(&mut self, id: UnitId, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.units.push(FrameUnit { id, len: len_u32(bytes.len()) });
    }

    fn take(&mut self) -> Option<RawFrame> {
        if self.units.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        Some(RawFrame::gathered(bytes, std::mem::take(&mut self.units)))
    }
}

impl Stage {
    pub(crate) fn new(
        repo: &Repository,
        session: SessionId,
        known: SharedKnown,
        packs: mpsc::Sender<SealedPack>,
        level: i32,
    ) -> Self {
        Self {
            repo: repo.clone(),
            session,
            known,
            packs,
            level,
            next_pack: 0,
            pool: BufferPool::default(),
            frames: FuturesOrdered::new(),
            data: None,
            nodes: None,
            gathered: Gathered::default(),
            gathered_nodes: Gathered::default(),
            disk: None,
            read: 0,
            fresh: 0,
        }
    }

    /// Starts a disk, to be compared with the parent's disk.
    pub(crate) fn begin_disk(&mut self, size: u64, parent: Option<(Arc<UnitReader>, &DiskRecord)>) {
        let geometry = Geometry::of(size);
        self.disk = Some(Disk {
            geometry,
            builder: MapBuilder::new(&self.repo.keys, geometry),
            parent: parent.map(|(reader, disk)| MapCursor::new(reader, disk)),
            next: 0,
            leaf: None,
        });
    }

    /// Takes the next piece of the disk.
    pub(crate) async fn push(&mut self, piece: Piece) -> Result<(), ReadError> {
        match piece {
            Piece::Zeros(count) => {
                if let Some(disk) = &mut self.disk {
                    (0..count).for_each(|_| disk.builder.push(None));
                    disk.next += count;
                }
            }
            Piece::Chunk(chunk) => self.push_chunk(chunk).await?,
        }
        let done = self.disk.as_mut().map(|disk| disk.builder.take_done()).unwrap_or_default();
        self.push_nodes(done).await
    }

    async fn push_chunk(&mut self, chunk: Chunk) -> Result<(), ReadError> {
        self.read += chunk.read;
        let mut new = Vec::new();
        for (n, unit) in chunk.units.iter().enumerate() {
            let parent = self.parent_unit().await?;
            let Some(disk) = &mut self.disk else { return Ok(()) };
            disk.builder.push(*unit);
            let len = disk.geometry.unit_len(disk.next);
            disk.next += 1;
            if let Some(id) = *unit
                && self.is_new(id, parent == Some(id))
            {
                self.fresh += len as u64;
                new.push((n, FrameUnit { id, len: len_u32(len) }));
            }
        }
        self.push_new(&chunk.bytes, &new).await
    }

    /// The parent's unit at the place of the next one.
    async fn parent_unit(&mut self) -> Result<Option<UnitId>, ReadError> {
        let Some(disk) = &mut self.disk else { return Ok(None) };
        let Some(parent) = &mut disk.parent else { return Ok(None) };
        let leaf = disk.next / FAN_OUT as u64;
        if disk.leaf.as_ref().is_none_or(|(n, _)| *n != leaf) {
            let node = match parent.leaf(leaf).await {
                Ok(node) => node.map(|(_, node)| node),
                // A parent that cannot be read costs time, not safety: everything is looked up.
                Err(ReadError::Damaged { .. } | ReadError::Missing { .. }) => None,
                Err(error) => return Err(error),
            };
            disk.leaf = Some((leaf, node));
        }
        let slot = usize::try_from(disk.next % FAN_OUT as u64).unwrap_or(FAN_OUT);
        Ok(disk.leaf.as_ref().and_then(|(_, node)| node.as_ref()?.child(slot)))
    }

    /// Whether a unit or node must be stored. What the parent has at the same place is protected
    /// by our announcement, condemned or not, unless it is damaged.
    fn is_new(&self, id: UnitId, in_parent: bool) -> bool {
        let mut known = self.known.lock().expect("no holder of this lock panics");
        if in_parent && (known.view.damaged.is_empty() || known.view.readable(&id).is_some()) {
            return false;
        }
        if known.view.lasting(&id).is_some() {
            return false;
        }
        known.pending.insert(id)
    }

    /// Frames the new units of a chunk: whole frames where they lie together, the rest gathered.
    async fn push_new(
        &mut self,
        bytes: &Arc<Buffer>,
        new: &[(usize, FrameUnit)],
    ) -> Result<(), ReadError> {
        let mut rest = new;
        while let Some((first, unit)) = rest.first() {
            let run = rest.iter().enumerate().take_while(|(i, (n, _))| *n == first + i).count();
            let start = first * UNIT_LEN;
            if run >= UNITS_PER_FRAME {
                let (together, tail) = rest.split_at(UNITS_PER_FRAME);
                rest = tail;
                let units: Vec<_> = together.iter().map(|(_, unit)| *unit).collect();
                let len: usize = units.iter().map(|unit| unit.len as usize).sum();
                let range = start..start + len;
                self.push_frame(RawFrame { bytes: Arc::clone(bytes), range, units }).await?;
            } else {
                let (_, tail) = rest.split_at(1);
                rest = tail;
                let unit_bytes = bytes.get(start..start + unit.len as usize).unwrap_or_default();
                self.gathered.push(unit.id, unit_bytes);
                if self.gathered.bytes.len() >= FRAME_LEN
                    && let Some(frame) = self.gathered.take()
                {
                    self.push_frame(frame).await?;
                }
            }
        }
        Ok(())
    }

    /// Queues a frame of data for compression; takes finished ones when enough are queued.
    async fn push_frame(&mut self, frame: RawFrame) -> Result<(), ReadError> {
        let level = self.level;
        let job = compute::run(&*self.repo.env.compute, move || compress(frame, level));
        self.frames.push_back(Box::pin(job));
        while self.frames.len() > 2 * self.repo.env.compute.width() {
            self.pack_next().await?;
        }
        Ok(())
    }

    async fn pack_next(&mut self) -> Result<(), ReadError> {
        let Some(frame) = self.frames.next().await else { return Ok(()) };
        self.pack(PackKind::Data, frame).await
    }

    /// Seals a frame into the open pack of its kind.
    async fn pack(&mut self, kind: PackKind, frame: PackedFrame) -> Result<(), ReadError> {
        let mut pack = match kind {
            PackKind::Data => self.data.take(),
            PackKind::Nodes => self.nodes.take(),
        }
        .unwrap_or_else(|| self.new_pack(kind));
        pack.push(frame);
        if pack.is_full() {
            return self.send(pack).await;
        }
        match kind {
            PackKind::Data => self.data = Some(pack),
            PackKind::Nodes => self.nodes = Some(pack),
        }
        Ok(())
    }

    fn new_pack(&mut self, kind: PackKind) -> PackBuilder {
        let id = PackId { session: self.session, number: self.next_pack };
        self.next_pack += 1;
        PackBuilder::new(id, kind, &self.repo.keys, &*self.repo.env.rng, &self.pool)
    }

    async fn send(&mut self, pack: PackBuilder) -> Result<(), ReadError> {
        // The receiver goes away only with an error of its own, which the caller sees first.
        self.packs.send(pack.finish()).await.map_err(|_| {
            ReadError::Store(ObjectError::Unavailable {
                at: "pack/".to_owned(),
                source: "the upload has stopped".into(),
            })
        })
    }

    /// Stores a unit or node that a collector moves.
    pub(crate) async fn copy(
        &mut self,
        kind: PackKind,
        id: UnitId,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        match kind {
            PackKind::Data => {
                self.gathered.push(id, bytes);
                if self.gathered.bytes.len() >= FRAME_LEN
                    && let Some(frame) = self.gathered.take()
                {
                    self.push_frame(frame).await?;
                }
            }
            PackKind::Nodes => {
                self.gathered_nodes.push(id, bytes);
                if self.gathered_nodes.bytes.len() >= NODE_FRAME_LEN {
                    self.flush_nodes().await?;
                }
            }
        }
        Ok(())
    }

    async fn push_nodes(&mut self, nodes: Vec<NewNode>) -> Result<(), ReadError> {
        for node in nodes {
            if self.is_new(node.id, false) {
                self.gathered_nodes.push(node.id, &node.bytes);
            }
            if self.gathered_nodes.bytes.len() >= NODE_FRAME_LEN {
                self.flush_nodes().await?;
            }
        }
        Ok(())
    }

    async fn flush_nodes(&mut self) -> Result<(), ReadError> {
        let Some(frame) = self.gathered_nodes.take() else { return Ok(()) };
        let packed = compress(frame, self.level);
        self.pack(PackKind::Nodes, packed).await
    }

    /// Ends the disk; the answer is the root of its map.
    pub(crate) async fn end_disk(&mut self) -> Result<Option<UnitId>, ReadError> {
        let Some(disk) = self.disk.take() else { return Ok(None) };
        let (root, nodes) = disk.builder.finish();
        self.push_nodes(nodes).await?;
        Ok(root)
    }

    /// Sends everything that is left; the answers are bytes read and bytes of new units.
    pub(crate) async fn finish(mut self) -> Result<(u64, u64), ReadError> {
        if let Some(frame) = self.gathered.take() {
            self.push_frame(frame).await?;
        }
        while !self.frames.is_empty() {
            self.pack_next().await?;
        }
        self.flush_nodes().await?;
        for pack in [self.data.take(), self.nodes.take()].into_iter().flatten() {
            if !pack.is_empty() {
                self.send(pack).await?;
            }
        }
        Ok((self.read, self.fresh))
    }
}
