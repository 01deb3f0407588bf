//! What every workflow must stand, tried at each of its steps.
//!
//! # Invariants
//! - TASK-8: repeated, failed, killed, stolen, cancelled or shut down at any step, on either side of
//!   its effect, a task ends once, and its world is either as after a quiet run or as before.

mod deaths;
mod failures;
mod wishes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_base::ErrorClass;

use super::lab::{Case, Hand, Seen, run};
use super::probe::{Moment, Verdict, When};
use crate::record::Act;
use crate::store::Completion;
use crate::task::{End, TaskRow};
use crate::workflow::Workflow;

/// A workflow with a world in which it can be proven.
pub trait Proven: Workflow + Sized {
    /// All that its steps act on, as fakes. Steps of two workers may reach it at once.
    type World: Send + Sync + 'static;

    /// A new world, always the same one.
    fn world() -> Self::World;

    /// The workflow, acting on `world`.
    fn wire(world: &Arc<Self::World>) -> Self;

    /// What the task is given. The run must succeed and change the world.
    fn params(world: &Self::World) -> Self::Params;

    /// Does what the service does in the transaction of the end. Not part of [`Proven::look`]: an
    /// undone task leaves the world as it was, but its end is told.
    fn complete(_world: &Self::World, _row: &TaskRow, _completion: &Completion) {}

    /// All that others can see of the steps' effects, as text to compare: what is left of undone
    /// work shows here, notes for repeating safely need not.
    fn look(world: &Self::World) -> String;
}

/// A promise that a workflow does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workflow {workflow} breaks `{proof}` at {case}: {what}")]
pub struct Broken {
    /// The workflow.
    pub workflow: &'static str,
    /// The proof.
    pub proof: &'static str,
    /// What was done to the task.
    pub case: String,
    /// What came of it.
    pub what: String,
}

/// Tries all promises of a workflow; see [`crate::registry!`].
pub fn prove<W: Proven>() -> Result<(), Broken> {
    let proof = Proof::<W>::begin()?;
    proof.repeats()?;
    proof.failures()?;
    proof.failures_of_undo()?;
    proof.lost_answers()?;
    proof.deaths()?;
    proof.thefts()?;
    proof.wishes()?;
    proof.clock_jumps()?;
    proof.chaos()
}

/// What the proofs of one workflow compare with.
struct Proof<W> {
    /// The world at the beginning.
    before: String,
    /// The world after a quiet run.
    after: String,
    steps: Vec<&'static str>,
    /// The number of the final step; that of no step when there is none.
    point: usize,
    quiet: Seen,
    workflow: std::marker::PhantomData<fn() -> W>,
}

impl<W: Proven> Proof<W> {
    /// A quiet run, which must succeed and change something.
    fn begin() -> Result<Self, Broken> {
        let world = Arc::new(W::world());
        let flow = W::wire(&world).plan().erase(W::kind());
        let steps: Vec<_> = flow.steps.iter().map(|step| step.name()).collect();
        let final_step = flow.steps.iter().position(|step| step.is_final());
        let (point, before) = (final_step.unwrap_or(steps.len()), W::look(&world));
        let quiet = run::<W>(&Case::default());
        let after = quiet.look.clone();
        let workflow = std::marker::PhantomData;
        let proof = Self { before, after, steps, point, quiet, workflow };
        proof.expect("quiet run", &"nothing", &proof.quiet, End::Succeeded)?;
        if proof.before == proof.after {
            return Err(Self::broken("quiet run", &"nothing", "it changes nothing that shows"));
        }
        Ok(proof)
    }

    fn broken(proof: &'static str, case: &dyn fmt::Display, what: &str) -> Broken {
        let what = what.to_owned();
        Broken { workflow: W::NAME, proof, case: case.to_string(), what }
    }

    /// Whether a run ended as it should, once, and left the world that belongs to this end.
    fn expect(
        &self,
        proof: &'static str,
        case: &dyn fmt::Display,
        seen: &Seen,
        end: End,
    ) -> Result<(), Broken> {
        if seen.end != Some(end) {
            let what = format!("ends as {:?}, not {end:?}; the log: {:#?}", seen.end, seen.log);
            return Err(Self::broken(proof, case, &what));
        }
        if seen.ends > 1 {
            return Err(Self::broken(proof, case, &format!("it ended {} times", seen.ends)));
        }
        let wanted = match end {
            End::Stuck => return Ok(()),
            End::Succeeded => &self.after,
            _ => &self.before,
        };
        if seen.look != *wanted {
            let what = format!("{end:?} leaves\n{}\ninstead of\n{wanted}", seen.look);
            return Err(Self::broken(proof, case, &what));
        }
        Ok(())
    }

    fn check(&self, proof: &'static str, name: &str, case: &Case, end: End) -> Result<(), Broken> {
        let seen = run::<W>(case);
        if !case.has_struck.load(Ordering::Relaxed) {
            return Err(Self::broken(proof, &name, "the run never comes to this moment"));
        }
        self.expect(proof, &name, &seen, end)
    }

    /// All steps, by number and name.
    fn each_step(&self) -> impl Iterator<Item = (usize, &'static str)> + use<'_, W> {
        self.steps.iter().copied().enumerate()
    }

    /// The last step that runs before the point of no return: failing there undoes most.
    fn last_to_fail(&self) -> Option<usize> {
        self.point.checked_sub(1)
    }

    /// The end of a task that is cancelled while `step` is being tried.
    fn end_if_cancelled(&self, step: usize) -> End {
        if step < self.point { End::Cancelled } else { End::Succeeded }
    }
}

/// A case in which `act` happens at the first such moment, and after it `then` decides.
fn once_at(
    step: usize,
    act: Act,
    when: When,
    trick: impl Fn(&Hand, Moment) -> Verdict + Send + Sync + 'static,
    otherwise: impl Fn(Moment) -> Verdict + Send + Sync + 'static,
) -> Case {
    let has_struck = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&has_struck);
    let trick = move |hand: &Hand, moment: Moment| {
        let is_here = (moment.step, moment.act, moment.when) == (step, act, when);
        if is_here && !is_done.swap(true, Ordering::Relaxed) {
            trick(hand, moment)
        } else {
            otherwise(moment)
        }
    };
    Case { trick: Arc::new(trick), has_struck, ..Case::default() }
}

/// Lets all go its way.
fn go(_: Moment) -> Verdict {
    Verdict::Go
}

/// Lets every attempt to run `step` fail for good after its effect, so that the task unwinds.
fn failing(step: usize) -> impl Fn(Moment) -> Verdict + Send + Sync + Clone + 'static {
    move |moment| {
        let is_here = (moment.step, moment.act, moment.when) == (step, Act::Run, When::After);
        if is_here { Verdict::Fail(ErrorClass::Permanent) } else { Verdict::Go }
    }
}

const BOTH: [When; 2] = [When::Before, When::After];
