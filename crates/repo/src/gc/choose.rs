//! Step (3): which packs to condemn.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_base::ids::ManifestId;

use super::Collector;
use super::census::{Census, listed_sessions};
use super::mark::Marks;
use crate::error::ReadError;
use crate::key::{self, PackId};
use crate::rules::Rule;

/// What will be condemned.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) packs: BTreeSet<PackId>,
    pub(crate) manifests: BTreeSet<ManifestId>,
    /// Bytes of the packs that must be copied.
    pub(crate) live_bytes: u64,
}

/// How much of a pack is in use.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PackUse {
    /// Sealed bytes of all frames: what could be freed if nothing were in use.
    pub(crate) payload: u64,
    /// Sealed bytes of frames with at least one unit in use.
    pub(crate) frames: u64,
    /// The share of these bytes that is in use, by raw length.
    pub(crate) live: u64,
}

impl Collector {
    pub(crate) async fn choose(
        &self,
        census: &Census,
        marks: &Marks,
        dead: &BTreeSet<ManifestId>,
    ) -> Result<Choice, ReadError> {
        // Sessions that announced themselves after the census wrote packs that it may have
        // listed: they are as open as the others.
        let later = listed_sessions(&self.repo.list_fresh(key::SESSIONS).await?);
        let is_open = |pack: PackId| {
            let id = pack.session;
            let is_new = later.contains_key(&id) && !census.sessions.contains_key(&id);
            self.repo.obeys(Rule::SparesOpenSessions) && (census.open.contains_key(&id) || is_new)
        };
        let mut choice = Choice { manifests: dead.clone(), ..Choice::default() };
        let condemned: BTreeSet<_> = census.condemned.iter().flat_map(|set| &set.packs).collect();
        let uses = pack_uses(marks);
        for (pack, usage) in &uses {
            // Copying must never move more than it frees. Header and footer do not count: every
            // copy has them, and small packs would be copied for ever.
            let is_worth = usage.live == 0 || usage.live * 2 <= usage.payload;
            if is_worth && !condemned.contains(pack) && !is_open(*pack) {
                choice.packs.insert(*pack);
                choice.live_bytes += usage.live;
            }
        }
        for pack in census.packs.keys() {
            let is_unknown = !uses.contains_key(pack) && !condemned.contains(pack);
            let spared = self.repo.obeys(Rule::UnindexedBelongsToSession) && is_open(*pack);
            if is_unknown && !spared {
                choice.packs.insert(*pack);
            }
        }
        Ok(choice)
    }
}

/// How much of each indexed pack is in use.
pub(crate) fn pack_uses(marks: &Marks) -> BTreeMap<PackId, PackUse> {
    let mut uses: BTreeMap<PackId, PackUse> = BTreeMap::new();
    for loaded in marks.view().segments() {
        let segment = &loaded.segment;
        // A collector that died may have left a pack in two segments: it is one pack.
        let is_new: Vec<_> =
            segment.packs().iter().map(|pack| !uses.contains_key(&pack.id)).collect();
        for pack in segment.packs() {
            uses.entry(pack.id).or_default();
        }
        let mut live = vec![0_u64; segment.frames()];
        for n in (0..segment.len()).filter(|n| marks.has(loaded.base() + n)) {
            let entry = segment.entry(n).zip(segment.frame_of(n));
            if let Some(((_, location), frame)) = entry
                && let Some(bytes) = live.get_mut(frame)
            {
                *bytes += u64::from(location.len);
            }
        }
        for (number, raw) in live.into_iter().enumerate() {
            let Some((pack, frame)) = segment.frame(number) else { continue };
            let usage = uses.entry(pack).or_default();
            let sealed = u64::from(frame.sealed_len);
            let is_new = segment.pack_of(number).and_then(|pack| is_new.get(pack));
            if is_new == Some(&true) {
                usage.payload += sealed;
            }
            if raw == 0 {
                continue;
            }
            usage.frames += sealed;
            usage.live += sealed * raw / u64::from(frame.raw_len).max(1);
        }
    }
    uses
}
