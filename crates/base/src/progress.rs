//! How far long work has come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared counters of one long operation; the worker adds, anybody may read. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    total: AtomicU64,
    done: AtomicU64,
    stored: AtomicU64,
    phase: Mutex<&'static str>,
}

impl Progress {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many bytes the work covers.
    pub fn set_total(&self, bytes: u64) {
        self.0.total.store(bytes, Ordering::Relaxed);
    }

    /// Begins the next part of the work, which covers `bytes`: what was done starts at zero again.
    pub fn begin(&self, phase: &'static str, bytes: u64) {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(bytes, Ordering::Relaxed);
    }

    /// The part of the work that is under way; empty for work of one part.
    pub fn phase(&self) -> &'static str {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to what the work covers.
    pub fn add_total(&self, bytes: u64) {
        self.0.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts `bytes` as dealt with, whether read, skipped or written.
    pub fn add_done(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts `bytes` as sent to the store.
    pub fn add_stored(&self, bytes: u64) {
        self.0.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes the work covers; zero while unknown.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// Bytes dealt with so far.
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Bytes sent to the store so far.
    pub fn stored(&self) -> u64 {
        self.0.stored.load(Ordering::Relaxed)
    }
}
