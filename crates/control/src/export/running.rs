//! The exports that run in this process.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::BackupId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::MOST_EXPORTS;

/// The exports of a process. They end with it.
pub(crate) struct Running {
    free: Arc<Semaphore>,
    backups: Arc<Mutex<BTreeMap<BackupId, usize>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// The right to run one export.
pub(crate) struct Slot {
    backup: BackupId,
    backups: Arc<Mutex<BTreeMap<BackupId, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut backups = locked(&self.backups);
        if let Some(count) = backups.get_mut(&self.backup) {
            *count -= 1;
            if *count == 0 {
                backups.remove(&self.backup);
            }
        }
    }
}

impl Running {
    pub(crate) fn new() -> Self {
        let free = Arc::new(Semaphore::new(MOST_EXPORTS));
        Self { free, backups: Arc::default(), tasks: Mutex::default() }
    }

    /// The right to export this backup, a whole one; none while too many exports run.
    pub(super) fn begin(&self, backup: BackupId) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        *locked(&self.backups).entry(backup).or_default() += 1;
        Some(Slot { backup, backups: Arc::clone(&self.backups), _permit: permit })
    }

    /// Whether a backup, or a child of it, is being exported.
    pub(crate) fn has(&self, backup: BackupId) -> bool {
        locked(&self.backups).contains_key(&backup)
    }

    /// Runs an export beside the request that asked for it.
    pub(super) fn run(&self, slot: Slot, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = locked(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            work.await;
            drop(slot);
        });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_few_and_come_back() {
        let running = Running::new();
        let backup = BackupId([1; 16]);
        let mut slots: Vec<_> = (0..MOST_EXPORTS).filter_map(|_| running.begin(backup)).collect();
        assert_eq!(slots.len(), MOST_EXPORTS);
        assert!(running.begin(BackupId([2; 16])).is_none());
        assert!(running.has(backup) && !running.has(BackupId([2; 16])));
        slots.pop();
        assert!(running.has(backup), "others export it still");
        slots.clear();
        assert!(!running.has(backup));
        assert!(running.begin(BackupId([2; 16])).is_some());
    }
}
