//! A single-threaded executor whose seed decides which ready task runs next, with its own time.
//!
//! # Why
//! A runtime with threads and real timers cannot replay a failure. Here time stands still while
//! anybody can run and jumps to the next event when nobody can, so a simulated week costs nothing.
//!
//! # Concurrency and crash
//! [`Executor`] owns the tasks and stays on its thread; [`Sim`] is the handle that tasks, clocks
//! and stores share. No lock is held while a task is polled or dropped or an event runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::rng::SeededRng;

/// Far above what a run of some ten actors takes; a run that needs more goes round in circles.
const DEFAULT_STEP_LIMIT: u64 = 2_000_000;

/// Something that happens at a moment of the simulation.
pub type Event = Box<dyn FnOnce() + Send>;

/// Names an event that has not happened yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    at: Duration,
    number: u64,
}

/// Time, chance, life and death of one simulation; cheap to clone.
#[derive(Clone)]
pub struct Sim(Arc<Core>);

struct Core {
    seed: u64,
    rng: SeededRng,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    next_number: u64,
    events: BTreeMap<TimerId, Event>,
    /// The actor of each task that has not ended.
    alive: BTreeMap<u64, String>,
    ready: BTreeSet<u64>,
    killed: BTreeSet<String>,
    paused: BTreeMap<String, Duration>,
    polls: BTreeMap<String, u64>,
    /// The number of polls after which an actor dies.
    doomed: BTreeMap<String, u64>,
    /// Who waits for the end of an actor.
    mourners: Vec<Waker>,
}

impl State {
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("seed", &self.0.seed).finish_non_exhaustive()
    }
}

impl Sim {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic is the end of the run; its report still wants to read the state.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number that decides the run.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// How much simulated time has passed.
    pub fn now(&self) -> Duration {
        self.state().now
    }

    /// A random number below `bound`, which must not be zero.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.rng.below(bound)
    }

    /// A random span of less than `bound`, which must not be zero.
    pub fn span(&self, bound: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(bound.as_micros()).unwrap_or(u64::MAX)))
    }

    /// A generator for one actor, so that what it draws does not depend on the others' order.
    pub fn fork_rng(&self) -> SeededRng {
        SeededRng::new(self.0.rng.next_u64())
    }

    /// Runs `event` after `delay`, whoever is alive then. It must not block.
    pub fn after(&self, delay: Duration, event: Box<dyn FnOnce() + Send>) -> TimerId {
        let mut state = self.state();
        let id = TimerId { at: state.now.saturating_add(delay), number: state.number() };
        state.events.insert(id, event);
        id
    }

    /// Takes back an event; `None` when it has happened.
    pub fn cancel(&self, id: TimerId) -> Option<Box<dyn FnOnce() + Send>> {
        self.state().events.remove(&id)
    }

    /// Completes after `duration` of simulated time.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        Sleep { sim: self.clone(), until: self.now().saturating_add(duration), timer: None }
    }

    /// Ends every task of `actor` before anything else runs; its futures are dropped.
    pub fn kill(&self, actor: &str) {
        self.state().killed.insert(actor.to_owned());
    }

    /// Ends `actor` once it has been polled `polls` times in all: a crash at some await.
    pub fn kill_after_polls(&self, actor: &str, polls: u64) {
        self.state().doomed.insert(actor.to_owned(), polls);
    }

    /// How often the tasks of `actor` have been polled.
    pub fn polls(&self, actor: &str) -> u64 {
        self.state().polls.get(actor).copied().unwrap_or(0)
    }

    /// Lets `actor` make no step for `duration`; its requests travel on and its timers run out.
    pub fn pause(&self, actor: &str, duration: Duration) {
        let mut state = self.state();
        let until = state.now.saturating_add(duration);
        let end = state.paused.entry(actor.to_owned()).or_default();
        *end = until.max(*end);
        drop(state);
        // The end of a pause must be an event, or nobody would move time on to it.
        self.after(duration, Box::new(|| {}));
    }

    /// Completes once no task of `actor`, spawned before, is alive: it has returned or was killed.
    pub fn ended(&self, actor: &str) -> impl Future<Output = ()> + Send + use<> {
        let (sim, actor) = (self.clone(), actor.to_owned());
        poll_fn(move |context| {
            let mut state = sim.state();
            if state.alive.values().all(|alive| *alive != actor) {
                return Poll::Ready(());
            }
            state.mourners.push(context.waker().clone());
            Poll::Pending
        })
    }

    /// One of the tasks that can run now, by chance.
    fn pick(&self) -> Option<u64> {
        let mut state = self.state();
        let now = state.now;
        state.paused.retain(|_, until| *until > now);
        let is_paused =
            |id: &u64| state.alive.get(id).is_some_and(|it| state.paused.contains_key(it));
        let able: Vec<u64> = state.ready.iter().copied().filter(|id| !is_paused(id)).collect();
        if able.is_empty() {
            return None;
        }
        let chosen = usize::try_from(self.below(able.len() as u64)).ok()?;
        let id = able.get(chosen).copied()?;
        state.ready.remove(&id);
        Some(id)
    }

    /// Moves time on to the next event, unless that lies behind `deadline`.
    fn next_event(&self, deadline: Option<Duration>) -> Option<Event> {
        let mut state = self.state();
        let entry = state.events.first_entry()?;
        if deadline.is_some_and(|deadline| entry.key().at > deadline) {
            return None;
        }
        let (id, event) = entry.remove_entry();
        state.now = state.now.max(id.at);
        Some(event)
    }

    /// Notes that `actor` was polled; kills it when that was its last time.
    fn count_poll(&self, actor: &str) {
        let mut state = self.state();
        let polls = state.polls.entry(actor.to_owned()).or_default();
        *polls += 1;
        let polls = *polls;
        if state.doomed.get(actor).is_some_and(|last| polls >= *last) {
            state.doomed.remove(actor);
            state.killed.insert(actor.to_owned());
        }
    }

    /// Forgets a task that has ended.
    fn bury(&self, id: u64) {
        let mut state = self.state();
        state.alive.remove(&id);
        state.ready.remove(&id);
        let mourners = std::mem::take(&mut state.mourners);
        drop(state);
        mourners.into_iter().for_each(Waker::wake);
    }
}

struct Sleep {
    sim: Sim,
    until: Duration,
    timer: Option<TimerId>,
}

impl Sleep {
    fn disarm(&mut self) {
        if let Some(timer) = self.timer.take() {
            drop(self.sim.cancel(timer));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.disarm();
        let left = self.until.saturating_sub(self.sim.now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        self.timer = Some(self.sim.after(left, Box::new(move || waker.wake())));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

struct TaskWaker {
    id: u64,
    sim: Sim,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut state = self.sim.state();
        if state.alive.contains_key(&self.id) {
            state.ready.insert(self.id);
        }
    }
}

/// Why a run did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody is alive, but nobody can run and nothing will happen.
    Deadlock,
    /// The step limit was reached.
    Livelock,
}

/// A run that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("{why:?} in the simulation of seed {seed} at {now:?}; alive: {alive:?}")]
pub struct Stuck {
    /// Replays the run.
    pub seed: u64,
    /// What went wrong.
    pub why: Why,
    /// When.
    pub now: Duration,
    /// The actors that had not ended, one for each task.
    pub alive: Vec<String>,
}

/// What a task returned, once it has.
#[derive(Debug)]
pub struct Ended<T>(Rc<RefCell<Option<T>>>);

impl<T> Ended<T> {
    /// Takes the result; `None` when the task was killed, runs on, or was asked before.
    pub fn take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }
}

struct Task {
    actor: String,
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
}

/// Runs the tasks of one simulation.
pub struct Executor {
    sim: Sim,
    tasks: BTreeMap<u64, Task>,
    steps: u64,
    step_limit: u64,
}

impl Executor {
    /// An empty simulation that `seed` decides.
    pub fn new(seed: u64) -> Self {
        let core = Core { seed, rng: SeededRng::new(seed), state: Mutex::default() };
        let sim = Sim(Arc::new(core));
        Self { sim, tasks: BTreeMap::new(), steps: 0, step_limit: DEFAULT_STEP_LIMIT }
    }

    /// The handle that clocks, stores and tasks use.
    pub fn sim(&self) -> Sim {
        self.sim.clone()
    }

    /// Calls a run of more than `limit` polls and events, over all calls, a livelock.
    pub fn limit_steps(&mut self, limit: u64) {
        self.step_limit = limit;
    }

    /// Adds a task of `actor`. Tasks of the same name die together.
    pub fn spawn<T: 'static>(
        &mut self,
        actor: &str,
        future: impl Future<Output = T> + 'static,
    ) -> Ended<T> {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        let mut state = self.sim.state();
        let id = state.number();
        state.alive.insert(id, actor.to_owned());
        state.ready.insert(id);
        drop(state);
        let task = Task {
            actor: actor.to_owned(),
            future: Box::pin(async move {
                let value = future.await;
                *slot.borrow_mut() = Some(value);
            }),
            waker: Waker::from(Arc::new(TaskWaker { id, sim: self.sim.clone() })),
        };
        self.tasks.insert(id, task);
        Ended(result)
    }

    /// Runs until every task has ended. Events that lie ahead then do not happen yet.
    pub fn run(&mut self) -> Result<(), Stuck> {
        while !self.tasks.is_empty() {
            if !self.step(None)? && !self.tasks.is_empty() {
                return Err(self.stuck(Why::Deadlock));
            }
        }
        Ok(())
    }

    /// Runs for `duration`, whether or not anybody is alive, so that late requests arrive.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Stuck> {
        let deadline = self.sim.now().saturating_add(duration);
        while self.step(Some(deadline))? {}
        self.sim.state().now = deadline;
        Ok(())
    }

    /// One poll or one event; false when there is neither.
    fn step(&mut self, deadline: Option<Duration>) -> Result<bool, Stuck> {
        self.drop_killed();
        if let Some(id) = self.sim.pick() {
            self.poll(id);
        } else if let Some(event) = self.sim.next_event(deadline) {
            event();
        } else {
            return Ok(false);
        }
        self.drop_killed();
        self.steps += 1;
        if self.steps > self.step_limit {
            return Err(self.stuck(Why::Livelock));
        }
        Ok(true)
    }

    fn poll(&mut self, id: u64) {
        let Some(mut task) = self.tasks.remove(&id) else {
            return;
        };
        let poll = task.future.as_mut().poll(&mut Context::from_waker(&task.waker));
        self.sim.count_poll(&task.actor);
        if poll.is_pending() {
            self.tasks.insert(id, task);
        } else {
            drop(task);
            self.sim.bury(id);
        }
    }

    fn drop_killed(&mut self) {
        let killed = std::mem::take(&mut self.sim.state().killed);
        if killed.is_empty() {
            return;
        }
        let dead = self.tasks.extract_if(.., |_, task| killed.contains(&task.actor));
        for (id, task) in dead.collect::<Vec<_>>() {
            // Dropping a future may call the simulation, so no lock is held here.
            drop(task);
            self.sim.bury(id);
        }
    }

    fn stuck(&self, why: Why) -> Stuck {
        let alive = self.tasks.values().map(|task| task.actor.clone()).collect();
        Stuck { seed: self.sim.seed(), why, now: self.sim.now(), alive }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the simulation of seed {} at {:?}", self.sim.seed(), self.sim.now());
        }
        self.tasks.clear();
        // Events hold the world that holds the simulation; this breaks the circle.
        let events = std::mem::take(&mut self.sim.state().events);
        drop(events);
    }
}
