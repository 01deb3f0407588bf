//! Every example workflow stands every proof.

use std::sync::Arc;

use crate::bank::{Bank, Transfer};
use crate::disk::{Disks, Filling};
use crate::shelf::{Publication, Shelf};

strongroom_task::registry! {
    /// The example workflows.
    // proves: TASK-5, TASK-7, TASK-8, TASK-10
    pub(crate) fn examples(bank: &Arc<Bank>, shelf: &Arc<Shelf>, disks: &Arc<Disks>);
    proven by every_workflow_keeps_its_promises;
    Transfer = Transfer(Arc::clone(bank)),
    Publication = Publication(Arc::clone(shelf)),
    Filling = Filling(Arc::clone(disks)),
}
