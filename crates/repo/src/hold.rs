//! Holds: a backup that must not be deleted before a date.
//!
//! # Why
//! A lock is append-only: a later date can be added, none can be taken away. Graves and the
//! collector obey it.
//!
//! # Invariants
//! - REPO-15: a hold that was reported made keeps its manifest: whoever makes a hold or a grave
//!   creates it and then looks for the other; who sees the other backs off.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use crate::control::Created;
use crate::error::ReadError;
use crate::grave::GraveError;
use crate::key;
use crate::object::{ObjectKey, ObjectMeta};
use crate::repository::Repository;
use crate::rules::Rule;

/// While the local clock and the store's differ by more than this, no hold counts as expired.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(5);

/// The document at `hold/<manifest>-<n>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Until when the manifest must stay.
    pub until: Timestamp,
    /// What sort of hold, for people.
    pub kind: String,
    /// Tells two makers apart.
    pub(crate) by: SessionId,
}

/// The holds of all manifests, the latest date of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds {
    latest: BTreeMap<ManifestId, Hold>,
    /// Every hold that was read, with the manifest it is for.
    pub(crate) keys: Vec<(ManifestId, ObjectKey)>,
    /// Holds that do not open: nobody knows whom they bind until when.
    pub(crate) unreadable: Vec<ObjectKey>,
}

impl Holds {
    /// The hold of `manifest` that is in force at `now`.
    pub(crate) fn active(&self, manifest: ManifestId, now: HoldClock) -> Option<&Hold> {
        self.latest.get(&manifest).filter(|hold| !now.is_past(hold.until))
    }

    /// The latest date of `manifest`'s holds, past or not.
    pub(crate) fn latest(&self, manifest: ManifestId) -> Option<Timestamp> {
        self.latest.get(&manifest).map(|hold| hold.until)
    }

    /// Fails when a hold does not open: what it protects must not be deleted.
    pub(crate) fn checked(self) -> Result<Self, ReadError> {
        match self.unreadable.first() {
            Some(key) => Err(ReadError::damaged(key, "it protects a backup, and does not open")),
            None => Ok(self),
        }
    }
}

/// The present, as far as holds may trust it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldClock {
    /// The earlier of both clocks; nothing when they differ too much.
    now: Option<Timestamp>,
}

impl HoldClock {
    /// Compares the local clock with the store's.
    pub(crate) fn of(local: Timestamp, store: Timestamp) -> Self {
        let apart = local.since(store).max(store.since(local));
        Self { now: (apart <= CLOCK_TOLERANCE).then_some(local.min(store)) }
    }

    /// By the local clock alone, where nothing is deleted on its word.
    fn local(now: Timestamp) -> Self {
        Self { now: Some(now) }
    }

    fn is_past(self, until: Timestamp) -> bool {
        self.now.is_some_and(|now| now >= until)
    }
}

impl Repository {
    /// Reads the holds that a listing of `hold/` shows.
    pub(crate) async fn holds_of(&self, listed: &[ObjectMeta]) -> Result<Holds, ReadError> {
        let named = |meta: &ObjectMeta| {
            let (manifest, _) = key::name(&meta.key, key::HOLDS).and_then(key::parse_numbered)?;
            Some((manifest, meta.key.clone()))
        };
        let listed: Vec<_> = listed.iter().filter_map(named).collect();
        let keys = listed.iter().map(|(_, key)| key.clone()).collect();
        let mut holds = Holds::default();
        for ((manifest, key), hold) in listed.into_iter().zip(self.read_controls(keys).await?) {
            match hold {
                Ok(None) => {}
                Err(_) => holds.unreadable.push(key),
                Ok(Some(hold)) => {
                    let hold: Hold = hold;
                    let latest = holds.latest.entry(manifest).or_insert_with(|| hold.clone());
                    if latest.until < hold.until {
                        *latest = hold;
                    }
                    holds.keys.push((manifest, key));
                }
            }
        }
        Ok(holds)
    }

    /// The hold of `id` that is in force, if any.
    pub async fn active_hold(&self, id: ManifestId) -> Result<Option<Hold>, ReadError> {
        let listed = self.list(key::HOLDS).await?;
        let holds = self.holds_of(&listed).await?.checked()?;
        Ok(holds.active(id, HoldClock::local(self.env.clock.now())).cloned())
    }

    /// Forbids the deletion of `id` before `until`.
    pub async fn hold(
        &self,
        id: ManifestId,
        until: Timestamp,
        kind: &str,
    ) -> Result<(), GraveError> {
        if self.read_manifest(id).await?.is_none() {
            return Err(GraveError::Absent { id });
        }
        let by = SessionId::random(&*self.env.rng);
        let hold = Hold { until, kind: kind.to_owned(), by };
        // By chance: the key of a hold that was withdrawn is not used again, because the request
        // that removes it may arrive late.
        let mut number = by.0.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let at = loop {
            let at = key::numbered(key::HOLDS, id, number);
            match self.create_control(&at, &hold).await? {
                Created::Ours => break at,
                Created::Theirs(_) => number = number.wrapping_add(1),
            }
        };
        if !self.obeys(Rule::HoldLooksForGrave) {
            return Ok(());
        }
        let graves = self.load_graves_of(id).await?;
        let doubt = graves.check(id);
        if graves.holds(id) || doubt.is_err() {
            // Nobody was promised this hold yet.
            self.env.store.delete(&at).await.map_err(ReadError::from)?;
            doubt?;
            return Err(GraveError::Absent { id });
        }
        Ok(())
    }
}
