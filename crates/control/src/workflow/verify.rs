//! Reading a vault's repository back: is every byte of it what was written.
//!
//! # Concurrency and crash
//! It changes nothing but what the engine notes of damage, so it is simply repeated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_base::ErrorClass;
use strongroom_base::clock::BoxFuture;
use strongroom_model::{BackupId, VaultId};
use strongroom_task::{
    End, Outcome, Plan, Step, StepCx, StepError, UndoError, UnreadableError, Workflow,
};

use super::{Ended, Ground};

/// The code of a task that found damage (contract, 11b).
const DAMAGED: &str = "Strongroom.Damaged";

/// What shall be verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerifyParams {
    pub(crate) vault: VaultId,
    /// This backup alone shall be whole; without, everything in the vault.
    pub(crate) backup: Option<BackupId>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Objects that are damaged or missing.
    pub(crate) damaged: u64,
    /// Backups that cannot be restored whole.
    pub(crate) affected: u64,
    /// The backup that was asked about is one of them.
    pub(crate) is_asked_affected: bool,
}

impl Found {
    /// Whether what was asked about is whole.
    fn is_sound(&self, params: &VerifyParams) -> bool {
        match params.backup {
            Some(_) => !self.is_asked_affected,
            None => self.damaged == 0 && self.affected == 0,
        }
    }

    /// What users are told of damage; none where there is none.
    pub(crate) fn told(&self) -> Option<String> {
        let (damaged, affected) = (self.damaged, self.affected);
        let is_any = damaged > 0 || affected > 0;
        is_any.then(|| {
            let objects = if damaged == 1 { "object is" } else { "objects are" };
            let backups = if affected == 1 { "backup" } else { "backups" };
            format!(
                "{damaged} {objects} damaged; {affected} {backups} of the vault cannot be \
                 restored whole."
            )
        })
    }
}

/// What verifying acts on.
pub(crate) trait VerifyGround: Send + Sync {
    /// Reads the repository. Damage is an answer, no error.
    fn read_back<'a>(
        &'a self,
        cx: &'a StepCx<'_>,
        params: &'a VerifyParams,
    ) -> BoxFuture<'a, Result<Found, StepError>>;
}

/// Verifies vaults.
pub(crate) struct VerifyWorkflow(pub(crate) Arc<dyn Ground>);

impl Workflow for VerifyWorkflow {
    const NAME: &'static str = "verify";
    type Params = VerifyParams;

    fn plan(&self) -> Plan<VerifyParams> {
        Plan::new()
            .step(ReadBack(Arc::clone(&self.0)), |params: &VerifyParams, _| Ok(params.clone()))
            .on_end(ended)
    }
}

fn ended(params: &VerifyParams, outcome: &Outcome<'_>) -> Result<Ended, UnreadableError> {
    let found = match outcome.end {
        End::Succeeded => Some(outcome.outputs.of::<ReadBack>()?),
        _ => None,
    };
    let is_damaged = outcome.failure.is_some_and(|failure| failure.code == DAMAGED);
    let was_read = found.is_some() || is_damaged;
    let note = found.as_ref().and_then(Found::told);
    Ok(Ended::Verify { params: params.clone(), was_read, note })
}

struct ReadBack(Arc<dyn Ground>);

impl Step for ReadBack {
    const NAME: &'static str = "read";
    type In = VerifyParams;
    type Out = Found;

    async fn run(&self, cx: &StepCx<'_>, input: VerifyParams) -> Result<Found, StepError> {
        let found = self.0.read_back(cx, &input).await?;
        if found.is_sound(&input) {
            return Ok(found);
        }
        let message = found.told().unwrap_or_else(|| "The backup is damaged.".to_owned());
        Err(StepError::failed(ErrorClass::Corruption, DAMAGED, &message))
    }

    async fn undo(
        &self,
        _: &StepCx<'_>,
        _: VerifyParams,
        _: Option<Found>,
    ) -> Result<(), UndoError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_elsewhere_is_a_note_for_a_backup_and_a_failure_for_its_vault() {
        let vault = VaultId([1; 16]);
        let of = |backup| VerifyParams { vault, backup };
        let backup = Some(BackupId([2; 16]));
        let elsewhere = Found { damaged: 1, affected: 2, is_asked_affected: false };
        assert!(elsewhere.is_sound(&of(backup)) && !elsewhere.is_sound(&of(None)));
        let told = "1 object is damaged; 2 backups of the vault cannot be restored whole.";
        assert_eq!(elsewhere.told().as_deref(), Some(told));
        let here = Found { is_asked_affected: true, ..elsewhere };
        assert!(!here.is_sound(&of(backup)));
        assert!(Found::default().is_sound(&of(None)) && Found::default().told().is_none());
    }
}
