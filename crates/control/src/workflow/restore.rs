//! Writing a backup over disks.
//!
//! # Concurrency and crash
//! A disk in place is partly written until the end; the same restore again writes all of it. What
//! is left after a failure or a cancellation is neither old nor new, and its row says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::ManifestId;
use strongroom_model::{BackupId, ResourceId, VaultId};
use strongroom_task::{
    Outcome, Plan, Step, StepCx, StepError, UndoError, UnreadableError, Workflow,
};

use super::{Ended, Ground};

/// What shall be written where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoreParams {
    pub(crate) backup: BackupId,
    pub(crate) vault: VaultId,
    pub(crate) writes: Vec<Write>,
}

/// A disk of the manifest, and the one that it is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Write {
    /// Its name in the manifest.
    pub(crate) name: String,
    /// The target.
    pub(crate) disk: ResourceId,
    /// An earlier restore left it half written; one that never begins to write leaves it so.
    pub(crate) was_spoilt: bool,
}

/// What a restore acts on.
pub(crate) trait RestoreGround: Send + Sync {
    /// Finds the manifest, and tries whether every target can be opened.
    fn check<'a>(
        &'a self,
        params: &'a RestoreParams,
    ) -> BoxFuture<'a, Result<ManifestId, StepError>>;

    /// Writes all disks; refused once another worker has the task, or the task has ended.
    fn overwrite<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a RestoreParams,
        manifest: ManifestId,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

/// Restores backups.
pub(crate) struct RestoreWorkflow(pub(crate) Arc<dyn Ground>);

impl Workflow for RestoreWorkflow {
    const NAME: &'static str = "restore";
    type Params = RestoreParams;

    fn plan(&self) -> Plan<RestoreParams> {
        Plan::new()
            .step(Check(Arc::clone(&self.0)), |params: &RestoreParams, _| Ok(params.clone()))
            .step(Overwrite(Arc::clone(&self.0)), |params: &RestoreParams, outputs| {
                Ok((params.clone(), outputs.of::<Check>()?))
            })
            .on_end(ended)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a plan wants a result")]
fn ended(params: &RestoreParams, outcome: &Outcome<'_>) -> Result<Ended, UnreadableError> {
    let has_begun = outcome.outputs.of::<Check>().is_ok();
    Ok(Ended::Restore { params: params.clone(), has_begun, end: outcome.end })
}

struct Check(Arc<dyn Ground>);

impl Step for Check {
    const NAME: &'static str = "check";
    type In = RestoreParams;
    type Out = ManifestId;

    async fn run(&self, cx: &StepCx<'_>, input: RestoreParams) -> Result<ManifestId, StepError> {
        let manifest = self.0.check(&input).await?;
        // A task that is stopped here has not touched any disk, and its log must not look so.
        match cx.stop_reason() {
            Some(_) => Err(StepError::Stopped),
            None => Ok(manifest),
        }
    }

    async fn undo(
        &self,
        _: &StepCx<'_>,
        _: RestoreParams,
        _: Option<ManifestId>,
    ) -> Result<(), UndoError> {
        Ok(())
    }
}

struct Overwrite(Arc<dyn Ground>);

impl Step for Overwrite {
    const NAME: &'static str = "overwrite";
    type In = (RestoreParams, ManifestId);
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, input: Self::In) -> Result<(), StepError> {
        self.0.overwrite(cx, &input.0, input.1).await
    }

    async fn undo(&self, _: &StepCx<'_>, _: Self::In, _: Option<()>) -> Result<(), UndoError> {
        // What was on the disk is nowhere; the end of the task marks it.
        Ok(())
    }
}
