//! A provider some calls of which wait until the test says so.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use strongroom_base::{BlockSink, BlockSource};
use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::{DiskFacts, DiskPlace, DiskUsage, InspectError, Provider, ProviderError};

/// Holds calls up. Clones are the same gate.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// Which call waits, and how many of its kind pass before.
    closed: Option<(&'static str, u32)>,
    is_somebody_here: bool,
}

impl Gate {
    /// From now on the `number`th call of this name waits, counted from 1.
    pub(crate) fn close(&self, call: &'static str, number: u32) -> Self {
        let (state, _) = &*self.0;
        *state.lock().unwrap() =
            State { closed: Some((call, number - 1)), is_somebody_here: false };
        self.clone()
    }

    /// Lets all go on.
    pub(crate) fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().closed = None;
        changed.notify_all();
    }

    /// Returns when a call waits.
    pub(crate) async fn wait_for_caller(&self) {
        for _ in 0..20_000 {
            if self.0.0.lock().unwrap().is_somebody_here {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("nobody came to the gate");
    }

    fn pass(&self, call: &'static str) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        match &mut state.closed {
            Some((closed, before)) if *closed == call && *before > 0 => *before -= 1,
            Some((closed, _)) if *closed == call => {
                state.is_somebody_here = true;
                drop(changed.wait_while(state, |state| state.closed.is_some()).unwrap());
            }
            _ => {}
        }
    }
}

/// A provider behind a gate.
pub(crate) struct Gated {
    inner: Arc<dyn Provider>,
    gate: Gate,
}

impl Gated {
    pub(crate) fn new(inner: Arc<dyn Provider>, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

impl Provider for Gated {
    fn inspect(
        &self,
        path: &Path,
        format: Option<DiskImageFormat>,
    ) -> Result<DiskFacts, InspectError> {
        self.inner.inspect(path, format)
    }

    fn usage(&self, disk: &DiskPlace) -> Result<DiskUsage, ProviderError> {
        self.inner.usage(disk)
    }

    fn open_source(&self, disk: &DiskPlace) -> Result<Box<dyn BlockSource>, ProviderError> {
        self.gate.pass("open_source");
        self.inner.open_source(disk)
    }

    fn open_target(
        &self,
        disk: &DiskPlace,
        size: u64,
    ) -> Result<Box<dyn BlockSink>, ProviderError> {
        self.gate.pass("open_target");
        self.inner.open_target(disk, size)
    }

    fn managed_place(&self, name: &str) -> Result<DiskPlace, ProviderError> {
        self.inner.managed_place(name)
    }

    fn create(&self, name: &str, size: u64) -> Result<DiskPlace, ProviderError> {
        self.gate.pass("create");
        self.inner.create(name, size)
    }

    fn remove(&self, disk: &DiskPlace) -> Result<(), ProviderError> {
        self.gate.pass("remove");
        self.inner.remove(disk)
    }
}
