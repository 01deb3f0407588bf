//! Disks, a repository and rows as vectors and maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use strongroom_base::ErrorClass;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::{ManifestId, SessionId};
use strongroom_model::backup::BackupStatus;
use strongroom_model::{BackupId, ResourceId};
use strongroom_task::{End, Fence, StepCx, StepError, UndoError};

use crate::workflow::{
    BackupGround, BackupParams, Bury, BuryGround, Ended, Found, Kept, Prepared, RestoreGround,
    RestoreParams, VerifyGround, VerifyParams, Written,
};

/// What the disks hold at first, and after they were changed.
const FIRST: u8 = 1;
const CHANGED: u8 = 2;
const LENGTH: usize = 8;
/// How long reading or writing half of a disk takes.
const HALF: Duration = Duration::from_secs(3);

/// A world.
pub(crate) struct Lab(Mutex<World>);

#[derive(Default)]
struct World {
    disks: BTreeMap<ResourceId, Vec<u8>>,
    manifests: BTreeMap<ManifestId, Manifest>,
    /// What the rows of available backups name.
    rows: BTreeMap<BackupId, ManifestId>,
    held: BTreeSet<BackupId>,
    /// The newest right with which anything was written.
    newest: Fence,
    /// What was told of the end.
    end: Option<End>,
    /// The repository was read back, as its row says.
    is_verified: bool,
    /// Disks that rows call half written.
    spoilt: BTreeSet<ResourceId>,
}

struct Manifest {
    backup: BackupId,
    disks: BTreeMap<ResourceId, Vec<u8>>,
    is_buried: bool,
    /// Committed by a worker that had lost its task.
    is_late: bool,
}

impl World {
    /// Whether whoever holds this right has lost the task.
    fn is_late(&mut self, fence: Fence) -> bool {
        self.newest = self.newest.max(fence);
        fence < self.newest || self.end.is_some()
    }

    fn commit(&mut self, backup: BackupId, is_late: bool) -> ManifestId {
        let number = u8::try_from(self.manifests.len()).expect("few manifests");
        let (id, disks) = (SessionId([number; 16]), self.disks.clone());
        self.manifests.insert(id, Manifest { backup, disks, is_buried: false, is_late });
        id
    }

    fn visible(&self, backup: BackupId) -> Option<ManifestId> {
        let ours = |(_, one): &(&ManifestId, &Manifest)| one.backup == backup && !one.is_buried;
        self.manifests.iter().find(ours).map(|(id, _)| *id)
    }

    /// How a disk shows: as what was backed up, as what it was changed to, or as neither.
    fn state_of(&self, disk: ResourceId, bytes: &[u8]) -> &'static str {
        let all = |byte: u8| bytes.iter().all(|it| *it == byte);
        match (self.spoilt.contains(&disk), all(FIRST), all(CHANGED)) {
            // Rows tell who must not trust it; to the proofs, an undone restore.
            (true, ..) | (_, _, true) => "not restored",
            (_, true, _) => "as backed up",
            _ => "HALF WRITTEN AND NOBODY SAYS SO",
        }
    }
}

impl Lab {
    /// A world with these disks and an empty vault.
    pub(super) fn new(disks: &[ResourceId]) -> Self {
        let disks = disks.iter().map(|disk| (*disk, vec![FIRST; LENGTH])).collect();
        Self(Mutex::new(World { disks, ..World::default() }))
    }

    /// Puts an available backup of the disks there.
    pub(super) fn put(&self, backup: BackupId) {
        let mut world = self.world();
        let id = world.commit(backup, false);
        world.rows.insert(backup, id);
    }

    /// Puts a hold on a backup.
    pub(super) fn hold(&self, backup: BackupId) {
        self.world().held.insert(backup);
    }

    /// Changes what the disks hold.
    pub(super) fn change(&self, disks: &[ResourceId]) {
        for disk in disks {
            self.world().disks.insert(*disk, vec![CHANGED; LENGTH]);
        }
    }

    /// What a backup's row names.
    pub(super) fn named(&self, backup: BackupId) -> Option<ManifestId> {
        self.world().rows.get(&backup).copied()
    }

    /// Writes the end into the rows, as the service does.
    pub(super) fn end(&self, ended: &Ended) {
        let mut world = self.world();
        match ended {
            Ended::Backup { params, written, end } => {
                world.end = Some(*end);
                if let Some(written) = written {
                    world.rows.insert(params.backup, written.manifest);
                }
            }
            Ended::Restore { params, has_begun, end } => {
                world.end = Some(*end);
                if *has_begun && *end != End::Succeeded {
                    world.spoilt.extend(params.writes.iter().map(|write| write.disk));
                }
            }
            Ended::Bury { params, kept, end } => {
                world.end = Some(*end);
                for doomed in &params.backups {
                    let is_available = doomed.was == BackupStatus::Available;
                    if !(kept.whole.contains(&doomed.backup) && is_available) {
                        world.rows.remove(&doomed.backup);
                    }
                }
            }
            Ended::Verify { was_read, .. } => world.is_verified = *was_read,
        }
    }

    /// What clients can come to see.
    pub(super) fn look(&self) -> String {
        let world = self.world();
        let mut look = String::new();
        for (backup, id) in &world.rows {
            if world.manifests.get(id).is_none_or(|manifest| manifest.is_buried) {
                writeln!(look, "BACKUP {backup} IS SHOWN AND GONE").expect("strings take all");
            }
        }
        for manifest in world.manifests.values() {
            if !manifest.is_buried && !manifest.is_late {
                writeln!(look, "backup {}: {:?}", manifest.backup, manifest.disks)
                    .expect("strings take all");
            }
        }
        for (disk, bytes) in &world.disks {
            writeln!(look, "disk {disk}: {}", world.state_of(*disk, bytes))
                .expect("strings take all");
        }
        if world.is_verified {
            look.push_str("verified\n");
        }
        look
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no holder of this lock panics")
    }

    fn fill(&self, disk: ResourceId, half: usize, byte: u8) {
        let mut world = self.world();
        let bytes = world.disks.get_mut(&disk).expect("all disks are there");
        bytes.iter_mut().skip(half * LENGTH / 2).take(LENGTH / 2).for_each(|it| *it = byte);
    }
}

impl BackupGround for Lab {
    fn prepare<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Prepared, StepError>> {
        Box::pin(async move {
            let world = self.world();
            let parent = world.rows.iter().find(|(backup, _)| **backup != params.backup);
            Ok(Prepared { parent: parent.map(|(_, manifest)| *manifest) })
        })
    }

    fn find<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Option<Written>, StepError>> {
        Box::pin(async move {
            let found = self.world().visible(params.backup);
            Ok(found.map(|manifest| Written { manifest, stored: 1, is_incremental: true }))
        })
    }

    fn write<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a BackupParams,
        _: &'a Prepared,
    ) -> BoxFuture<'a, Result<Written, StepError>> {
        Box::pin(async move {
            self.world().is_late(cx.fence());
            cx.sleep(HALF).await?;
            let mut world = self.world();
            let is_late = world.is_late(cx.fence());
            let manifest = world.commit(params.backup, is_late);
            Ok(Written { manifest, stored: 1, is_incremental: true })
        })
    }

    fn discard<'a>(&'a self, params: &'a BackupParams) -> BoxFuture<'a, Result<(), UndoError>> {
        Box::pin(async move {
            let mut world = self.world();
            let ours = world.manifests.values_mut().filter(|one| one.backup == params.backup);
            ours.for_each(|manifest| manifest.is_buried = true);
            Ok(())
        })
    }
}

impl RestoreGround for Lab {
    fn check<'a>(
        &'a self,
        params: &'a RestoreParams,
    ) -> BoxFuture<'a, Result<ManifestId, StepError>> {
        Box::pin(async move { Ok(self.named(params.backup).expect("the backup is available")) })
    }

    fn overwrite<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a RestoreParams,
        _: ManifestId,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            if self.world().is_late(cx.fence()) {
                let why = "another worker has the task";
                return Err(StepError::failed(ErrorClass::Permanent, "Lab.Late", why));
            }
            for write in &params.writes {
                self.fill(write.disk, 0, FIRST);
                cx.sleep(HALF).await?;
                self.fill(write.disk, 1, FIRST);
            }
            Ok(())
        })
    }
}

impl BuryGround for Lab {
    fn bury<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a Bury,
    ) -> BoxFuture<'a, Result<Kept, StepError>> {
        Box::pin(async move {
            let mut kept = Kept::default();
            for doomed in &params.backups {
                cx.clock().sleep(HALF).await;
                let mut world = self.world();
                if world.held.contains(&doomed.backup) {
                    kept.whole.push(doomed.backup);
                } else if let Some(manifest) = doomed.manifest {
                    let manifest = world.manifests.get_mut(&manifest);
                    manifest.expect("it was there").is_buried = true;
                }
            }
            Ok(kept)
        })
    }
}

impl VerifyGround for Lab {
    fn read_back<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        _: &'a VerifyParams,
    ) -> BoxFuture<'a, Result<Found, StepError>> {
        Box::pin(async move {
            cx.sleep(HALF).await?;
            cx.sleep(HALF).await?;
            Ok(Found::default())
        })
    }
}
