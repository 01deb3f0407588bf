//! Workers that die, and workers that sleep while another one takes their task.

use std::sync::Arc;
use std::time::Duration;

use super::{BOTH, Broken, Proof, Proven, failing, go, once_at};
use crate::record::Act;
use crate::task::End;
use crate::testing::fault::Fault;
use crate::testing::lab::{Case, Hand, run};
use crate::testing::probe::{Moment, Verdict};

/// Far above the polls that one task takes until it ends.
const MOST_POLLS: u64 = 400;

/// Random histories for each workflow.
const HISTORIES: u64 = 40;

impl<W: Proven> Proof<W> {
    /// The worker dies at each of its awaits, forward and backward: so also on both sides of each
    /// write to the log. Another one goes on.
    pub(super) fn deaths(&self) -> Result<(), Broken> {
        for polls in 1..=self.quiet.polls.min(MOST_POLLS) {
            let case = Case { dies_after: Some(polls), ..Case::default() };
            self.check("kill forward", &format!("poll {polls}"), &case, End::Succeeded)?;
        }
        let Some(last) = self.last_to_fail() else { return Ok(()) };
        let backward = |dies_after| {
            let failing = failing(last);
            let trick = move |_: &Hand, moment: Moment| failing(moment);
            Case { trick: Arc::new(trick), dies_after, ..Case::default() }
        };
        let quiet = run::<W>(&backward(None));
        self.expect("unwind", &"nothing else", &quiet, End::Failed)?;
        for polls in 1..=quiet.polls.min(MOST_POLLS) {
            let (case, at) = (backward(Some(polls)), format!("poll {polls}"));
            self.check("kill backward", &at, &case, End::Failed)?;
        }
        Ok(())
    }

    /// The worker sleeps through its lease in each step; another one ends the task, or undoes it
    /// for a user who cancelled; then the first one wakes and goes on.
    pub(super) fn thefts(&self) -> Result<(), Broken> {
        for (step, name) in self.each_step() {
            for when in BOTH {
                let at = format!("{name}, {when:?} its effect");
                let steal = |hand: &Hand, moment: Moment| {
                    hand.pause(moment.actor);
                    Verdict::Go
                };
                let case = once_at(step, Act::Run, when, steal, go);
                self.check("steal the lease", &at, &case, End::Succeeded)?;
                let steal_and_cancel = |hand: &Hand, moment: Moment| {
                    hand.cancel();
                    hand.pause(moment.actor);
                    Verdict::Go
                };
                let case = once_at(step, Act::Run, when, steal_and_cancel, go);
                let end = self.end_if_cancelled(step);
                self.check("steal the lease, then undo", &at, &case, end)?;
                if step < self.point {
                    let last = self.last_to_fail().unwrap_or(step);
                    let case = once_at(step, Act::Undo, when, steal, failing(last));
                    self.check("steal the lease in an undo", &at, &case, End::Failed)?;
                }
            }
        }
        Ok(())
    }

    /// A wall clock that jumps by a day in each step changes nothing.
    pub(super) fn clock_jumps(&self) -> Result<(), Broken> {
        for (step, name) in self.each_step() {
            for seconds in [86_400, -86_400] {
                let jump = move |hand: &Hand, moment: Moment| {
                    hand.jump(moment.actor, seconds);
                    Verdict::Go
                };
                let case = once_at(step, Act::Run, super::When::Before, jump, go);
                let at = format!("{name}, by {seconds} s");
                self.check("clock jumps", &at, &case, End::Succeeded)?;
            }
        }
        Ok(())
    }

    /// Random histories: a store that fails one call in ten, naps, deaths, and a user who cancels.
    pub(super) fn chaos(&self) -> Result<(), Broken> {
        for seed in 1..=HISTORIES {
            let seen = run::<W>(&chaos(seed));
            let end = match seen.end {
                Some(End::Cancelled) if seed.is_multiple_of(4) => End::Cancelled,
                _ => End::Succeeded,
            };
            self.expect("random history", &format!("seed {seed}"), &seen, end)?;
        }
        Ok(())
    }
}

fn chaos(seed: u64) -> Case {
    let trick = move |hand: &Hand, moment: Moment| {
        match hand.below(20) {
            0 => hand.pause(moment.actor),
            1 if moment.actor == "a" => hand.kill("a"),
            2 => hand.jump(moment.actor, 3_600),
            _ => {}
        }
        Verdict::Go
    };
    Case {
        seed,
        trick: Arc::new(trick),
        fault: Arc::new(|sim, _| match sim.below(20) {
            0 => Some(Fault::Before),
            1 => Some(Fault::After),
            _ => None,
        }),
        cancel_at: seed.is_multiple_of(4).then(|| Duration::from_millis(seed * 2)),
        ..Case::default()
    }
}
