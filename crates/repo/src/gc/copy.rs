//! Step (6): copies what is still needed out of condemned packs, then drops them from the index.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use strongroom_base::Progress;
use tokio::sync::mpsc;

use super::mark::Marks;
use super::{CollectError, Collector};
use crate::condemned::CondemnedSet;
use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::{self, IndexedPack, Location, MAX_ENTRIES};
use crate::index::view::{IndexView, LoadedSegment};
use crate::key::{self, PackId};
use crate::pack::PackKind;
use crate::rules::Rule;
use crate::session::reader::UnitReader;
use crate::session::upload::{Known, Uploader};
use crate::stage::Stage;

/// zstd level of copied frames: what writers use unless told otherwise.
const LEVEL: i32 = 3;
/// Segments that a collector rewrites are numbered from here, those of its copies from 0.
const REWRITTEN: u32 = 0x8000_0000;

impl Collector {
    /// Copies every marked unit that lies in no pack outside all condemned sets; the answer is
    /// how many bytes that wrote.
    pub(crate) async fn copy(
        &self,
        reader: &Arc<UnitReader>,
        marks: &Marks,
        condemned: &CondemnedSet,
    ) -> Result<u64, CollectError> {
        // Not the reader's view: that one may be newer, and its entries be numbered otherwise.
        let view = Arc::clone(marks.view());
        let moves = self.moves(&view, marks, condemned);
        if moves.is_empty() {
            return Ok(0);
        }
        let known = Known { view: IndexView::default(), pending: HashSet::new() };
        let known = Arc::new(Mutex::new(known));
        let (packs, arrivals) = mpsc::channel(1);
        let progress = Progress::new();
        let upload = Uploader::new(&self.repo, self.id(), Arc::clone(&known), progress);
        let mut stage = Stage::new(&self.repo, self.id(), known, packs, LEVEL);
        let copy = async {
            for (location, id) in moves {
                let kind = view.pack(location.pack).map_or(PackKind::Data, |pack| pack.kind);
                let mut bytes = vec![0; location.len as usize];
                match kind {
                    PackKind::Data => reader.unit(id, &mut bytes).await?,
                    PackKind::Nodes => bytes = reader.node(id).await?.encode(),
                }
                stage.copy(kind, id, &bytes).await?;
            }
            stage.finish().await
        };
        let (_, written) = futures_util::try_join!(copy, upload.run(arrivals))?;
        Ok(written)
    }

    /// The units to copy, in the order in which they lie.
    fn moves(
        &self,
        view: &IndexView,
        marks: &Marks,
        condemned: &CondemnedSet,
    ) -> Vec<(Location, UnitId)> {
        let is_safe = |location: &Location| {
            let is_damaged = self.repo.obeys(Rule::DamagedIsNoCopy) && view.damaged.holds(location);
            !condemned.holds(location.pack) && !is_damaged && view.is_present(location.pack)
        };
        let mut moves = Vec::new();
        let mut seen = BTreeSet::new();
        for loaded in view.segments() {
            for n in 0..loaded.segment.len() {
                let Some((id, entry)) = loaded.entry(n) else { continue };
                let is_needed = marks.has(entry.number)
                    && !is_safe(&entry.location)
                    && condemned.holds(entry.location.pack);
                let has_safe_copy = || view.copies(&id).any(|copy| is_safe(&copy.location));
                if is_needed && !has_safe_copy() && seen.insert(id) {
                    moves.push((entry.location, id));
                }
            }
        }
        moves.sort_by_key(|(location, _)| (location.pack, location.frame.offset, location.offset));
        moves
    }

    /// Replaces every segment that names a pack of `gone`, or one that is not there, by one that
    /// does not. A crash between writing and deleting leaves both, which is harmless.
    pub(crate) async fn rewrite_index(&self, gone: &BTreeSet<PackId>) -> Result<(), CollectError> {
        let view = self.view().await?;
        let is_gone = |pack: PackId| gone.contains(&pack) || !view.is_present(pack);
        let names_gone =
            |loaded: &&LoadedSegment| loaded.segment.packs().iter().any(|pack| is_gone(pack.id));
        let old: Vec<_> = view.segments().iter().filter(names_gone).collect();
        let mut kept: Vec<IndexedPack> = Vec::new();
        let mut entries = 0;
        for loaded in &old {
            for pack in loaded.segment.unpack() {
                if is_gone(pack.record.id) {
                    continue;
                }
                entries += pack.footer.frames.iter().map(|frame| frame.units.len()).sum::<usize>();
                kept.push(pack);
                if entries >= MAX_ENTRIES {
                    self.publish_segment(&kept).await?;
                    entries = 0;
                    kept.clear();
                }
            }
        }
        if !kept.is_empty() {
            self.publish_segment(&kept).await?;
        }
        for loaded in old {
            self.repo.env.store.delete(&loaded.key).await.map_err(ReadError::from)?;
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
