//! Verifies a repository: is everything there, is every byte what was written, which backups are
//! affected if not.
//!
//! # Why
//! A backup that cannot be restored must be known before it is needed, by name; and what is
//! damaged must be uploaded again when its content is next seen, so verify publishes it.
//!
//! # Not here
//! What no check can see: docs/invariants.md.

pub(crate) mod packs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_base::ids::ManifestId;
use strongroom_base::{ByteRange, CancelToken, ErrorClass, Progress};

use crate::buried::BuriedDoc;
use crate::catalog::BackupEntry;
use crate::condemned::CondemnedDoc;
use crate::crypto::UnitId;
use crate::damaged::DamagedDoc;
use crate::error::ReadError;
use crate::gc::census::listed_packs;
use crate::index::view::IndexView;
use crate::key::{self, PackId};
use crate::manifest::Manifest;
use crate::object::ObjectKey;
use crate::repository::Repository;
use crate::session::reader::{READER_MEMORY, UnitReader};
use crate::session::{EndDoc, Session, SessionDoc, SessionKind};
use crate::walk::{self, Visitor};

/// A collector that changes the index more often while we look is worth a later try.
const ROUNDS: u32 = 5;

/// How closely to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyLevel {
    /// Control objects, index and maps; packs only by presence and size.
    Structure,
    /// Also the seal of every frame.
    Authenticate,
    /// Also unpacks every frame and names every unit anew.
    #[default]
    Full,
}

/// How to verify.
#[derive(Clone, Default)]
pub struct VerifyOptions {
    /// How closely.
    pub level: VerifyLevel,
    /// Stops the work.
    pub cancel: CancelToken,
    /// Shows how far it has come, in bytes of packs.
    pub progress: Progress,
}

/// An object that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedObject {
    /// Which.
    pub key: ObjectKey,
    /// What does not agree.
    pub what: String,
}

/// A backup that cannot be restored whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedBackup {
    /// Which.
    pub id: ManifestId,
    /// Its manifest.
    pub manifest: Manifest,
    /// Units and nodes of it without a good copy.
    pub lost: u64,
}

/// What verify found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects that are damaged or missing.
    pub damaged: Vec<DamagedObject>,
    /// Backups that need them.
    pub affected: Vec<AffectedBackup>,
    /// Backups looked at.
    pub backups: u64,
    /// Packs looked at.
    pub packs: u64,
    /// Bytes read from packs.
    pub read: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.affected.is_empty()
    }
}

/// Why verify could not finish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The store failed.
    #[error("reading the repository")]
    Read(#[from] ReadError),
    /// The caller asked to stop.
    #[error("the verification was cancelled")]
    Cancelled,
}

impl VerifyError {
    /// What a caller may do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Read(error) => error.class(),
            Self::Cancelled => ErrorClass::Permanent,
        }
    }
}

impl Repository {
    /// Looks for damage, publishes what it finds, names the backups affected.
    pub async fn verify(&self, options: &VerifyOptions) -> Result<VerifyReport, VerifyError> {
        let memory = READER_MEMORY + packs::memory(self.env.compute.width());
        let _share = self.env.memory.share(memory as u64).await;
        let catalog = self.catalog().await?;
        let backups: Vec<_> =
            catalog.backups.into_iter().filter(|entry| entry.deleted.is_none()).collect();
        let targets = backups.iter().map(|entry| entry.id).collect();
        let session = self.announce(SessionKind::Reader, targets).await?;
        let mut backups: Vec<_> = backups;
        match self.load_graves().await {
            // What was deleted before the announcement may be collected meanwhile.
            Ok(graves) => backups.retain(|entry| !graves.holds(entry.id)),
            Err(error) => {
                self.end(session).await?;
                return Err(error.into());
            }
        }
        let verify = Verify {
            repo: self.clone(),
            session,
            options: options.clone(),
            report: VerifyReport { backups: backups.len() as u64, ..VerifyReport::default() },
            doc: DamagedDoc::default(),
        };
        let result = self.while_alive(session, verify.run(backups, catalog.damaged)).await;
        let ended = self.end(session).await;
        let report = result?;
        ended?;
        Ok(report)
    }
}

pub(crate) struct Verify {
    repo: Repository,
    session: Session,
    options: VerifyOptions,
    report: VerifyReport,
    /// What will be published.
    doc: DamagedDoc,
}

impl Verify {
    async fn run(
        mut self,
        backups: Vec<BackupEntry>,
        manifests: Vec<ObjectKey>,
    ) -> Result<VerifyReport, VerifyError> {
        for key in manifests {
            self.found(key, "its seal does not open or its document cannot be read");
        }
        self.control_objects().await?;
        let reader = Arc::new(UnitReader::new(&self.repo, self.repo.load_view().await?));
        for key in reader.view().unreadable.clone() {
            self.found(key, "it is not an index segment that was written for this place");
        }
        self.packs(&reader).await?;
        self.publish().await?;
        for round in 1.. {
            let reader = UnitReader::new(&self.repo, self.repo.load_view().await?);
            self.report.affected = self.backups(&reader, &backups).await?;
            // A collector may have moved units after this view was loaded: then it has changed.
            if self.report.affected.is_empty()
                || round == ROUNDS
                || reader.view().is_same(&self.repo.load_view().await?)
            {
                break;
            }
        }
        self.report.damaged.sort();
        self.report.damaged.dedup_by(|one, other| one.key == other.key);
        Ok(self.report)
    }

    fn found(&mut self, key: ObjectKey, what: &str) {
        self.report.damaged.push(DamagedObject { key, what: what.to_owned() });
    }

    /// Reads every control object that is no manifest.
    async fn control_objects(&mut self) -> Result<(), VerifyError> {
        self.readable::<SessionDoc>(key::SESSIONS).await?;
        self.readable::<EndDoc>(key::ENDS).await?;
        self.readable::<CondemnedDoc>(key::CONDEMNED).await?;
        self.readable::<DamagedDoc>(key::DAMAGED).await?;
        self.readable::<BuriedDoc>(key::BURIED).await?;
        for prefix in [key::GRAVES, key::UNGRAVES, key::INTENTS, key::HOLDS, key::ALIVE, key::DONE]
        {
            self.readable::<serde::de::IgnoredAny>(prefix).await?;
        }
        for damaged in self.repo.damaged_slots().await? {
            self.found(damaged, "it is not a key slot that was written for this repository");
        }
        Ok(())
    }

    async fn readable<T: serde::de::DeserializeOwned>(
        &mut self,
        prefix: &str,
    ) -> Result<(), VerifyError> {
        for meta in self.repo.list(prefix).await? {
            match self.repo.read_control::<T>(&meta.key).await {
                Ok(_) => {}
                Err(ReadError::Damaged { key, what }) => self.found(key, what),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Publishes what was found in packs, so that writers do not refer to it.
    async fn publish(&mut self) -> Result<(), ReadError> {
        if self.doc == DamagedDoc::default() {
            return Ok(());
        }
        let at = key::numbered(key::DAMAGED, self.session.id, 0);
        self.repo.create_control(&at, &self.doc).await?;
        Ok(())
    }

    /// Checks every backup's maps against the places that are good.
    async fn backups(
        &mut self,
        reader: &UnitReader,
        backups: &[BackupEntry],
    ) -> Result<Vec<AffectedBackup>, VerifyError> {
        let mut affected = Vec::new();
        let view = reader.view();
        let present = self.present(&view).await?;
        let present: BTreeSet<_> = present.into_keys().collect();
        let mut sound = BTreeSet::new();
        for entry in backups {
            if self.options.cancel.is_cancelled() {
                return Err(VerifyError::Cancelled);
            }
            let is_there = |id: UnitId| {
                view.copies(&id).any(|copy| {
                    present.contains(&copy.location.pack) && !view.damaged.holds(&copy.location)
                })
            };
            let mut check = Check { is_there: &is_there, sound: &mut sound, leaf: None, lost: 0 };
            walk::visit(reader, &entry.manifest, &mut check).await?;
            let lost = check.end();
            if lost > 0 {
                let (id, manifest) = (entry.id, entry.manifest.clone());
                affected.push(AffectedBackup { id, manifest, lost });
            }
        }
        Ok(affected)
    }

    /// The packs that are there, with their sizes. The listing of packs may be behind, so one that
    /// it lacks although the index names it is asked for by its name.
    pub(super) async fn present(
        &self,
        view: &IndexView,
    ) -> Result<BTreeMap<PackId, u64>, ReadError> {
        let mut present = listed_packs(&self.repo.env.store.list(key::PACKS).await?);
        for pack in view.packs() {
            if present.contains_key(&pack.id) {
                continue;
            }
            let last = ByteRange { start: pack.size.saturating_sub(1), end: pack.size };
            match self.repo.env.store.get_range(&pack.id.key(), last).await {
                Ok(_) => drop(present.insert(pack.id, pack.size)),
                Err(error) if error.class() == ErrorClass::Retryable => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(present)
    }
}

/// Counts what a backup has lost. Backups share most of their leaves: one that was found whole is
/// not looked at again, at 32 bytes and some for each leaf of 256 units.
struct Check<'f> {
    is_there: &'f (dyn Fn(UnitId) -> bool + Sync),
    sound: &'f mut BTreeSet<UnitId>,
    /// The node entered last, and what was lost until then, once a unit of it was seen.
    leaf: Option<Leaf>,
    lost: u64,
}

struct Leaf {
    id: UnitId,
    lost_before: u64,
    has_units: bool,
}

impl Check<'_> {
    /// Notes whether the leaf that ends here is whole.
    fn end_leaf(&mut self) {
        if let Some(leaf) = self.leaf.take()
            && leaf.has_units
            && leaf.lost_before == self.lost
        {
            self.sound.insert(leaf.id);
        }
    }

    fn end(mut self) -> u64 {
        self.end_leaf();
        self.lost
    }
}

impl Visitor for Check<'_> {
    fn enter(&mut self, node: UnitId) -> bool {
        self.end_leaf();
        if self.sound.contains(&node) {
            return false;
        }
        let there = (self.is_there)(node);
        self.lost += u64::from(!there);
        self.leaf = Some(Leaf { id: node, lost_before: self.lost, has_units: false });
        there
    }

    fn unit(&mut self, unit: UnitId) {
        self.lost += u64::from(!(self.is_there)(unit));
        if let Some(leaf) = &mut self.leaf {
            leaf.has_units = true;
        }
    }

    fn unreadable(&mut self, _node: UnitId, error: ReadError) -> Result<(), ReadError> {
        self.lost += 1;
        match error.class() {
            ErrorClass::Corruption => Ok(()),
            _ => Err(error),
        }
    }
}
