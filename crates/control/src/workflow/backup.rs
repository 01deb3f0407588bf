//! Making a backup: choose what to compare with, write, tell.
//!
//! # Concurrency and crash
//! The manifest's commit is where the backup comes to be. A worker that died after it left a
//! manifest that carries the backup's id: the next one finds it and goes on from there. A worker
//! that slept through its lease may commit a second one, which no row will name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::{ManifestId, TaskId};
use strongroom_model::{BackupId, ResourceId, VaultId};
use strongroom_task::{
    Fence, Outcome, Plan, Step, StepCx, StepError, UndoError, UnreadableError, Workflow,
};

use super::{Ended, Ground};

/// What shall be backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupParams {
    pub(crate) backup: BackupId,
    pub(crate) vault: VaultId,
    pub(crate) resource: ResourceId,
    /// Its disks, in the order in which the manifest has them.
    pub(crate) disks: Vec<ResourceId>,
    /// Compare with the last backup of the resource.
    pub(crate) is_incremental: bool,
}

/// What was found before the writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// What to compare with.
    pub(crate) parent: Option<ManifestId>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) manifest: ManifestId,
    /// Bytes that it added to the store.
    pub(crate) stored: u64,
    pub(crate) is_incremental: bool,
}

/// What making a backup acts on.
pub(crate) trait BackupGround: Send + Sync {
    /// Makes the vault's repository if there is none, and finds what to compare with.
    fn prepare<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Prepared, StepError>>;

    /// What an earlier attempt has committed.
    fn find<'a>(
        &'a self,
        params: &'a BackupParams,
    ) -> BoxFuture<'a, Result<Option<Written>, StepError>>;

    /// Reads the disks and commits.
    fn write<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a BackupParams,
        prepared: &'a Prepared,
    ) -> BoxFuture<'a, Result<Written, StepError>>;

    /// Deletes whatever was committed for this backup.
    fn discard<'a>(&'a self, params: &'a BackupParams) -> BoxFuture<'a, Result<(), UndoError>>;
}

/// Makes backups.
pub(crate) struct BackupWorkflow {
    ground: Arc<dyn Ground>,
    begun: Arc<Begun>,
}

impl BackupWorkflow {
    pub(crate) fn new(ground: &Arc<dyn Ground>) -> Self {
        Self { ground: Arc::clone(ground), begun: Arc::default() }
    }
}

/// The tasks whose writing was begun in this process, for its life: sixteen bytes each.
#[derive(Debug, Default)]
struct Begun(Mutex<BTreeSet<TaskId>>);

impl Begun {
    /// Whether nobody can have committed anything for the task yet: it never had another worker,
    /// and this one begins only now. Looking for manifests takes a request for each in the vault.
    fn is_first(&self, cx: &StepCx<'_>) -> bool {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cx.task());
        is_new && cx.fence() <= Fence(1)
    }
}

impl Workflow for BackupWorkflow {
    const NAME: &'static str = "backup";
    type Params = BackupParams;

    fn plan(&self) -> Plan<BackupParams> {
        Plan::new()
            .step(Prepare(Arc::clone(&self.ground)), |params: &BackupParams, _| Ok(params.clone()))
            .step(self.writing(), |params: &BackupParams, outputs| {
                Ok((params.clone(), outputs.of::<Prepare>()?))
            })
            .on_end(ended)
    }
}

impl BackupWorkflow {
    fn writing(&self) -> WriteDisks {
        WriteDisks { ground: Arc::clone(&self.ground), begun: Arc::clone(&self.begun) }
    }
}

fn ended(params: &BackupParams, outcome: &Outcome<'_>) -> Result<Ended, UnreadableError> {
    let written = match outcome.end {
        strongroom_task::End::Succeeded => Some(outcome.outputs.of::<WriteDisks>()?),
        _ => None,
    };
    Ok(Ended::Backup { params: params.clone(), written, end: outcome.end })
}

struct Prepare(Arc<dyn Ground>);

impl Step for Prepare {
    const NAME: &'static str = "prepare";
    type In = BackupParams;
    type Out = Prepared;

    async fn run(&self, _: &StepCx<'_>, input: BackupParams) -> Result<Prepared, StepError> {
        self.0.prepare(&input).await
    }

    async fn undo(
        &self,
        _: &StepCx<'_>,
        _: BackupParams,
        _: Option<Prepared>,
    ) -> Result<(), UndoError> {
        // An empty repository is what the next backup begins with.
        Ok(())
    }
}

struct WriteDisks {
    ground: Arc<dyn Ground>,
    begun: Arc<Begun>,
}

impl Step for WriteDisks {
    const NAME: &'static str = "write";
    type In = (BackupParams, Prepared);
    type Out = Written;

    async fn run(&self, cx: &StepCx<'_>, input: Self::In) -> Result<Written, StepError> {
        let (params, prepared) = &input;
        if !self.begun.is_first(cx)
            && let Some(written) = self.ground.find(params).await?
        {
            return Ok(written);
        }
        self.ground.write(cx, params, prepared).await
    }

    async fn undo(
        &self,
        _: &StepCx<'_>,
        input: Self::In,
        _: Option<Written>,
    ) -> Result<(), UndoError> {
        self.ground.discard(&input.0).await
    }
}
