//! Step (7) and what is left to tidy: deletes what is condemned, and control objects that nobody
//! needs any more.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use super::census::Census;
use super::{CollectError, CollectReport, Collector, Finish};
use crate::buried::{BuriedDoc, BuriedSet};
use crate::condemned::{Condemned, DoneDoc};
use crate::error::ReadError;
use crate::key;
use crate::object::ObjectKey;
use crate::rules::Rule;

/// Deletes under way at the same time.
const DELETES: usize = 8;

impl Collector {
    /// Step (7): deletes packs and manifests, and says so.
    pub(super) async fn delete(
        &self,
        census: &Census,
        finish: &Finish,
        spared: &BTreeSet<ManifestId>,
        report: &mut CollectReport,
    ) -> Result<(), CollectError> {
        self.delete_packs(census, finish, report).await?;
        for id in finish.manifests.iter().filter(|id| !spared.contains(id)) {
            if !census.graves.is_buried(*id) {
                // The grave as the census saw it: one that was made since has a delay of its own.
                let Some((grave, _)) = census.graves.open_grave(*id) else { continue };
                if !self.repo.seal_grave(*id, grave, self.id()).await? {
                    continue;
                }
            }
            self.remove(&key::of_session(key::MANIFESTS, *id)).await?;
            report.manifests.push(*id);
        }
        for set in &finish.sets {
            if let Some(at) = ObjectKey::parse(&format!("{}{set}", key::DONE)) {
                self.repo.create_control(&at, &DoneDoc { by: self.id() }).await?;
            }
        }
        Ok(())
    }

    async fn delete_packs(
        &self,
        census: &Census,
        finish: &Finish,
        report: &mut CollectReport,
    ) -> Result<(), CollectError> {
        self.watch.begin("deleting", finish.bytes(census));
        let mut deletes = stream::iter(&finish.packs)
            .map(|pack| async move { self.remove(&pack.key()).await.map(|()| pack) })
            .buffered(DELETES);
        while let Some(pack) = deletes.try_next().await? {
            // What the listing did not show somebody else has removed.
            if let Some(size) = census.packs.get(pack) {
                report.removed(*size);
                self.watch.add_done(*size);
            }
            self.watch.check()?;
        }
        Ok(())
    }

    async fn remove(&self, at: &ObjectKey) -> Result<(), ReadError> {
        Ok(self.repo.env.store.delete(at).await?)
    }

    /// Removes condemned sets that have done their work, undeletes that nobody finishes, and
    /// the traces of sessions that ended long ago.
    pub(super) async fn sweep(&self, census: &Census) -> Result<(), CollectError> {
        self.sweep_sets(census).await?;
        for ((manifest, grave), since) in &census.graves.intents {
            let is_held = census.holds.latest(*manifest).is_some();
            if census.graves.is_buried(*manifest) {
                continue;
            }
            if self.is_old(census, *since) && !is_held {
                self.repo.seal_grave(*manifest, *grave, self.id()).await?;
                self.remove(&key::numbered(key::INTENTS, *manifest, *grave)).await?;
            }
        }
        self.sweep_graves(census).await?;
        self.sweep_sessions(census).await?;
        if !self.repo.obeys(Rule::KeyStaysTaken) {
            for id in &census.tombstones {
                self.remove(&key::of_session(key::MANIFESTS, *id)).await?;
            }
        }
        Ok(())
    }

    fn is_old(&self, census: &Census, since: Timestamp) -> bool {
        census.now.since(since) >= self.options.latest_arrival
    }

    async fn sweep_sets(&self, census: &Census) -> Result<(), CollectError> {
        let mut named = None;
        for set in &census.condemned {
            let Some(name) = key::name(&set.key, key::CONDEMNED) else { continue };
            let Some(done) = census.done.get(name) else { continue };
            if self.repo.obeys(Rule::CondemnedStays) && !self.is_settled(census, *done) {
                continue;
            }
            if named.is_none() {
                let view = self.view().await?;
                named = Some(view.packs().map(|pack| pack.id).collect::<BTreeSet<_>>());
            }
            // A segment that was merged or listed late may still name its packs: next time.
            let is_named = named.iter().flatten().any(|pack| set.packs.contains(pack));
            if is_named && self.repo.obeys(Rule::WithdrawSegment) {
                self.rewrite_index(&set.packs.iter().copied().collect()).await?;
                continue;
            }
            self.remove_set(set, name).await?;
        }
        // Of sets that went before a collector died.
        let sets = census.condemned.iter().filter_map(|set| key::name(&set.key, key::CONDEMNED));
        let sets: BTreeSet<_> = sets.collect();
        for (name, done) in &census.done {
            if !sets.contains(name.as_str()) && self.is_old(census, *done) {
                self.remove_done(name).await?;
            }
        }
        Ok(())
    }

    /// Whether nobody who announced before `done` is left, and no request of theirs can be on its
    /// way: a slow collector may have published a segment that names these packs until its end.
    fn is_settled(&self, census: &Census, done: Timestamp) -> bool {
        let may_arrive = |(id, announced): (&SessionId, &Timestamp)| {
            *announced <= done
                && census.ended_at.get(id).is_some_and(|ended| !self.is_old(census, *ended))
        };
        self.is_old(census, done)
            && census.open.values().all(|open| open.announced > done)
            && !census.sessions.iter().any(may_arrive)
    }

    /// Buries what was collected long ago: publishes a set of it, and removes the graves that an
    /// older set makes unnecessary.
    async fn sweep_graves(&self, census: &Census) -> Result<(), CollectError> {
        let sets = &census.graves.sets.sets;
        let (old, young): (Vec<_>, Vec<_>) =
            sets.iter().partition(|set| self.is_old(census, set.since));
        // One set at a time: each has all of the older ones in it.
        let published = if young.is_empty() { self.bury(census, &old).await? } else { None };
        let may_go = |id: ManifestId| {
            old.iter().any(|set| set.manifests.contains(&id))
                || (!self.repo.obeys(Rule::MergeWaits)
                    && published.iter().any(|doc| doc.manifests.contains(&id)))
        };
        let is_past = |id| census.holds.active(id, census.hold_clock).is_none();
        for (id, hold) in &census.holds.keys {
            if may_go(*id) && is_past(*id) {
                self.remove(hold).await?;
            }
        }
        for at in census.graves.keys(may_go) {
            self.remove(&at).await?;
        }
        for set in sets.iter().filter(|set| old.iter().any(|other| set.is_in(other))) {
            self.remove(&set.key).await?;
        }
        Ok(())
    }

    /// Publishes a set of everything that `old` has and of the manifests whose graves were refused
    /// an undelete long ago, if these are many. Their announcements are gone: what is buried needs
    /// no look at whether its writer has ended.
    async fn bury(
        &self,
        census: &Census,
        old: &[&BuriedSet],
    ) -> Result<Option<BuriedDoc>, ReadError> {
        let mut manifests: BTreeSet<_> =
            old.iter().flat_map(|set| &set.manifests).copied().collect();
        let known = manifests.len();
        manifests.extend(census.graves.refused().filter_map(|(id, since)| {
            let is_gone = !census.manifests.contains_key(&id) && !census.sessions.contains_key(&id);
            (is_gone && self.is_old(census, since)).then_some(id)
        }));
        if manifests.len() < known + self.options.merge_graves.max(1) {
            return Ok(None);
        }
        let at = key::numbered(key::BURIED, self.id(), 0);
        let doc = BuriedDoc { manifests };
        self.repo.create_control(&at, &doc).await?;
        Ok(Some(doc))
    }

    async fn remove_set(&self, set: &Condemned, name: &str) -> Result<(), ReadError> {
        self.remove(&set.key).await?;
        self.remove_done(name).await
    }

    async fn remove_done(&self, name: &str) -> Result<(), ReadError> {
        match ObjectKey::parse(&format!("{}{name}", key::DONE)) {
            Some(done) => self.remove(&done).await,
            None => Ok(()),
        }
    }

    /// A session's announcement stays as long as its manifest, because a listing that shows one
    /// without the other betrays itself; of the rest nothing is needed after a while.
    async fn sweep_sessions(&self, census: &Census) -> Result<(), CollectError> {
        let over: Vec<SessionId> = census
            .sessions
            .iter()
            .filter(|(id, _)| {
                !census.open.contains_key(id)
                    && !census.manifests.contains_key(id)
                    && **id != self.id()
            })
            .filter(|(id, announced)| {
                let ended = census.ended_at.get(id).unwrap_or(announced);
                self.is_old(census, **announced) && self.is_old(census, *ended)
            })
            .map(|(id, _)| *id)
            .collect();
        for meta in self.repo.list(key::ALIVE).await? {
            let by = key::name(&meta.key, key::ALIVE).and_then(key::parse_numbered);
            let has_ended = |id| !census.open.contains_key(&id) && id != self.id();
            if by.is_some_and(|(id, _)| has_ended(id)) && self.is_old(census, meta.modified) {
                self.remove(&meta.key).await?;
            }
        }
        for id in &over {
            self.remove(&key::of_session(key::SESSIONS, *id)).await?;
            self.remove(&key::of_session(key::ENDS, *id)).await?;
        }
        // Of sessions whose announcement went before a collector died or a late request arrived.
        for (id, ended) in &census.ends {
            if !census.sessions.contains_key(id) && self.is_old(census, *ended) {
                self.remove(&key::of_session(key::ENDS, *id)).await?;
            }
        }
        Ok(())
    }
}
