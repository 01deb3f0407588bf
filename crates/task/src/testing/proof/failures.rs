//! Steps that are repeated and steps that fail.

use std::sync::Arc;

use strongroom_base::ErrorClass;

use super::{BOTH, Broken, Proof, Proven, failing, go, once_at};
use crate::record::Act;
use crate::task::End;
use crate::testing::fault::Fault;
use crate::testing::lab::Case;
use crate::testing::probe::{Verdict, When};

impl<W: Proven> Proof<W> {
    /// Each step twice, and each undo twice.
    pub(super) fn repeats(&self) -> Result<(), Broken> {
        for (step, name) in self.each_step() {
            let case = once_at(step, Act::Run, When::Before, |_, _| Verdict::Twice, go);
            self.check("repeat a step", name, &case, End::Succeeded)?;
        }
        let Some(last) = self.last_to_fail() else { return Ok(()) };
        for (step, name) in self.each_step().take(last + 1) {
            let twice = |_: &_, _| Verdict::Twice;
            let case = once_at(step, Act::Undo, When::Before, twice, failing(last));
            self.check("repeat an undo", name, &case, End::Failed)?;
        }
        Ok(())
    }

    /// Each step fails in each way, on both sides of its effect.
    pub(super) fn failures(&self) -> Result<(), Broken> {
        for (step, name) in self.each_step() {
            for when in BOTH {
                let at = format!("{name}, {when:?} its effect");
                let fail = |class| move |_: &_, _| Verdict::Fail(class);
                let case = once_at(step, Act::Run, when, fail(ErrorClass::Retryable), go);
                self.check("fail a step once", &at, &case, End::Succeeded)?;
                for class in [ErrorClass::Permanent, ErrorClass::Corruption, ErrorClass::Retryable]
                {
                    if let Some(end) = self.end_of_failure(step, class, when) {
                        let case = always_at(step, when, class);
                        let at = format!("{at}, always {class:?}");
                        self.check("fail a step", &at, &case, end)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// How a task ends whose step always fails so; `None` where nothing is promised.
    fn end_of_failure(&self, step: usize, class: ErrorClass, when: When) -> Option<End> {
        match (step, class) {
            (step, _) if step < self.point => Some(End::Failed),
            // From the final step on a retryable failure is tried for ever.
            (_, ErrorClass::Retryable) => None,
            // A final step that says that it did not happen must not have happened.
            (step, _) if step == self.point => (when == When::Before).then_some(End::Failed),
            _ => Some(End::Stuck),
        }
    }

    /// Each undo fails once, and for good.
    pub(super) fn failures_of_undo(&self) -> Result<(), Broken> {
        let Some(last) = self.last_to_fail() else { return Ok(()) };
        for (step, name) in self.each_step().take(last + 1) {
            for when in BOTH {
                let at = format!("{name}, {when:?} its effect");
                let fail = |class| move |_: &_, _| Verdict::Fail(class);
                let retryable = fail(ErrorClass::Retryable);
                let case = once_at(step, Act::Undo, when, retryable, failing(last));
                self.check("fail an undo once", &at, &case, End::Failed)?;
                let permanent = fail(ErrorClass::Permanent);
                let case = once_at(step, Act::Undo, when, permanent, failing(last));
                self.check("fail an undo", &at, &case, End::Stuck)?;
            }
        }
        Ok(())
    }

    /// Each call to the store fails, loses its answer, or finds the right gone.
    pub(super) fn lost_answers(&self) -> Result<(), Broken> {
        for number in 1..=self.quiet.calls.min(MOST_CALLS) {
            for fault in [Fault::Before, Fault::After, Fault::Stale] {
                let case = Case {
                    fault: Arc::new(move |_, call| (call.number == number).then_some(fault)),
                    ..Case::default()
                };
                let at = format!("call {number} to the store, {fault:?}");
                self.check("lose an answer of the store", &at, &case, End::Succeeded)?;
            }
        }
        Ok(())
    }
}

/// Above the calls that one task makes; those of the idle worker afterwards say nothing.
const MOST_CALLS: u64 = 60;

fn always_at(step: usize, when: When, class: ErrorClass) -> Case {
    let trick = move |_: &_, moment: crate::testing::probe::Moment| {
        let is_here = (moment.step, moment.act, moment.when) == (step, Act::Run, when);
        if is_here { Verdict::Fail(class) } else { Verdict::Go }
    };
    Case { trick: Arc::new(trick), ..Case::default() }
}
