//! Deletion in its durable form: graves, undeletes under way, undeletes decided.
//!
//! # Why
//! A deletion is one object that says "this manifest is gone". Readers and writers obey it at
//! once; a collector acts on it after a delay, and until then it can be cancelled.
//!
//! # Invariants
//! - REPO-13: a grave is cancelled only by an `ungrave` that says so; there is one for each grave,
//!   and who creates it first decides: an undelete that found everything, or a collector that is
//!   about to remove the manifest. Without that decision no manifest is removed.
//! - REPO-14: an undelete is accepted only after it found every unit, while its intent already
//!   protected them.
//!
//! # Not here
//! What a collector does with graves: `crate::gc`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use strongroom_base::ids::{ManifestId, SessionId};
use strongroom_base::{ErrorClass, Timestamp};

use crate::control::Created;
use crate::error::ReadError;
use crate::hold::Hold;
use crate::key;
use crate::manifest::Manifest;
use crate::object::ObjectMeta;
use crate::repository::Repository;
use crate::rules::Rule;
use crate::session::reader::UnitReader;

/// The document at `grave/<manifest>-<n>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct GraveDoc {
    /// Tells two makers of the same grave apart.
    by: SessionId,
}

/// The document at `ungrave/<manifest>-<n>`: what became of grave `n`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct UngraveDoc {
    by: SessionId,
    /// Whether the grave is cancelled; if not, it stands for ever.
    accepted: bool,
}

/// The document at `intent/<manifest>-<n>-<attempt>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct IntentDoc {
    by: SessionId,
}

/// All graves, cancelled ones and undeletes under way, at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graves {
    made: BTreeMap<ManifestId, Vec<(u32, Timestamp)>>,
    cancelled: BTreeSet<(ManifestId, u32)>,
    /// Graves that stand for ever.
    refused: BTreeSet<(ManifestId, u32)>,
    /// Undeletes under way, with the time of their intent.
    pub(crate) intents: BTreeMap<(ManifestId, u32, u32), Timestamp>,
}

impl Graves {
    /// Whether `manifest` is deleted: it has a grave that is not cancelled.
    pub(crate) fn holds(&self, manifest: ManifestId) -> bool {
        self.open_grave(manifest).is_some()
    }

    /// The newest grave that is not cancelled, and when it was made.
    pub(crate) fn open_grave(&self, manifest: ManifestId) -> Option<(u32, Timestamp)> {
        let graves = self.made.get(&manifest)?;
        graves.iter().rev().find(|(n, _)| !self.cancelled.contains(&(manifest, *n))).copied()
    }

    /// Whether any grave was ever made for `manifest`.
    pub(crate) fn ever(&self, manifest: ManifestId) -> bool {
        self.made.contains_key(&manifest)
    }

    /// Whether an undelete of `manifest` is under way that can still succeed.
    pub(crate) fn is_intended(&self, manifest: ManifestId) -> bool {
        self.intents
            .keys()
            .any(|(intended, n, _)| *intended == manifest && !self.is_decided(manifest, *n))
    }

    fn is_decided(&self, manifest: ManifestId, grave: u32) -> bool {
        self.cancelled.contains(&(manifest, grave)) || self.refused.contains(&(manifest, grave))
    }

    fn next_number(&self, manifest: ManifestId) -> u32 {
        let last = self.made.get(&manifest).and_then(|graves| graves.last());
        last.map_or(0, |(n, _)| n + 1)
    }

    fn next_attempt(&self, manifest: ManifestId, grave: u32) -> u32 {
        let same = |(m, n, _): &&(ManifestId, u32, u32)| *m == manifest && *n == grave;
        self.intents.keys().filter(same).map(|(_, _, attempt)| attempt + 1).max().unwrap_or(0)
    }
}

/// Why a deletion, undelete or hold did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraveError {
    /// No such manifest, or it is deleted.
    #[error("no backup {id}")]
    Absent {
        /// Which.
        id: ManifestId,
    },
    /// A hold forbids the deletion.
    #[error("backup {id} is held until {until} ({kind})")]
    Held {
        /// Which.
        id: ManifestId,
        /// Until when.
        until: Timestamp,
        /// What sort of hold.
        kind: String,
    },
    /// An undelete of something that is not deleted.
    #[error("backup {id} is not deleted")]
    NotDeleted {
        /// Which.
        id: ManifestId,
    },
    /// Some of the data has been collected already, or a collector is about to.
    #[error("backup {id} cannot be undeleted, its data is being removed")]
    TooLate {
        /// Which.
        id: ManifestId,
    },
    /// Something could not be read.
    #[error("reading the repository")]
    Read(#[from] ReadError),
}

impl GraveError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Read(error) => error.class(),
            _ => ErrorClass::Permanent,
        }
    }
}

impl Repository {
    /// Lists graves, their cancellations and the undeletes under way.
    ///
    /// Intents come first and cancellations last: an undelete that finishes between two of these
    /// listings is then seen by its intent or by its decision, and no grave is seen without a
    /// cancellation that was there before the first listing.
    pub(crate) async fn load_graves(&self) -> Result<Graves, ReadError> {
        let intents = self.list_fresh(key::INTENTS).await?;
        let graves = self.list_fresh(key::GRAVES).await?;
        let ungraves = self.list_fresh(key::UNGRAVES).await?;
        self.graves_of(&graves, &ungraves, &intents).await
    }

    async fn graves_of(
        &self,
        graves: &[ObjectMeta],
        ungraves: &[ObjectMeta],
        intents: &[ObjectMeta],
    ) -> Result<Graves, ReadError> {
        let mut all = Graves::default();
        for meta in graves {
            if let Some((manifest, n)) =
                key::name(&meta.key, key::GRAVES).and_then(key::parse_numbered)
            {
                all.made.entry(manifest).or_default().push((n, meta.modified));
            }
        }
        for meta in ungraves {
            let Some(grave) = key::name(&meta.key, key::UNGRAVES).and_then(key::parse_numbered)
            else {
                continue;
            };
            match self.read_control::<UngraveDoc>(&meta.key).await? {
                Some(UngraveDoc { accepted: true, .. }) => drop(all.cancelled.insert(grave)),
                Some(UngraveDoc { accepted: false, .. }) => drop(all.refused.insert(grave)),
                None => {}
            }
        }
        for meta in intents {
            if let Some(intent) = key::name(&meta.key, key::INTENTS).and_then(key::parse_attempt) {
                all.intents.insert(intent, meta.modified);
            }
        }
        Ok(all)
    }

    /// Deletes a backup: makes its grave. From then on nobody sees it; its data goes after the
    /// delay of the next collections.
    pub async fn delete(&self, id: ManifestId) -> Result<(), GraveError> {
        if let Some(hold) = self.active_hold(id).await? {
            return Err(held(id, hold));
        }
        let graves = self.load_graves().await?;
        if graves.holds(id) || self.read_manifest(id).await?.is_none() {
            return Err(GraveError::Absent { id });
        }
        let by = SessionId::random(&*self.env.rng);
        let grave = graves.next_number(id);
        let at = key::numbered(key::GRAVES, id, grave);
        // Somebody else's grave of the same number deletes the backup just as well.
        self.create_control(&at, &GraveDoc { by }).await?;
        if !self.obeys(Rule::HoldLooksForGrave) {
            return Ok(());
        }
        match self.active_hold(id).await? {
            None => Ok(()),
            Some(hold) => {
                // A hold was made at the same time: both back off and the backup stays. If it
                // cannot come back, it was collected under an older grave and is simply gone.
                self.undelete(id).await?;
                Err(held(id, hold))
            }
        }
    }

    /// Takes a deletion back, if all of the data is still there.
    pub async fn undelete(&self, id: ManifestId) -> Result<Manifest, GraveError> {
        let graves = self.load_graves().await?;
        let Some((grave, _)) = graves.open_grave(id) else {
            return Err(match self.read_manifest(id).await? {
                Some(_) => GraveError::NotDeleted { id },
                None => GraveError::Absent { id },
            });
        };
        let by = SessionId::random(&*self.env.rng);
        let attempt = graves.next_attempt(id, grave);
        let intent = key::of_attempt(key::INTENTS, id, grave, attempt);
        if self.obeys(Rule::UndeleteIntent)
            && let Created::Theirs(_) = self.create_control(&intent, &IntentDoc { by }).await?
        {
            // Another undelete of the same grave is under way.
            return Err(GraveError::TooLate { id });
        }
        // After an error the intent stays: it protects until a collector decides the grave.
        let checked = self.check_undelete(id).await?;
        let decision = UngraveDoc { by, accepted: checked.is_some() };
        let at = key::numbered(key::UNGRAVES, id, grave);
        let decided = match self.create_control(&at, &decision).await? {
            Created::Ours => decision,
            Created::Theirs(theirs) => theirs,
        };
        self.env.store.delete(&intent).await.map_err(ReadError::from)?;
        match checked {
            Some(manifest) if decided.accepted => Ok(manifest),
            _ => Err(GraveError::TooLate { id }),
        }
    }

    /// The manifest, if every unit and node of it lies in an indexed, present, undamaged pack
    /// outside all condemned sets.
    async fn check_undelete(&self, id: ManifestId) -> Result<Option<Manifest>, ReadError> {
        let Some(manifest) = self.read_manifest(id).await? else { return Ok(None) };
        if !self.obeys(Rule::UndeleteChecks) {
            return Ok(Some(manifest));
        }
        let mut view = self.load_view().await?;
        self.confirm_packs(&mut view).await?;
        if view.condemned.holds_manifest(id) {
            return Ok(None);
        }
        let reader = UnitReader::new(self, view);
        let view = reader.view();
        let is_there = |id| {
            view.copies(&id).any(|entry| {
                view.is_present(entry.location.pack)
                    && !view.damaged.holds(&entry.location)
                    && !view.condemned.holds(entry.location.pack)
            })
        };
        let complete = crate::walk::every(&reader, &manifest, &is_there).await?;
        Ok(complete.then_some(manifest))
    }

    /// Decides that grave `n` of `manifest` stands for ever, unless it was cancelled: the answer.
    /// Nothing of a deleted manifest may go before this.
    pub(crate) async fn seal_grave(
        &self,
        manifest: ManifestId,
        grave: u32,
        by: SessionId,
    ) -> Result<bool, ReadError> {
        if !self.obeys(Rule::FinalRefusal) {
            return Ok(true);
        }
        let at = key::numbered(key::UNGRAVES, manifest, grave);
        let refusal = UngraveDoc { by, accepted: false };
        Ok(match self.create_control(&at, &refusal).await? {
            Created::Ours => true,
            Created::Theirs(decided) => !decided.accepted,
        })
    }

    /// Removes an intent whose grave is decided.
    pub(crate) async fn drop_intent(
        &self,
        intent: (ManifestId, u32, u32),
    ) -> Result<(), ReadError> {
        let (manifest, grave, attempt) = intent;
        let at = key::of_attempt(key::INTENTS, manifest, grave, attempt);
        Ok(self.env.store.delete(&at).await?)
    }
}

fn held(id: ManifestId, hold: Hold) -> GraveError {
    GraveError::Held { id, until: hold.until, kind: hold.kind }
}
