//! Steps (1) and (5): who is there, what is committed, deleted, held.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use super::{CollectError, CollectReport, Collector};
use crate::condemned::{Condemned, DoneDoc};
use crate::control::FETCHES;
use crate::error::ReadError;
use crate::grave::Graves;
use crate::hold::{HoldClock, Holds};
use crate::key::{self, PackId};
use crate::manifest::{Manifest, ManifestDoc};
use crate::object::ObjectMeta;
use crate::repository::Repository;
use crate::rules::Rule;
use crate::session::{EndDoc, SessionDoc};

/// A session of which no end is known.
#[derive(Debug, Clone)]
pub(crate) struct OpenSession {
    pub(crate) doc: SessionDoc,
    /// When it was announced, by the store's clock.
    pub(crate) announced: Timestamp,
}

/// Everything that decides what lives, as the first listing shows it.
pub(crate) struct Census {
    /// The store's time.
    pub(crate) now: Timestamp,
    pub(crate) open: BTreeMap<SessionId, OpenSession>,
    /// Every session that was listed, with the time of its announcement.
    pub(crate) sessions: BTreeMap<SessionId, Timestamp>,
    /// When sessions that commit nothing ended, or were given up.
    pub(crate) ended_at: BTreeMap<SessionId, Timestamp>,
    /// What the ends of these sessions say.
    pub(crate) end_docs: BTreeMap<SessionId, EndDoc>,
    /// Every end that was listed, of whatever session.
    pub(crate) ends: BTreeMap<SessionId, Timestamp>,
    pub(crate) manifests: BTreeMap<ManifestId, Manifest>,
    pub(crate) tombstones: BTreeSet<SessionId>,
    /// When each manifest and tombstone was created.
    pub(crate) decided_at: BTreeMap<SessionId, Timestamp>,
    pub(crate) graves: Graves,
    pub(crate) holds: Holds,
    pub(crate) condemned: Vec<Condemned>,
    /// When the deletes of a condemned set were done, by its name.
    pub(crate) done: BTreeMap<String, Timestamp>,
    /// Every pack with its size.
    pub(crate) packs: BTreeMap<PackId, u64>,
    /// The present, as far as holds may trust it.
    pub(crate) hold_clock: HoldClock,
}

/// What came to need something since the census.
pub(crate) struct SecondLook {
    /// Manifests to mark.
    pub(crate) newcomers: BTreeMap<ManifestId, Manifest>,
    /// Manifests that must stay although they were to go.
    pub(crate) alive: BTreeSet<ManifestId>,
}

impl Census {
    /// Deleted manifests whose delay is over, that no hold protects and nobody is undeleting.
    pub(crate) fn dead_manifests(
        &self,
        repo: &Repository,
        delay: Duration,
    ) -> BTreeSet<ManifestId> {
        let delay = if repo.obeys(Rule::GraveDelay) { delay } else { Duration::ZERO };
        let is_over = |id: ManifestId| {
            let grave = self.graves.open_grave(id);
            self.graves.is_buried(id)
                || grave.is_some_and(|(_, since)| self.now.since(since) >= delay)
        };
        let is_held =
            |id| repo.obeys(Rule::ObeyHolds) && self.holds.active(id, self.hold_clock).is_some();
        self.manifests
            .keys()
            .copied()
            .filter(|id| is_over(*id) && !is_held(*id) && !self.graves.is_intended(*id))
            .collect()
    }

    /// Deleted manifests that stay for now.
    pub(crate) fn waiting(&self, dead: &BTreeSet<ManifestId>) -> u64 {
        let waits = |id: &&ManifestId| self.graves.holds(**id) && !dead.contains(id);
        self.manifests.keys().filter(waits).count() as u64
    }

    /// Manifests whose units must stay.
    pub(crate) fn roots(&self, dead: &BTreeSet<ManifestId>) -> BTreeMap<ManifestId, Manifest> {
        let is_root = |(id, _): &(&ManifestId, &Manifest)| !dead.contains(id);
        self.manifests.iter().filter(is_root).map(|(id, m)| (*id, m.clone())).collect()
    }

    /// What open sessions refer to: parents of writers, targets of readers.
    pub(crate) fn guests(&self) -> BTreeSet<ManifestId> {
        self.open.values().flat_map(|open| open.doc.manifests.iter().copied()).collect()
    }

    /// The name of `set`, unless its deletes are done.
    pub(crate) fn unfinished(&self, set: &Condemned) -> Option<String> {
        let name = key::name(&set.key, key::CONDEMNED)?.to_owned();
        (!self.done.contains_key(&name)).then_some(name)
    }
}

impl Collector {
    /// Step (1), after giving up the sessions that show no life.
    pub(crate) async fn census(&self, report: &mut CollectReport) -> Result<Census, CollectError> {
        let repo = &self.repo;
        let (sessions, now) = repo.list_dated(key::SESSIONS).await?;
        let sessions = listed_sessions(&sessions);
        let ends = listed_ends(&repo.list_fresh(key::ENDS).await?);
        let end_docs = repo.ends_of(&ends, &sessions).await?;
        let mut ended_at = ends.clone();
        ended_at.retain(|id, _| end_docs.contains_key(id));
        let graves = repo.load_graves().await?;
        graves.check_all()?;
        let holds = repo.holds_of(&repo.list_fresh(key::HOLDS).await?).await?.checked()?;
        let manifests = repo.list_fresh(key::MANIFESTS).await?;
        let decided_at = listed_at(&manifests, key::MANIFESTS);
        let (manifests, tombstones) = repo.read_manifests(&manifests, &BTreeMap::new()).await?;
        let condemned = repo.list_fresh(key::CONDEMNED).await?;
        let condemned = repo.read_condemned(condemned).await?;
        let done = repo.done_sets(&repo.list_fresh(key::DONE).await?).await?;
        let packs = listed_packs(&repo.env.store.list(key::PACKS).await.map_err(ReadError::from)?);
        let mut census = Census {
            now,
            open: BTreeMap::new(),
            sessions,
            ended_at,
            end_docs,
            ends,
            manifests,
            tombstones,
            decided_at,
            graves,
            holds,
            condemned,
            done,
            packs,
            hold_clock: HoldClock::of(repo.env.clock.now(), now),
        };
        let ended = |id: &SessionId| {
            census.manifests.contains_key(id)
                || census.tombstones.contains(id)
                || census.graves.ever(*id)
        };
        let open: Vec<_> = census
            .sessions
            .iter()
            .filter(|(id, _)| **id != self.id() && !ended(id))
            .filter(|(id, _)| !census.ended_at.contains_key(id))
            .map(|(id, announced)| (*id, *announced))
            .collect();
        for (id, session) in repo.read_sessions(open).await? {
            if self.is_over(id, &session, now, report, &mut census).await? {
                continue;
            }
            census.open.insert(id, session);
        }
        Ok(census)
    }

    /// Gives a session up that shows no life. One that turns out to have committed is a manifest
    /// that the listing did not show: nothing may be deleted on its word.
    async fn is_over(
        &self,
        id: SessionId,
        session: &OpenSession,
        now: Timestamp,
        report: &mut CollectReport,
        census: &mut Census,
    ) -> Result<bool, CollectError> {
        if !self.is_silent(id, session.announced, now).await? {
            return Ok(false);
        }
        if self.options.dry_run {
            report.given_up += 1;
            return Ok(true);
        }
        if self.repo.give_up(id, session.doc.kind, self.id()).await? {
            report.given_up += 1;
            census.tombstones.insert(id);
            census.ended_at.insert(id, now);
            return Ok(true);
        }
        // It committed between the listing and now, or the listing was stale: keep it open, its
        // manifest is marked in the second look.
        Ok(false)
    }

    /// Whether a session has written nothing for so long that it is to be given up. Packs are many,
    /// so they are listed only when nothing else shows life.
    pub(crate) async fn is_silent(
        &self,
        id: SessionId,
        announced: Timestamp,
        now: Timestamp,
    ) -> Result<bool, ReadError> {
        let mut newest = announced;
        for prefix in [key::ALIVE, key::INDEX, key::PACKS] {
            for meta in self.repo.env.store.list(prefix).await? {
                let by = key::name(&meta.key, prefix).and_then(key::parse_numbered);
                if by.is_some_and(|(session, _)| session == id) {
                    newest = newest.max(meta.modified);
                }
            }
            if !self.options.liveness.is_dead(id, newest, now).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sessions of which no end is known now, and the store's time.
    pub(crate) async fn open_sessions(
        &self,
    ) -> Result<(BTreeMap<SessionId, OpenSession>, Timestamp), ReadError> {
        let repo = &self.repo;
        let (listed, now) = repo.list_dated(key::SESSIONS).await?;
        let sessions = listed_sessions(&listed);
        let ends = listed_ends(&repo.list_fresh(key::ENDS).await?);
        let ends = repo.ends_of(&ends, &sessions).await?;
        let graves = repo.load_graves_where(|id| sessions.contains_key(&id)).await?;
        graves.check_all()?;
        let manifests = committed_sessions(&repo.list_fresh(key::MANIFESTS).await?);
        let open = sessions
            .into_iter()
            .filter(|(id, _)| {
                *id != self.id()
                    && !ends.contains_key(id)
                    && !manifests.contains(id)
                    && !graves.ever(*id)
            })
            .collect();
        Ok((repo.read_sessions(open).await?.into_iter().collect(), now))
    }

    /// Step (5): every manifest that was not there at the census, graved or not; every one held or
    /// being undeleted since; what the guests refer to.
    pub(crate) async fn second_look(
        &self,
        census: &Census,
        guests: &BTreeSet<ManifestId>,
    ) -> Result<SecondLook, CollectError> {
        let repo = &self.repo;
        let (listed, now) = repo.list_dated(key::MANIFESTS).await?;
        let (new, _) = repo.read_manifests(&listed, &census.manifests).await?;
        let holds = repo.holds_of(&repo.list_fresh(key::HOLDS).await?).await?.checked()?;
        let graves = repo.load_graves().await?;
        graves.check_all()?;
        let clock = HoldClock::of(repo.env.clock.now(), now);
        let mut look = SecondLook { newcomers: new, alive: BTreeSet::new() };
        if !repo.obeys(Rule::MarkGravedNewcomers) {
            look.newcomers.retain(|id, _| !graves.holds(*id));
        }
        for (id, manifest) in &census.manifests {
            let is_held = repo.obeys(Rule::ObeyHolds) && holds.active(*id, clock).is_some();
            // Another grave than at the census: in between it was not deleted, and a writer may
            // have begun to use it as a parent.
            let grave = |graves: &Graves| graves.open_grave(*id).map(|(number, _)| number);
            let was_alive = !graves.is_buried(*id)
                && (grave(&graves).is_none() || grave(&graves) != grave(&census.graves));
            if is_held || graves.is_intended(*id) || was_alive || guests.contains(id) {
                look.newcomers.insert(*id, manifest.clone());
                look.alive.insert(*id);
            }
        }
        Ok(look)
    }
}

impl Repository {
    /// Reads the manifests of a listing but for those in `known`; tombstones come second. One that
    /// cannot be read stops a collector: its roots are unknown.
    pub(crate) async fn read_manifests(
        &self,
        listed: &[ObjectMeta],
        known: &BTreeMap<ManifestId, Manifest>,
    ) -> Result<(BTreeMap<ManifestId, Manifest>, BTreeSet<SessionId>), ReadError> {
        let ids: Vec<_> = listed
            .iter()
            .filter_map(|meta| key::name(&meta.key, key::MANIFESTS).and_then(key::parse_session))
            .filter(|id| !known.contains_key(id))
            .collect();
        let mut docs = stream::iter(ids)
            .map(|id| async move { Ok::<_, ReadError>((id, self.read_manifest_doc(id).await?)) })
            .buffered(FETCHES);
        let (mut manifests, mut tombstones) = (BTreeMap::new(), BTreeSet::new());
        while let Some((id, doc)) = docs.try_next().await? {
            match doc {
                Some(ManifestDoc::Backup(manifest)) => drop(manifests.insert(id, manifest)),
                Some(ManifestDoc::Tombstone { .. }) => drop(tombstones.insert(id)),
                // Another collector has just removed it.
                None => {}
            }
        }
        Ok((manifests, tombstones))
    }

    async fn read_sessions(
        &self,
        open: Vec<(SessionId, Timestamp)>,
    ) -> Result<Vec<(SessionId, OpenSession)>, ReadError> {
        let keys = open.iter().map(|(id, _)| key::of_session(key::SESSIONS, *id)).collect();
        let mut sessions = Vec::new();
        for ((id, announced), doc) in open.into_iter().zip(self.read_controls(keys).await?) {
            if let Some(doc) = doc? {
                sessions.push((id, OpenSession { doc, announced }));
            }
        }
        Ok(sessions)
    }

    /// Opens the ends of `sessions`: an end that anybody may have written ends nothing. One that
    /// has gone since it was listed was one.
    async fn ends_of(
        &self,
        listed: &BTreeMap<SessionId, Timestamp>,
        sessions: &BTreeMap<SessionId, Timestamp>,
    ) -> Result<BTreeMap<SessionId, EndDoc>, ReadError> {
        let ended: Vec<_> = listed.keys().filter(|id| sessions.contains_key(id)).copied().collect();
        let keys = ended.iter().map(|id| key::of_session(key::ENDS, *id)).collect();
        let mut docs = BTreeMap::new();
        for (id, doc) in ended.into_iter().zip(self.read_controls(keys).await?) {
            // One that has gone since was swept, long after its session had ended.
            docs.insert(id, doc?.unwrap_or(EndDoc { by: id, collected: None }));
        }
        Ok(docs)
    }

    /// When the deletes of condemned sets were done, by the names of the sets. Opens each, for the
    /// same reason.
    async fn done_sets(
        &self,
        listed: &[ObjectMeta],
    ) -> Result<BTreeMap<String, Timestamp>, ReadError> {
        let keys = listed.iter().map(|meta| meta.key.clone()).collect();
        for doc in self.read_controls::<DoneDoc>(keys).await? {
            doc?;
        }
        let named =
            |meta: &ObjectMeta| Some((key::name(&meta.key, key::DONE)?.to_owned(), meta.modified));
        Ok(listed.iter().filter_map(named).collect())
    }

    /// Whether a writer has ended: its manifest key is taken, or its manifest was collected. Not
    /// whether it is buried: nobody is as long as his announcement is listed.
    pub(crate) async fn has_ended(&self, writer: SessionId) -> Result<bool, ReadError> {
        if self.read_manifest_doc(writer).await?.is_some() {
            return Ok(true);
        }
        self.has_grave(writer, 0).await
    }
}

pub(crate) fn listed_sessions(listed: &[ObjectMeta]) -> BTreeMap<SessionId, Timestamp> {
    listed_at(listed, key::SESSIONS)
}

/// When each object named after a session was written.
fn listed_at(listed: &[ObjectMeta], prefix: &str) -> BTreeMap<SessionId, Timestamp> {
    listed
        .iter()
        .filter_map(|meta| {
            let id = key::name(&meta.key, prefix).and_then(key::parse_session)?;
            Some((id, meta.modified))
        })
        .collect()
}

/// The sessions whose manifest keys are taken.
fn committed_sessions(listed: &[ObjectMeta]) -> BTreeSet<SessionId> {
    let id = |meta: &ObjectMeta| key::name(&meta.key, key::MANIFESTS).and_then(key::parse_session);
    listed.iter().filter_map(id).collect()
}

fn listed_ends(listed: &[ObjectMeta]) -> BTreeMap<SessionId, Timestamp> {
    listed
        .iter()
        .filter_map(|meta| {
            let id = key::name(&meta.key, key::ENDS).and_then(key::parse_session)?;
            Some((id, meta.modified))
        })
        .collect()
}

pub(crate) fn listed_packs(listed: &[ObjectMeta]) -> BTreeMap<PackId, u64> {
    listed
        .iter()
        .filter_map(|meta| {
            let id = key::name(&meta.key, key::PACKS).and_then(PackId::parse)?;
            Some((id, meta.size))
        })
        .collect()
}
