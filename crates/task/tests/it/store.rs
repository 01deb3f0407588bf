//! The store in memory passes the suite that every store must pass.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::clock::BoxFuture;
use strongroom_base::sim::{Executor, Sim, SimClock};
use strongroom_task::TaskStore;
use strongroom_task::testing::{Bench, MemoryStore, store_suite};

struct MemoryBench {
    store: Arc<MemoryStore>,
    sim: Sim,
}

impl Bench for MemoryBench {
    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.store) as Arc<dyn TaskStore>
    }

    fn pass(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.sim.sleep(time))
    }
}

// proves: TASK-1, TASK-5, TASK-9
#[test]
fn memory_store_passes_the_suite() {
    let mut executor = Executor::new(1);
    let sim = executor.sim();
    let suite = executor.spawn("suite", async move {
        store_suite(async || {
            let clock = Arc::new(SimClock::new(&sim, 0));
            MemoryBench { store: Arc::new(MemoryStore::new(clock)), sim: sim.clone() }
        })
        .await;
    });
    executor.run().unwrap();
    suite.take().expect("the suite came to its end");
}
