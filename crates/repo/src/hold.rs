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
use crate::object::ObjectMeta;
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
pub(crate) struct Holds(BTreeMap<ManifestId, Hold>);

impl Holds {
    /// The hold of `manifest` that is in force at `now`.
    pub(crate) fn active(&self, manifest: ManifestId, now: HoldClock) -> Option<&Hold> {
        self.0.get(&manifest).filter(|hold| !now.is_past(hold.until))
    }

    /// The latest date of `manifest`'s holds, past or not.
    pub(crate) fn latest(&self, manifest: ManifestId) -> Option<Timestamp> {
        self.0.get(&manifest).map(|hold| hold.until)
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
        let mut holds = BTreeMap::new();
        for meta in listed {
            let Some((manifest, _)) =
                key::name(&meta.key, key::HOLDS).and_then(key::parse_numbered)
            else {
                continue;
            };
            if let Some(hold) = self.read_control::<Hold>(&meta.key).await? {
                let latest = holds.entry(manifest).or_insert_with(|| hold.clone());
                if latest.until < hold.until {
                    *latest = hold;
                }
            }
        }
        Ok(Holds(holds))
    }

    /// The hold of `id` that is in force, if any.
    pub async fn active_hold(&self, id: ManifestId) -> Result<Option<Hold>, ReadError> {
        let listed = self.list(key::HOLDS).await?;
        let holds = self.holds_of(&listed).await?;
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
        if self.obeys(Rule::HoldLooksForGrave) && self.load_graves().await?.holds(id) {
            // Nobody was promised this hold yet.
            self.env.store.delete(&at).await.map_err(ReadError::from)?;
            return Err(GraveError::Absent { id });
        }
        Ok(())
    }
}
