//! One task and two workers in a simulated world, for one case of a proof.
//!
//! Worker `a` takes the task at once; worker `b` comes a second later and goes on when `a` is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use strongroom_base::Clock;
use strongroom_base::ids::TaskId;
use strongroom_base::sim::{self, START, Sim, SimClock};
use tokio::sync::watch;

use super::fault::{Call, Fault, FaultStore};
use super::memory::MemoryStore;
use super::probe::{Moment, Script, Verdict, probe};
use super::proof::Proven;
use crate::executor::{Executor, Parts, Settings};
use crate::record::Record;
use crate::registry::Registry;
use crate::store::{Task, TaskStore};
use crate::task::{End, State, WorkerId};
use crate::workflow::DEFAULT_QUEUE;

/// The lease in all proofs.
pub(super) const LEASE: Duration = Duration::from_mins(1);

/// What no task needs, with all its waits between attempts.
const LONGEST_RUN: Duration = Duration::from_hours(4);

/// How long a worker that lost its task may go on in its sleep before a case is judged.
const AFTERMATH: Duration = Duration::from_mins(10);

const TASK: TaskId = TaskId(*b"the proven task.");

/// What a proof can do to the world at a moment.
pub(super) struct Hand {
    sim: Sim,
    store: Arc<MemoryStore>,
    shutdown: watch::Sender<bool>,
    clocks: [(&'static str, Arc<SimClock>); 2],
}

impl Hand {
    /// The user cancels; the worker hears of it when it renews.
    pub(super) fn cancel(&self) {
        self.store.note_cancel(TASK);
    }

    /// Worker `a` is asked to shut down.
    pub(super) fn shut_down(&self) {
        self.shutdown.send_replace(true);
    }

    /// The worker stands still for so long that another one takes the task over and ends it.
    pub(super) fn pause(&self, actor: &str) {
        self.sim.pause(actor, LEASE * 5);
    }

    /// A random number below `bound`.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.sim.below(bound)
    }

    /// The worker dies.
    pub(super) fn kill(&self, actor: &str) {
        self.sim.kill(actor);
    }

    /// The worker's wall clock jumps.
    pub(super) fn jump(&self, actor: &str, seconds: i64) {
        for (_, clock) in self.clocks.iter().filter(|(name, _)| *name == actor) {
            clock.set_skew(seconds);
        }
    }
}

/// Acts at a moment of a step.
type Trick = Arc<dyn Fn(&Hand, Moment) -> Verdict + Send + Sync>;

/// Decides what goes wrong with a call to the store.
type Mischief = Arc<dyn Fn(&Sim, Call) -> Option<Fault> + Send + Sync>;

/// What happens to the task in one case.
pub(super) struct Case {
    pub(super) seed: u64,
    /// Acts at moments of steps.
    pub(super) trick: Trick,
    /// Acts on calls of worker `a` to the store.
    pub(super) fault: Mischief,
    /// The number of polls after which worker `a` dies.
    pub(super) dies_after: Option<u64>,
    /// When the user cancels.
    pub(super) cancel_at: Option<Duration>,
    /// Whether the trick has happened; always so where there is none to wait for.
    pub(super) has_struck: Arc<AtomicBool>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            seed: 1,
            trick: Arc::new(|_, _| Verdict::Go),
            fault: Arc::new(|_, _| None),
            dies_after: None,
            cancel_at: None,
            has_struck: Arc::new(AtomicBool::new(true)),
        }
    }
}

/// What one sees afterwards.
#[derive(Debug)]
pub(super) struct Seen {
    /// How the task ended; `None` when it did not.
    pub(super) end: Option<End>,
    /// The world, as the workflow's proof shows it.
    pub(super) look: String,
    pub(super) log: Vec<Record>,
    /// How many times the store was given an end.
    pub(super) ends: usize,
    /// How often worker `a` was polled.
    pub(super) polls: u64,
    /// How many calls worker `a` made.
    pub(super) calls: u64,
}

/// Runs a task of `W` in a new world, whatever happens to it.
pub(super) fn run<W: Proven>(case: &Case) -> Seen {
    let mut executor = sim::Executor::new(case.seed);
    let sim = executor.sim();
    let world = Arc::new(W::world());
    let ends = Arc::new(AtomicUsize::new(0));
    let store = {
        let (world, ends) = (Arc::clone(&world), Arc::clone(&ends));
        let clock = Arc::new(SimClock::new(&sim, 0));
        Arc::new(MemoryStore::with_completions(clock, move |row, completion| {
            ends.fetch_add(1, Ordering::Relaxed);
            W::complete(&world, row, completion);
        }))
    };
    let clocks = ["a", "b"].map(|actor| (actor, Arc::new(SimClock::new(&sim, 0))));
    let hand = Arc::new(Hand {
        sim: sim.clone(),
        store: Arc::clone(&store),
        shutdown: watch::Sender::new(false),
        clocks,
    });
    let calls = spawn_workers::<W>(&mut executor, case, &world, &hand);
    if let Some(polls) = case.dies_after {
        sim.kill_after_polls("a", polls);
    }
    if let Some(at) = case.cancel_at {
        let hand = Arc::clone(&hand);
        sim.after(at, Box::new(move || hand.cancel()));
    }
    let order = W::order(TASK, &W::params(&world), "req-proof", START).expect("JSON fits");
    let maker = Arc::clone(&store);
    executor.spawn("maker", async move { maker.insert(&order).await });
    let is_over = || matches!(state(&store), Some(State::Ended(_)));
    while !is_over() && sim.now() < LONGEST_RUN {
        executor.run_for(Duration::from_secs(10)).expect("the simulation goes on");
    }
    executor.run_for(AFTERMATH).expect("the simulation goes on");
    let Task { row, log } = store.get(TASK).expect("the maker inserted it");
    let end = if let State::Ended(end) = row.state { Some(end) } else { None };
    let ends = ends.load(Ordering::Relaxed);
    Seen { end, look: W::look(&world), log, ends, polls: sim.polls("a"), calls: calls.calls() }
}

fn state(store: &MemoryStore) -> Option<State> {
    store.get(TASK).map(|task| task.row.state)
}

/// Starts both workers; gives the way of `a` to the store.
fn spawn_workers<W: Proven>(
    executor: &mut sim::Executor,
    case: &Case,
    world: &Arc<W::World>,
    hand: &Arc<Hand>,
) -> Arc<FaultStore> {
    let mut ways = Vec::new();
    let starts = [Duration::ZERO, Duration::from_secs(1)];
    for ((actor, clock), start) in hand.clocks.iter().zip(starts) {
        let actor = *actor;
        let sim = executor.sim();
        let way = Arc::new(way(case, actor, &sim, hand));
        let parts = Parts {
            registry: Arc::new(registry::<W>(case, actor, world, hand)),
            store: Arc::clone(&way) as Arc<dyn TaskStore>,
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            rng: Arc::new(sim.fork_rng()),
        };
        ways.push(way);
        let settings = Settings {
            worker: WorkerId(actor.to_owned()),
            queues: vec![DEFAULT_QUEUE.to_owned()],
            slots: 1,
            lease: LEASE,
            poll: Duration::from_secs(5),
        };
        let worker = Arc::new(Executor::new(parts, settings));
        if actor == "a" {
            let (worker, mut shutdown) = (Arc::clone(&worker), hand.shutdown.subscribe());
            executor.spawn(actor, async move {
                if shutdown.wait_for(|is_asked| *is_asked).await.is_ok() {
                    worker.shutdown(Duration::ZERO).await;
                }
            });
        }
        executor.spawn(actor, async move {
            sim.sleep(start).await;
            worker.slot().await;
        });
    }
    ways.swap_remove(0)
}

fn way(case: &Case, actor: &'static str, sim: &Sim, hand: &Hand) -> FaultStore {
    let (fault, of_faults, of_delay) = (Arc::clone(&case.fault), sim.clone(), sim.clone());
    FaultStore::new(
        Arc::clone(&hand.store) as Arc<dyn TaskStore>,
        move |call| if actor == "a" { fault(&of_faults, call) } else { None },
        move || Box::pin(of_delay.sleep(of_delay.span(Duration::from_millis(5)))),
    )
}

fn registry<W: Proven>(
    case: &Case,
    actor: &'static str,
    world: &Arc<W::World>,
    hand: &Arc<Hand>,
) -> Registry {
    let (trick, hand) = (Arc::clone(&case.trick), Arc::clone(hand));
    let sim = hand.sim.clone();
    let script: Script = Arc::new(move |moment| trick(&hand, moment));
    let flow = W::wire(world).plan().erase(W::kind());
    let mut registry = Registry::new();
    registry.add(W::NAME, probe(flow, actor, &sim, &script)).expect("the workflow is sound");
    registry
}
