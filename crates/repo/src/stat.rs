//! What a repository holds, in bytes: used, reclaimable, overhead; together all that is stored.
//!
//! # Invariants
//! - REPO-18: used + reclaimable + overhead = bytes listed in the store.

use std::collections::BTreeMap;

use crate::catalog::BackupEntry;
use crate::error::ReadError;
use crate::gc;
use crate::gc::choose::pack_uses;
use crate::gc::mark::{Marks, mark_one};
use crate::key::{self, PackId};
use crate::repository::Repository;
use crate::session::SessionKind;
use crate::session::reader::UnitReader;

/// The bytes of a repository by what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Backups that are not deleted.
    pub backups: u64,
    /// Deleted backups that are not collected yet.
    pub deleted: u64,
    /// Bytes of the disks of all backups, as restored.
    pub disk_bytes: u64,
    /// Sealed frames that hold something a backup needs, and the backups' manifests.
    pub used: u64,
    /// Everything else in packs: what a collection can free, once delays are over.
    pub reclaimable: u64,
    /// Headers and footers of packs, index segments, control objects, keys.
    pub overhead: u64,
    /// Bytes listed in the store.
    pub stored: u64,
    /// Objects listed in the store.
    pub objects: u64,
    /// Units and nodes in the index.
    pub units: u64,
}

impl Repository {
    /// Counts the repository's bytes.
    pub async fn stat(&self) -> Result<Stat, ReadError> {
        let _share = self.env.memory.share(gc::MEMORY).await;
        let catalog = self.catalog().await?;
        let backups: Vec<_> =
            catalog.backups.iter().filter(|entry| entry.deleted.is_none()).collect();
        let targets = backups.iter().map(|entry| entry.id).collect();
        let session = self.announce(SessionKind::Reader, targets).await?;
        let count = async {
            // What was deleted before the announcement may be collected meanwhile.
            let graves = self.load_graves().await?;
            let is_there = |entry: &&&BackupEntry| !graves.holds(entry.id);
            let backups: Vec<_> = backups.iter().filter(is_there).collect();
            let reader = UnitReader::new(self, self.load_view().await?);
            let mut marks = Marks::new(reader.view());
            for entry in &backups {
                mark_one(&reader, &mut marks, &entry.manifest).await?;
            }
            let ids: Vec<_> = backups.iter().map(|entry| entry.id).collect();
            let mut stat = self.sum(&marks, &ids).await?;
            stat.backups = ids.len() as u64;
            stat.disk_bytes = backups.iter().map(|entry| entry.manifest.size()).sum();
            Ok::<_, ReadError>(stat)
        };
        let result = self.while_alive(session, count).await;
        let ended = self.end(session).await;
        let mut stat = result?;
        ended?;
        stat.deleted = catalog.backups.len() as u64 - stat.backups;
        Ok(stat)
    }

    async fn sum(
        &self,
        marks: &Marks,
        backups: &[strongroom_base::ids::ManifestId],
    ) -> Result<Stat, ReadError> {
        let mut frames: BTreeMap<PackId, u64> = BTreeMap::new();
        for loaded in marks.view().segments() {
            for (pack, frame) in
                (0..loaded.segment.frames()).filter_map(|n| loaded.segment.frame(n))
            {
                *frames.entry(pack).or_default() += u64::from(frame.sealed_len);
            }
        }
        let uses = pack_uses(marks);
        let mut stat = Stat { units: marks.view().len() as u64, ..Stat::default() };
        for meta in self.env.store.list("").await? {
            stat.objects += 1;
            stat.stored += meta.size;
            let pack = key::name(&meta.key, key::PACKS).and_then(PackId::parse);
            let manifest = key::name(&meta.key, key::MANIFESTS).and_then(key::parse_session);
            if let Some(pack) = pack {
                let used = uses.get(&pack).map_or(0, |usage| usage.frames.min(meta.size));
                let sealed = frames.get(&pack).copied().unwrap_or(meta.size).min(meta.size);
                stat.used += used;
                stat.reclaimable += sealed.saturating_sub(used);
                stat.overhead += meta.size - sealed;
            } else if manifest.is_some_and(|id| backups.contains(&id)) {
                stat.used += meta.size;
            } else {
                stat.overhead += meta.size;
            }
        }
        Ok(stat)
    }
}
