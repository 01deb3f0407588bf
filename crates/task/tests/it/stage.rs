//! Workers of one store in a simulated world, for tests that look at single events.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;
use strongroom_base::sim::{self, Ended, START, Sim, SimClock};
use strongroom_task::testing::{Call, Fault, FaultStore, MemoryStore};
use strongroom_task::{
    DEFAULT_QUEUE, End, Executor, NewTask, Parts, Plan, Record, Registry, Settings, State, Step,
    StepCx, StepError, StopReason, TaskRow, TaskStore, UndoError, WorkerId, Workflow,
};

pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// A simulated world with a store.
pub(crate) struct Stage {
    pub(crate) executor: sim::Executor,
    pub(crate) sim: Sim,
    pub(crate) store: Arc<MemoryStore>,
}

impl Stage {
    pub(crate) fn new(seed: u64) -> Self {
        let executor = sim::Executor::new(seed);
        let sim = executor.sim();
        let store = Arc::new(MemoryStore::new(Arc::new(SimClock::new(&sim, 0))));
        Self { executor, sim, store }
    }

    /// A worker that is not yet at work, on the way to the store that `fault` disturbs.
    pub(crate) fn worker(
        &self,
        name: &str,
        registry: Registry,
        fault: impl Fn(Call) -> Option<Fault> + Send + Sync + 'static,
    ) -> Arc<Executor> {
        let way = FaultStore::new(
            Arc::clone(&self.store) as Arc<dyn TaskStore>,
            fault,
            || -> BoxFuture<'static, ()> { Box::pin(std::future::ready(())) },
        );
        let parts = Parts {
            registry: Arc::new(registry),
            store: Arc::new(way),
            clock: Arc::new(SimClock::new(&self.sim, 0)),
            rng: Arc::new(self.sim.fork_rng()),
        };
        let settings = Settings {
            worker: WorkerId(name.to_owned()),
            queues: vec![DEFAULT_QUEUE.to_owned()],
            slots: 1,
            lease: LEASE,
            poll: Duration::from_secs(5),
        };
        Arc::new(Executor::new(parts, settings))
    }

    /// Puts a worker to work, on one slot.
    pub(crate) fn start(&mut self, name: &str, worker: &Arc<Executor>) {
        self.executor.spawn(name, Arc::clone(worker).slot());
    }

    pub(crate) fn spawn<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
    ) -> Ended<T> {
        self.executor.spawn("director", future)
    }

    pub(crate) fn insert(&mut self, order: NewTask) {
        let store = Arc::clone(&self.store);
        self.spawn(async move { store.insert(&order).await.unwrap() });
        self.run(Duration::ZERO);
    }

    pub(crate) fn run(&mut self, time: Duration) {
        self.executor.run_for(time).unwrap();
    }

    pub(crate) fn row(&self, number: u8) -> TaskRow {
        self.store.get(id(number)).unwrap().row
    }

    pub(crate) fn log(&self, number: u8) -> Vec<Record> {
        self.store.get(id(number)).unwrap().log
    }

    /// How the task ended.
    pub(crate) fn end(&self, number: u8) -> Option<End> {
        if let State::Ended(end) = self.row(number).state { Some(end) } else { None }
    }
}

pub(crate) fn id(number: u8) -> TaskId {
    TaskId([number; 16])
}

/// What a scripted step does in one call; the number counts the calls, from 0.
type Script = Arc<dyn Fn(Play<'_>) -> BoxFuture<'_, Result<u32, StepError>> + Send + Sync>;

/// One call of a scripted step.
#[derive(Clone, Copy)]
pub(crate) struct Play<'a> {
    pub(crate) cx: &'a StepCx<'a>,
    pub(crate) input: u32,
    pub(crate) call: usize,
}

/// What scripted steps have seen: name and input of each call, and why each was stopped.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: Mutex<Vec<(String, u32)>>,
    pub(crate) stops: Mutex<Vec<(StopReason, Duration)>>,
}

impl Seen {
    pub(crate) fn calls(&self) -> Vec<(String, u32)> {
        self.calls.lock().unwrap().clone()
    }

    /// How often this was called.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(it, _)| it == name).count()
    }
}

/// Three scripted steps in a row, `first`, `second` and `third`; the second may be final.
#[derive(Clone)]
pub(crate) struct Scripted<const FINAL: bool = false> {
    pub(crate) seen: Arc<Seen>,
    pub(crate) run: Script,
    pub(crate) undo: Script,
    pub(crate) limit: Option<Duration>,
    /// What is added to each input: other code computes other inputs.
    pub(crate) shift: u32,
}

impl<const FINAL: bool> Scripted<FINAL> {
    pub(crate) fn new(
        run: impl Fn(Play<'_>) -> BoxFuture<'_, Result<u32, StepError>> + Send + Sync + 'static,
    ) -> Self {
        let undo: Script = Arc::new(|_| Box::pin(std::future::ready(Ok(0))));
        Self { seen: Arc::default(), run: Arc::new(run), undo, limit: None, shift: 0 }
    }

    pub(crate) fn registry(&self) -> Registry {
        let mut registry = Registry::new();
        registry.register(self).unwrap();
        registry
    }

    pub(crate) fn task(number: u8) -> NewTask {
        Self::order(id(number), &10, "req-1", START).unwrap()
    }
}

struct Part<const NUMBER: u8, const FINAL: bool>(Scripted<FINAL>);

impl<const NUMBER: u8, const FINAL: bool> Step for Part<NUMBER, FINAL> {
    const NAME: &'static str = match NUMBER {
        1 => "first",
        2 => "second",
        _ => "third",
    };
    const FINAL: bool = FINAL && NUMBER == 2;
    type In = u32;
    type Out = u32;

    async fn run(&self, cx: &StepCx<'_>, input: u32) -> Result<u32, StepError> {
        let call = self.0.seen.count(Self::NAME);
        self.0.seen.calls.lock().unwrap().push((Self::NAME.to_owned(), input));
        let result = (self.0.run)(Play { cx, input, call }).await;
        if let Some(reason) = cx.stop_reason() {
            self.0.seen.stops.lock().unwrap().push((reason, cx.clock().monotonic()));
        }
        result
    }

    async fn undo(&self, cx: &StepCx<'_>, input: u32, _: Option<u32>) -> Result<(), UndoError> {
        let name = format!("undo {}", Self::NAME);
        let call = self.0.seen.count(&name);
        self.0.seen.calls.lock().unwrap().push((name, input));
        match (self.0.undo)(Play { cx, input, call }).await {
            Ok(_) => Ok(()),
            Err(StepError::Failed { failure, .. }) => Err(UndoError { failure, cause: None }),
            Err(other) => panic!("a script undoes or fails, and does not say: {other}"),
        }
    }
}

impl<const FINAL: bool> Workflow for Scripted<FINAL> {
    const NAME: &'static str = "scripted";
    type Params = u32;

    fn plan(&self) -> Plan<u32> {
        let shift = self.shift;
        let plan = Plan::new()
            .step(Part::<1, FINAL>(self.clone()), move |params: &u32, _| Ok(params + shift))
            .step(Part::<2, FINAL>(self.clone()), move |_, outputs| {
                Ok(outputs.of::<Part<1, FINAL>>()? + shift)
            })
            .step(Part::<3, FINAL>(self.clone()), move |_, outputs| {
                Ok(outputs.of::<Part<2, FINAL>>()? + shift)
            });
        match self.limit {
            Some(limit) => plan.limit(limit),
            None => plan,
        }
    }
}
