//! What all services share.

use std::sync::{Arc, OnceLock};

use strongroom_base::{Chain, Clock, Rng, Secret};
use strongroom_db::{Db, DbTaskStore};
use strongroom_model::zone::AvailabilityZone;
use strongroom_provider::Provider;
use strongroom_task::Executor;

use crate::engine::Repositories;
use crate::error::Error;
use crate::export::Running;
use crate::iam::Passwords;
use crate::outcomes::Outcomes;
use crate::settings::Settings;

/// What a service is made of.
pub struct Parts {
    /// The catalogue.
    pub db: Db,
    /// Disks of this host.
    pub provider: Arc<dyn Provider>,
    /// The repositories of vaults.
    pub repositories: Arc<Repositories>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The master key: secrets in the catalogue are sealed with keys derived from it.
    pub master: Secret,
    /// Settings.
    pub settings: Settings,
}

/// The services. Clones are the same.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) repositories: Arc<Repositories>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) master: Secret,
    pub(crate) settings: Settings,
    pub(crate) passwords: Passwords,
    pub(crate) tasks: DbTaskStore,
    pub(crate) exports: Running,
    /// The one that works in this process, if one does: it hears of a cancellation at once.
    pub(crate) executor: OnceLock<Arc<Executor>>,
}

impl Service {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let outcomes = Outcomes { clock: Arc::clone(&parts.clock) };
        let tasks = DbTaskStore::new(parts.db.clone(), Arc::new(outcomes));
        let Parts { db, provider, repositories, clock, rng, master, settings } = parts;
        let executor = OnceLock::new();
        Self(Arc::new(Shared {
            db,
            provider,
            repositories,
            clock,
            rng,
            master,
            settings,
            passwords: Passwords::new(),
            tasks,
            exports: Running::new(),
            executor,
        }))
    }

    /// Settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Ends the connections to the database, after everything else.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.0.db.clone().close().await?)
    }

    /// Whether database and store answer. The text is for the operator.
    pub async fn check_ready(&self) -> Result<(), String> {
        self.0.db.is_empty().await.map_err(|error| Chain(&error).to_string())?;
        self.0.repositories.check_store().await.map_err(|error| Chain(&*error).to_string())
    }

    /// The zone that disks of this host are in.
    pub(crate) fn zone(&self) -> Option<AvailabilityZone> {
        AvailabilityZone::parse(&self.0.settings.zone).ok()
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Lets the tasks' time pass, so that leases end.
    #[cfg(feature = "testing")]
    pub fn pass(&self, time: std::time::Duration) {
        self.0.tasks.pass(time);
    }

    /// The chance.
    pub fn rng(&self) -> &dyn Rng {
        &*self.0.rng
    }
}
