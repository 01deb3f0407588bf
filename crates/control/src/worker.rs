//! What works in the background: the executor of tasks.

use std::sync::Arc;
use std::time::Duration;

use strongroom_task::{Executor, Parts, RegistryError, Settings, WorkerId};

use crate::engine::HostGround;
use crate::service::Service;
use crate::workflow::{Ground, registry};

/// How long a dead worker's tasks wait: long against a pause of the process or the database.
const LEASE: Duration = Duration::from_secs(30);
/// How long an idle slot waits before it asks again; a task of this process wakes it at once.
const POLL: Duration = Duration::from_secs(2);

impl Service {
    /// The executor of this process; `slots` tasks run at once. Run it and shut it down; there is
    /// one for each service.
    pub fn executor(&self, worker: &str, slots: usize) -> Result<Arc<Executor>, RegistryError> {
        let ground: Arc<dyn Ground> = Arc::new(HostGround {
            db: self.0.db.clone(),
            repositories: Arc::clone(&self.0.repositories),
            provider: Arc::clone(&self.0.provider),
            tasks: self.0.tasks.clone(),
            clock: Arc::clone(&self.0.clock),
        });
        let parts = Parts {
            registry: Arc::new(registry(&ground)?),
            store: Arc::new(self.0.tasks.clone()),
            clock: Arc::clone(&self.0.clock),
            rng: Arc::clone(&self.0.rng),
        };
        let settings = Settings {
            worker: WorkerId(worker.to_owned()),
            queues: vec![strongroom_task::DEFAULT_QUEUE.to_owned()],
            slots,
            lease: LEASE,
            poll: POLL,
        };
        let executor = Arc::new(Executor::new(parts, settings));
        Ok(Arc::clone(self.0.executor.get_or_init(|| executor)))
    }
}
