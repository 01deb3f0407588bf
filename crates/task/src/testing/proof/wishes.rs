//! Users who cancel and workers that are asked to shut down.

use super::{BOTH, Broken, Proof, Proven, failing, go, once_at};
use crate::record::{Act, Record};
use crate::task::End;
use crate::testing::lab::{Case, Hand, run};
use crate::testing::probe::{Moment, Verdict};

impl<W: Proven> Proof<W> {
    /// The user cancels in each step, and the worker is shut down in each step and undo.
    pub(super) fn wishes(&self) -> Result<(), Broken> {
        for (step, name) in self.each_step() {
            for when in BOTH {
                let at = format!("{name}, {when:?} its effect");
                let end = self.end_if_cancelled(step);
                // From the final step on nobody asks the step to stop.
                let verdict = if end == End::Cancelled { Verdict::Heed } else { Verdict::Go };
                let cancel = move |hand: &Hand, _: Moment| {
                    hand.cancel();
                    verdict
                };
                let case = once_at(step, Act::Run, when, cancel, go);
                self.check("cancel", &at, &case, end)?;
                let case = once_at(step, Act::Run, when, shut_down, go);
                self.shutdown(&at, &case, End::Succeeded, 0)?;
                if step < self.point {
                    let last = self.last_to_fail().unwrap_or(step);
                    let case = once_at(step, Act::Undo, when, shut_down, failing(last));
                    self.shutdown(&format!("the undo of {at}"), &case, End::Failed, 1)?;
                }
            }
        }
        Ok(())
    }

    /// A shutdown must leave no more failures in the log than the case itself makes.
    fn shutdown(&self, at: &str, case: &Case, end: End, failures: usize) -> Result<(), Broken> {
        let seen = run::<W>(case);
        self.expect("shut down", &at, &seen, end)?;
        let is_failure = |record: &&Record| matches!(record, Record::Failed { .. });
        let is_back = |record: &Record| matches!(record, Record::HandedBack { .. });
        if seen.log.iter().filter(is_failure).count() != failures {
            return Err(Self::broken("shut down", &at, "the shutdown counts as a failure"));
        }
        if !seen.log.iter().any(is_back) {
            return Err(Self::broken("shut down", &at, "the task was not handed back"));
        }
        Ok(())
    }
}

fn shut_down(hand: &Hand, _: Moment) -> Verdict {
    hand.shut_down();
    Verdict::Heed
}
