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
//! - REPO-19: a grave or ungrave that does not open decides nothing: its backup is not deleted,
//!   can be read, and is nobody's parent; no collector goes on.
//! - REPO-14: an undelete is accepted only after it found every unit, while its intent already
//!   protected them.
//!
//! # Not here
//! What a collector does with graves: `crate::gc`. What becomes of old ones: `crate::buried`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use strongroom_base::ids::{ManifestId, SessionId};
use strongroom_base::{ErrorClass, Timestamp};

use crate::buried::BuriedSets;
use crate::control::Created;
use crate::error::ReadError;
use crate::hold::Hold;
use crate::key;
use crate::manifest::Manifest;
use crate::object::{ObjectKey, ObjectMeta};
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

/// The document at `intent/<manifest>-<n>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct IntentDoc {
    by: SessionId,
}

/// An object `<prefix><manifest>-<n>` of a listing, and when it was written.
type Numbered = ((ManifestId, u32), ObjectKey, Timestamp);

/// How an undelete or a collector decided a grave.
#[derive(Debug, Clone, Copy)]
struct Decision {
    is_accepted: bool,
    since: Timestamp,
}

/// All graves, cancelled ones and undeletes under way, at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graves {
    made: BTreeMap<ManifestId, BTreeMap<u32, Timestamp>>,
    decided: BTreeMap<(ManifestId, u32), Decision>,
    /// Manifests with a grave or ungrave that does not open: whether they are deleted is unknown.
    doubtful: BTreeMap<ManifestId, ObjectKey>,
    /// Undeletes under way, with the time of their intent.
    pub(crate) intents: BTreeMap<(ManifestId, u32), Timestamp>,
    buried: BTreeSet<ManifestId>,
    /// The sets that say who is buried.
    pub(crate) sets: BuriedSets,
}

impl Graves {
    /// Whether `manifest` is deleted: it is buried or has a grave that is not cancelled. In doubt
    /// it is not.
    pub(crate) fn holds(&self, manifest: ManifestId) -> bool {
        self.is_buried(manifest) || self.open_grave(manifest).is_some()
    }

    /// Whether `manifest` was collected long ago: it is deleted for ever, graves or not.
    pub(crate) fn is_buried(&self, manifest: ManifestId) -> bool {
        self.buried.contains(&manifest)
    }

    /// The newest grave that is not cancelled, and when it was made; none in doubt.
    pub(crate) fn open_grave(&self, manifest: ManifestId) -> Option<(u32, Timestamp)> {
        if self.doubtful.contains_key(&manifest) {
            return None;
        }
        let is_open = |n: u32| !self.decided.get(&(manifest, n)).is_some_and(|it| it.is_accepted);
        let graves = self.made.get(&manifest)?;
        graves.iter().rev().find(|(n, _)| is_open(**n)).map(|(n, since)| (*n, *since))
    }

    /// Since when `manifest` is deleted, as far as that is known.
    pub(crate) fn deleted_since(&self, manifest: ManifestId) -> Option<Timestamp> {
        let set = || self.sets.sets.iter().filter(|set| set.manifests.contains(&manifest));
        let buried = || set().map(|set| set.since).min().filter(|_| self.is_buried(manifest));
        self.open_grave(manifest).map(|(_, since)| since).or_else(buried)
    }

    /// Whether any grave was ever made for `manifest`.
    pub(crate) fn ever(&self, manifest: ManifestId) -> bool {
        self.made.contains_key(&manifest) || self.is_buried(manifest)
    }

    /// Whether an undelete of `manifest` is under way that can still succeed.
    pub(crate) fn is_intended(&self, manifest: ManifestId) -> bool {
        let is_open = |n: u32| !self.decided.contains_key(&(manifest, n));
        let mut intents = self.intents.range((manifest, 0)..=(manifest, u32::MAX));
        !self.is_buried(manifest) && intents.any(|((_, n), _)| is_open(*n))
    }

    /// Whether it is unknown if `manifest` is deleted.
    pub(crate) fn is_doubtful(&self, manifest: ManifestId) -> bool {
        self.doubt(manifest).is_some()
    }

    /// What makes it unknown whether `manifest` is deleted.
    fn doubt(&self, manifest: ManifestId) -> Option<&ObjectKey> {
        self.doubtful.get(&manifest).or(self.sets.unreadable.first())
    }

    /// Everything that does not open.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &ObjectKey> {
        self.doubtful.values().chain(&self.sets.unreadable)
    }

    /// Fails when it is unknown whether `manifest` is deleted.
    pub(crate) fn check(&self, manifest: ManifestId) -> Result<(), ReadError> {
        self.doubt(manifest).map_or(Ok(()), |key| Err(unreadable(key)))
    }

    /// Fails when of any manifest it is unknown whether it is deleted.
    pub(crate) fn check_all(&self) -> Result<(), ReadError> {
        self.unreadable().next().map_or(Ok(()), |key| Err(unreadable(key)))
    }

    /// The manifests with graves that were refused an undelete, with the time of the refusal:
    /// those graves stand for ever.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (ManifestId, Timestamp)> {
        let stands = |(id, _): (&ManifestId, _)| {
            let (n, _) = self.open_grave(*id)?;
            Some((*id, self.decided.get(&(*id, n))?.since))
        };
        self.made.iter().filter_map(stands)
    }

    /// The keys of everything that was ever said about the deletion of manifests that `is_in`.
    pub(crate) fn keys(&self, is_in: impl Fn(ManifestId) -> bool) -> Vec<ObjectKey> {
        let of =
            |prefix, (id, n): (ManifestId, u32)| is_in(id).then(|| key::numbered(prefix, id, n));
        let made = self.made.iter().flat_map(|(id, all)| all.keys().map(|n| (*id, *n)));
        let intents = self.intents.keys().filter_map(|it| of(key::INTENTS, *it));
        let graves = made.filter_map(|it| of(key::GRAVES, it));
        let ungraves = self.decided.keys().filter_map(|it| of(key::UNGRAVES, *it));
        intents.chain(graves).chain(ungraves).collect()
    }

    fn next_number(&self, manifest: ManifestId) -> u32 {
        let decided = self.decided.range((manifest, 0)..=(manifest, u32::MAX)).next_back();
        let made = self.made.get(&manifest).and_then(BTreeMap::last_key_value);
        let last = made.map(|(n, _)| *n).max(decided.map(|((_, n), _)| *n));
        last.map_or(0, |n| n + 1)
    }
}

fn unreadable(key: &ObjectKey) -> ReadError {
    ReadError::damaged(key, "it says whether a backup is deleted, and does not open")
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
    /// Lists graves, their cancellations, the undeletes under way and the buried sets.
    ///
    /// Intents come before cancellations: an undelete that finishes between these listings is then
    /// seen by its intent or by its decision, and no grave is seen without a cancellation that was
    /// there before the first listing. The sets come last: a grave that went before it was listed
    /// is in a set that was there before it went.
    pub(crate) async fn load_graves(&self) -> Result<Graves, ReadError> {
        Box::pin(self.load_graves_where(|_| true)).await
    }

    /// The same for one manifest: no documents of others are read.
    pub(crate) async fn load_graves_of(&self, id: ManifestId) -> Result<Graves, ReadError> {
        Box::pin(self.load_graves_where(|other| other == id)).await
    }

    /// The same for the manifests that `is_wanted`; of others nothing is known then.
    pub(crate) async fn load_graves_where(
        &self,
        is_wanted: impl Fn(ManifestId) -> bool,
    ) -> Result<Graves, ReadError> {
        let is_last = self.obeys(Rule::BuriedAfterGraves);
        let early = if is_last { None } else { Some(self.load_buried().await?) };
        let intents = self.list_fresh(key::INTENTS).await?;
        let graves = self.list_fresh(key::GRAVES).await?;
        let ungraves = self.list_fresh(key::UNGRAVES).await?;
        let sets = match early {
            Some(sets) => sets,
            None => self.load_buried().await?,
        };
        let wanted = |listed: &[ObjectMeta], prefix: &str| -> Vec<Numbered> {
            let named = |meta: &ObjectMeta| {
                let at = key::name(&meta.key, prefix).and_then(key::parse_numbered)?;
                is_wanted(at.0).then(|| (at, meta.key.clone(), meta.modified))
            };
            listed.iter().filter_map(named).collect()
        };
        let (intents, graves, ungraves) = (
            wanted(&intents, key::INTENTS),
            wanted(&graves, key::GRAVES),
            wanted(&ungraves, key::UNGRAVES),
        );
        let mut all = Graves { sets, ..Graves::default() };
        if self.obeys(Rule::BuriedStaysDeleted) {
            all.buried = all.sets.sets.iter().flat_map(|set| &set.manifests).copied().collect();
        }
        all.intents = intents.into_iter().map(|(intent, _, since)| (intent, since)).collect();
        self.read_graves(&mut all, graves).await?;
        self.read_ungraves(&mut all, ungraves).await?;
        Ok(all)
    }

    /// Opens graves: what anybody may have written without the repository's keys deletes nothing.
    async fn read_graves(&self, all: &mut Graves, listed: Vec<Numbered>) -> Result<(), ReadError> {
        let keys = listed.iter().map(|(_, key, _)| key.clone()).collect();
        let docs = self.read_controls::<GraveDoc>(keys).await?;
        for (((manifest, n), key, since), doc) in listed.into_iter().zip(docs) {
            all.made.entry(manifest).or_default().insert(n, since);
            match doc {
                Ok(Some(_)) => {}
                // Only what is buried loses its graves.
                Ok(None) => drop(all.buried.insert(manifest)),
                Err(_) => drop(all.doubtful.insert(manifest, key)),
            }
        }
        Ok(())
    }

    async fn read_ungraves(
        &self,
        all: &mut Graves,
        listed: Vec<Numbered>,
    ) -> Result<(), ReadError> {
        let keys = listed.iter().map(|(_, key, _)| key.clone()).collect();
        let docs = self.read_controls::<UngraveDoc>(keys).await?;
        for ((grave, key, since), doc) in listed.into_iter().zip(docs) {
            let is_accepted = match doc {
                Ok(Some(UngraveDoc { accepted, .. })) => accepted,
                Ok(None) => {
                    all.buried.insert(grave.0);
                    false
                }
                Err(_) => {
                    all.doubtful.insert(grave.0, key);
                    false
                }
            };
            all.decided.insert(grave, Decision { is_accepted, since });
        }
        Ok(())
    }

    /// Deletes a backup: makes its grave. From then on nobody sees it; its data goes after the
    /// delay of the next collections.
    pub async fn delete(&self, id: ManifestId) -> Result<(), GraveError> {
        if let Some(hold) = self.active_hold(id).await? {
            return Err(held(id, hold));
        }
        let graves = self.load_graves_of(id).await?;
        graves.check(id)?;
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
                // A hold was made at the same time: both back off and the backup stays, unless it
                // cannot come back, because its data is being removed or is damaged.
                match self.undelete(id).await {
                    Ok(_) | Err(GraveError::NotDeleted { .. }) => Err(held(id, hold)),
                    Err(GraveError::TooLate { .. } | GraveError::Absent { .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Takes a deletion back, if all of the data is still there.
    pub async fn undelete(&self, id: ManifestId) -> Result<Manifest, GraveError> {
        let graves = self.load_graves_of(id).await?;
        graves.check(id)?;
        if graves.is_buried(id) {
            return Err(GraveError::TooLate { id });
        }
        let Some((grave, _)) = graves.open_grave(id) else {
            return Err(match self.read_manifest(id).await? {
                Some(_) => GraveError::NotDeleted { id },
                None => GraveError::Absent { id },
            });
        };
        let by = SessionId::random(&*self.env.rng);
        let intent = key::numbered(key::INTENTS, id, grave);
        if self.obeys(Rule::UndeleteIntent) {
            self.create_intent(&intent, &IntentDoc { by }).await?;
        }
        // After an error the intent stays: it protects until a collector decides the grave.
        let checked = self.check_undelete(id).await?;
        let decision = UngraveDoc { by, accepted: checked.is_some() };
        let at = key::numbered(key::UNGRAVES, id, grave);
        let decided = match self.create_control(&at, &decision).await? {
            Created::Ours => decision,
            Created::Theirs(theirs) => theirs,
        };
        // A refusal that was there before may be gone, but not before the backup was buried.
        let is_buried = self.obeys(Rule::UndeleteLooksAgain) && self.is_buried(id).await?;
        self.env.store.delete(&intent).await.map_err(ReadError::from)?;
        match checked {
            Some(manifest) if decided.accepted && !is_buried => Ok(manifest),
            _ => Err(GraveError::TooLate { id }),
        }
    }

    /// Makes the intent of an undelete. One that is there already does as well: it goes only after
    /// the grave is decided, by whomever, and then no undelete needs it.
    async fn create_intent(&self, at: &ObjectKey, doc: &IntentDoc) -> Result<(), ReadError> {
        match self.create_control(at, doc).await {
            Ok(_) | Err(ReadError::Damaged { .. }) => Ok(()),
            Err(ReadError::Store(error)) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a buried set names `id` now.
    async fn is_buried(&self, id: ManifestId) -> Result<bool, ReadError> {
        let BuriedSets { sets, unreadable: damaged } = self.load_buried().await?;
        let is_named = sets.iter().any(|set| set.manifests.contains(&id));
        match damaged.first() {
            Some(key) if !is_named => Err(unreadable(key)),
            _ => Ok(is_named),
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
        view.check_sets()?;
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
        let is_complete = crate::walk::every(&reader, &manifest, &is_there).await?;
        match view.unreadable.first() {
            // What is missing may be named there, and a refusal is for ever.
            Some(key) if !is_complete => {
                Err(ReadError::damaged(key, "it may name what the backup needs, and does not open"))
            }
            _ => Ok(is_complete.then_some(manifest)),
        }
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

    /// Whether a grave of `manifest` with this number is there, and is one.
    pub(crate) async fn has_grave(&self, manifest: ManifestId, n: u32) -> Result<bool, ReadError> {
        let at = key::numbered(key::GRAVES, manifest, n);
        Ok(self.read_control::<GraveDoc>(&at).await?.is_some())
    }
}

fn held(id: ManifestId, hold: Hold) -> GraveError {
    GraveError::Held { id, until: hold.until, kind: hold.kind }
}
