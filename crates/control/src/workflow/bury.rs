//! Deleting backups: one, those of some resources, or all of a vault.
//!
//! # Concurrency and crash
//! Each backup gets a grave in its repository; that is done once and the same grave again is no
//! error, so the step is simply repeated. Its bytes go later, with the collections.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::ManifestId;
use strongroom_model::backup::{Backup, BackupStatus};
use strongroom_model::vault::VaultStatus;
use strongroom_model::{BackupId, ResourceId, VaultId};
use strongroom_task::{
    End, Outcome, Plan, Step, StepCx, StepError, UndoError, UnreadableError, Workflow,
};

use super::{Ended, Ground};

/// What goes with the backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deletion {
    /// Nothing: one backup was deleted.
    Backup { backup: BackupId },
    /// Resources leave their vault.
    Resources { vault: VaultId, resources: Vec<ResourceId> },
    /// The vault, which was in this state.
    Vault { vault: VaultId, was: VaultStatus },
}

/// A backup to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doomed {
    pub(crate) backup: BackupId,
    /// None if it failed.
    pub(crate) manifest: Option<ManifestId>,
    /// Its state before: what is not deleted after all goes back to it.
    pub(crate) was: BackupStatus,
}

impl Doomed {
    pub(crate) fn of(backup: &Backup) -> Self {
        Self { backup: backup.id, manifest: backup.manifest_id, was: backup.status }
    }
}

/// Backups that are still there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// As they were: somebody holds them, or nothing was begun.
    pub(crate) whole: Vec<BackupId>,
    /// Whether they are still whole is not known.
    pub(crate) doubtful: Vec<BackupId>,
}

impl Kept {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.whole.len() + self.doubtful.len()
    }

    /// Whether this one is among them.
    pub(crate) fn contains(&self, backup: BackupId) -> bool {
        self.whole.contains(&backup) || self.doubtful.contains(&backup)
    }
}

/// Backups to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bury {
    pub(crate) deletion: Deletion,
    pub(crate) vault: VaultId,
    pub(crate) backups: Vec<Doomed>,
}

/// What deleting acts on.
pub(crate) trait BuryGround: Send + Sync {
    /// Gives each manifest a grave. The answer has those backups that stay. What cannot succeed
    /// for one of them is no error: the others have their graves.
    fn bury<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a Bury,
    ) -> BoxFuture<'a, Result<Kept, StepError>>;
}

/// Deletes backups.
pub(crate) struct BuryWorkflow(pub(crate) Arc<dyn Ground>);

impl Workflow for BuryWorkflow {
    const NAME: &'static str = "delete";
    type Params = Bury;

    fn plan(&self) -> Plan<Bury> {
        Plan::new()
            .step(Graves(Arc::clone(&self.0)), |params: &Bury, _| Ok(params.clone()))
            .on_end(ended)
    }
}

fn ended(params: &Bury, outcome: &Outcome<'_>) -> Result<Ended, UnreadableError> {
    let all = || params.backups.iter().map(|doomed| doomed.backup).collect();
    let kept = match outcome.end {
        End::Succeeded => outcome.outputs.of::<Graves>()?,
        // Only a task that never ran can be cancelled.
        End::Cancelled => Kept { whole: all(), doubtful: Vec::new() },
        _ => Kept { whole: Vec::new(), doubtful: all() },
    };
    Ok(Ended::Bury { params: params.clone(), kept, end: outcome.end })
}

struct Graves(Arc<dyn Ground>);

impl Step for Graves {
    const NAME: &'static str = "graves";
    // Half of the graves cannot be taken back for sure, so there is no way back from the first.
    const FINAL: bool = true;
    type In = Bury;
    type Out = Kept;

    async fn run(&self, cx: &StepCx<'_>, input: Bury) -> Result<Kept, StepError> {
        self.0.bury(cx, &input).await
    }

    async fn undo(&self, _: &StepCx<'_>, _: Bury, _: Option<Kept>) -> Result<(), UndoError> {
        Ok(())
    }
}
