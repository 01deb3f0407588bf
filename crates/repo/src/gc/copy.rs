//! Step (6): copies what is still needed out of condemned packs, then drops them from the index.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;

use super::mark::Marks;
use super::{CollectError, CollectReport, Collector};
use crate::condemned::CondemnedSet;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::{self, ENTRY_LEN, IndexedPack, Location, MAX_ENTRIES};
use crate::index::view::{IndexView, LoadedSegment};
use crate::key::{self, PackId};
use crate::object::ObjectKey;
use crate::pack::PackKind;
use crate::pack::frame::DEFAULT_LEVEL;
use crate::rules::Rule;
use crate::session::reader::UnitReader;
use crate::session::upload::{Known, Uploader};
use crate::stage::Stage;

/// Segments that a collector rewrites are numbered from here, those of its copies from 0.
const REWRITTEN: u32 = 0x8000_0000;

/// Frames read at the same time.
const FRAMES: usize = 4;

/// What a collector moves out of one frame.
struct Move {
    kind: PackKind,
    units: Vec<(Location, UnitId)>,
}

impl Collector {
    /// Copies every marked unit that lies in no pack outside all condemned sets, and reports how
    /// many bytes that wrote. When it has to stop, what was copied so far is in the index all the
    /// same: the next collection does not copy it again.
    pub(crate) async fn copy(
        &self,
        reader: &Arc<UnitReader>,
        marks: &Marks,
        condemned: &CondemnedSet,
        report: &mut CollectReport,
    ) -> Result<(), CollectError> {
        self.watch.check()?;
        let moves = || {
            let segments = marks.view().segments();
            segments.iter().flat_map(|loaded| self.moves(loaded, marks, condemned))
        };
        let total: u64 = moves().map(|it| it.len()).sum();
        if total == 0 {
            return Ok(());
        }
        self.watch.begin("copying", total);
        let known = Known { view: IndexView::default(), pending: HashSet::new() };
        let known = Arc::new(Mutex::new(known));
        let (packs, arrivals) = mpsc::channel(1);
        let progress = self.watch.progress().clone();
        let upload = Uploader::new(&self.repo, self.id(), Arc::clone(&known), progress);
        let mut stage = Stage::new(&self.repo, self.id(), known, packs, DEFAULT_LEVEL);
        let copy = async {
            let mut frames =
                stream::iter(moves()).map(|it| async { load(reader, it).await }).buffered(FRAMES);
            let mut stopped = Ok(());
            while let Some((kind, units)) = frames.try_next().await? {
                for (id, bytes) in units {
                    stage.copy(kind, id, &bytes).await?;
                    self.watch.add_done(bytes.len() as u64);
                }
                stopped = self.watch.check();
                if stopped.is_err() {
                    break;
                }
            }
            drop(frames);
            stage.finish().await?;
            Ok::<_, ReadError>(stopped)
        };
        let (stopped, written) = futures_util::try_join!(copy, upload.run(arrivals))?;
        report.moved_bytes += written;
        stopped
    }

    /// The units of one segment to copy, in the order in which they lie, frame by frame.
    fn moves(&self, loaded: &LoadedSegment, marks: &Marks, condemned: &CondemnedSet) -> Vec<Move> {
        // Not the reader's view: that one may be newer, and its entries be numbered otherwise.
        let view = marks.view();
        let is_safe = |location: &Location| {
            let is_damaged = self.repo.obeys(Rule::DamagedIsNoCopy) && view.damaged.holds(location);
            !condemned.holds(location.pack) && !is_damaged && view.is_present(location.pack)
        };
        let segment = &loaded.segment;
        let is_going: Vec<_> =
            segment.packs().iter().map(|pack| condemned.holds(pack.id)).collect();
        let lies_there = |n: &usize| {
            let pack = segment.frame_of(*n).and_then(|frame| segment.pack_of(frame));
            pack.and_then(|pack| is_going.get(pack)) == Some(&true)
        };
        let mut units: Vec<(Location, UnitId)> = Vec::new();
        if is_going.contains(&true) {
            let marked = (0..segment.len()).filter(|n| marks.has(loaded.base() + n));
            for (id, location) in marked.filter(lies_there).filter_map(|n| segment.entry(n)) {
                if !view.copies(&id).any(|copy| is_safe(&copy.location)) {
                    units.push((location, id));
                }
            }
        }
        units.sort_by_key(|(location, _)| (location.pack, location.frame.offset, location.offset));
        let frames = units.chunk_by(|(a, _), (b, _)| a.pack == b.pack && a.frame == b.frame);
        let kind = |pack| view.pack(pack).map_or(PackKind::Data, |pack| pack.kind);
        let frames = frames.filter_map(|units| {
            let (location, _) = units.first()?;
            Some(Move { kind: kind(location.pack), units: units.to_vec() })
        });
        frames.collect()
    }

    /// Replaces every segment that names a pack of `gone`, or one that is not there, by one that
    /// does not. A crash between writing and deleting leaves both, which is harmless.
    pub(crate) async fn rewrite_index(&self, gone: &BTreeSet<PackId>) -> Result<(), CollectError> {
        let view = self.view().await?;
        let is_gone = |pack: PackId| gone.contains(&pack) || !view.is_present(pack);
        let names_gone =
            |loaded: &&LoadedSegment| loaded.segment.packs().iter().any(|pack| is_gone(pack.id));
        let old: Vec<_> = view.segments().iter().filter(names_gone).collect();
        let len = |loaded: &LoadedSegment| loaded.segment.len() as u64;
        self.watch
            .begin("rewriting the index", old.iter().map(|it| len(it) * ENTRY_LEN as u64).sum());
        let mut kept: Vec<IndexedPack> = Vec::new();
        let mut entries = 0;
        let mut replaced: Vec<&ObjectKey> = Vec::new();
        for loaded in old {
            let stopped = self.watch.check();
            if stopped.is_err() || entries + loaded.segment.len() > MAX_ENTRIES {
                self.replace(&mut kept, &mut replaced).await?;
                entries = 0;
            }
            stopped?;
            let packs = loaded.segment.unpack();
            let rest = packs.into_iter().filter(|pack| !is_gone(pack.record.id));
            let before = kept.len();
            kept.extend(rest);
            let new = kept.get(before..).unwrap_or_default().iter();
            let new = new.flat_map(|pack| &pack.footer.frames);
            entries += new.map(|frame| frame.units.len()).sum::<usize>();
            replaced.push(&loaded.key);
            self.watch.add_done(len(loaded) * ENTRY_LEN as u64);
        }
        self.replace(&mut kept, &mut replaced).await
    }

    /// Publishes what is kept of some segments and then deletes these.
    async fn replace(
        &self,
        kept: &mut Vec<IndexedPack>,
        replaced: &mut Vec<&ObjectKey>,
    ) -> Result<(), CollectError> {
        if !kept.is_empty() {
            self.publish_segment(kept).await?;
            kept.clear();
        }
        for key in replaced.drain(..) {
            self.repo.env.store.delete(key).await.map_err(ReadError::from)?;
        }
        Ok(())
    }

    /// Publishes a segment at a key of its own: a collector may rewrite the index several times.
    async fn publish_segment(&self, packs: &[IndexedPack]) -> Result<(), ReadError> {
        let number = REWRITTEN + self.rewritten.fetch_add(1, Ordering::Relaxed);
        let at = key::numbered(key::INDEX, self.id(), number);
        let sealed = self.repo.seal(&at, &segment::encode(packs));
        Ok(self.repo.env.store.put(&at, sealed).await?)
    }
}

impl Move {
    /// Raw bytes.
    fn len(&self) -> u64 {
        self.units.iter().map(|(location, _)| u64::from(location.len)).sum()
    }
}

/// Reads what is to be moved out of a frame.
async fn load(
    reader: &UnitReader,
    it: Move,
) -> Result<(PackKind, Vec<(UnitId, Vec<u8>)>), ReadError> {
    let mut units = Vec::with_capacity(it.units.len());
    for (location, id) in it.units {
        let mut bytes = vec![0; location.len as usize];
        match it.kind {
            PackKind::Data => reader.unit(id, &mut bytes).await?,
            PackKind::Nodes => bytes = reader.node(id).await?.encode(),
        }
        units.push((id, bytes));
    }
    Ok((it.kind, units))
}
