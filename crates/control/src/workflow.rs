//! What tasks do: one file for each workflow, its steps, and the ground that they act on.
//!
//! # Why
//! Steps say in which order things happen; what happens is behind a trait for each workflow, so
//! that the proofs run every step against a world in memory, with every kind of accident.
//!
//! # Invariants
//! - CTL-12: rows tell the end of a task in the transaction of the end; a step writes none that a
//!   client reads as an end.
//! - CTL-13: a manifest that no row will ever name is the same as none: [`crate::reconcile`] gives it
//!   a grave.

mod backup;
mod bury;
mod ended;
mod note;
mod restore;
#[cfg(test)]
mod testing;
mod verify;

use std::sync::Arc;

pub(crate) use backup::{BackupGround, BackupParams, BackupWorkflow, Prepared, Written};
pub(crate) use bury::{Bury, BuryGround, BuryWorkflow, Deletion, Doomed, Kept};
pub(crate) use ended::Ended;
pub(crate) use note::{BackupNote, NotedBackup};
pub(crate) use restore::{RestoreGround, RestoreParams, RestoreWorkflow, Write};
pub(crate) use verify::{Found, VerifyGround, VerifyParams, VerifyWorkflow};

/// Everything that workflows act on.
pub(crate) trait Ground: BackupGround + RestoreGround + BuryGround + VerifyGround {}

impl<G: BackupGround + RestoreGround + BuryGround + VerifyGround> Ground for G {}

strongroom_task::registry! {
    /// All that the service does in the background.
    pub(crate) fn registry(ground: &Arc<dyn Ground>);
    proven by every_workflow_keeps_its_promises;
    BackupWorkflow = BackupWorkflow::new(ground),
    RestoreWorkflow = RestoreWorkflow(ground.clone()),
    BuryWorkflow = BuryWorkflow(ground.clone()),
    VerifyWorkflow = VerifyWorkflow(ground.clone()),
}
