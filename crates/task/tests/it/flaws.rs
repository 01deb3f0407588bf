//! The proofs find what they are for: each flaw breaks a proof.

use strongroom_task::testing::prove;

use crate::bank::{Transfer, flaw};

fn broken_proof<const FLAW: u8>() -> &'static str {
    prove::<Transfer<FLAW>>().expect_err("a flawed workflow passes").proof
}

#[test]
fn flawed_workflows_are_found() {
    assert_eq!(broken_proof::<{ flaw::IDLE }>(), "quiet run");
    assert_eq!(broken_proof::<{ flaw::NOT_REPEATABLE }>(), "repeat a step");
    assert_eq!(broken_proof::<{ flaw::WRONG_UNDO }>(), "repeat an undo");
    assert_eq!(broken_proof::<{ flaw::UNDO_NOT_REPEATABLE }>(), "repeat an undo");
    assert_eq!(broken_proof::<{ flaw::UNDO_NEEDS_OUTPUT }>(), "repeat an undo");
    assert_eq!(broken_proof::<{ flaw::UNFENCED }>(), "steal the lease, then undo");
}

#[test]
fn flawless_workflow_passes() {
    assert_eq!(prove::<Transfer>(), Ok(()));
}
