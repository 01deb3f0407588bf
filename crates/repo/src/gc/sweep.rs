//! Step (7) and what is left to tidy: deletes what is condemned, and control objects that nobody
//! needs any more.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use super::census::Census;
use super::{CollectError, CollectReport, Collector, Finish};
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
            // The grave as the census saw it: one that was made since has a delay of its own.
            let Some((grave, _)) = census.graves.open_grave(*id) else { continue };
            if !self.repo.seal_grave(*id, grave, self.id()).await? {
                continue;
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
        for (intent, since) in &census.graves.intents {
            let (manifest, grave, _) = *intent;
            let is_held = census.holds.latest(manifest).is_some();
            if self.is_old(census, *since) && !is_held {
                self.repo.seal_grave(manifest, grave, self.id()).await?;
                self.repo.drop_intent(*intent).await?;
            }
        }
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

    async fn remove_set(&self, set: &Condemned, name: &str) -> Result<(), ReadError> {
        self.remove(&set.key).await?;
        match ObjectKey::parse(&format!("{}{name}", key::DONE)) {
            Some(done) => self.remove(&done).await,
            None => Ok(()),
        }
    }

    /// A session's announcement stays as long as its manifest, because a listing that shows one
    /// without the other betrays itself; of the rest nothing is needed after a while.
    async fn sweep_sessions(&self, census: &Census) -> Result<(), CollectError> {
        let over: BTreeMap<SessionId, Timestamp> = census
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
            .map(|(id, announced)| (*id, *announced))
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        for meta in self.repo.list(key::ALIVE).await? {
            let by = key::name(&meta.key, key::ALIVE).and_then(key::parse_numbered);
            if by.is_some_and(|(id, _)| over.contains_key(&id)) {
                self.remove(&meta.key).await?;
            }
        }
        for id in over.keys() {
            self.remove(&key::of_session(key::SESSIONS, *id)).await?;
            self.remove(&key::of_session(key::ENDS, *id)).await?;
        }
        Ok(())
    }
}
