//! One memory budget for all sessions of a process.
//!
//! # Why
//! Each session holds buffers of a size that is known before it starts. A service that runs as many
//! sessions as it is asked for would be killed by the system in the middle of all of them; so each
//! takes a share first and waits until there is one.
//!
//! # Invariants
//! - REPO-21: the shares that are out never exceed the budget, unless one session alone needs more.
//! - A session takes one share only, and a writer or collector takes it before it announces itself:
//!   nobody waits for memory while a collector waits for him.
//!
//! # Concurrency and crash
//! Shares are given in the order in which they were asked for, so that a large one is not passed
//! by for ever. What is mapped (index segments, filters) does not count: the system can evict it.

mod allocator;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use allocator::return_large_buffers;

/// Shares are counted in KiB.
const GRAIN: u64 = 1 << 10;

/// The memory that the sessions of one process may hold together. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    free: Arc<Semaphore>,
    total: u32,
}

/// A part of the budget; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    _held: OwnedSemaphorePermit,
}

impl MemoryBudget {
    /// A budget of `bytes`, rounded down to KiB; at most 4 TiB.
    pub fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes / GRAIN).unwrap_or(u32::MAX);
        Self { free: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits for `bytes`. A session that needs more than the whole budget gets all of it: it then
    /// runs alone.
    pub(crate) async fn share(&self, bytes: u64) -> MemoryShare {
        let wanted = u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX).min(self.total);
        let held = Arc::clone(&self.free).acquire_many_owned(wanted).await;
        MemoryShare { _held: held.expect("the semaphore is never closed") }
    }
}

impl Default for MemoryBudget {
    /// 1 GiB: two backups and a collection at once on a machine with two cores.
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn share_waits_until_there_is_room_and_in_order() {
        let budget = MemoryBudget::new(10 << 10);
        let Poll::Ready(first) = poll(pin!(budget.share(6 << 10))) else { panic!("there is room") };
        let mut large = pin!(budget.share(6 << 10));
        assert!(poll(large.as_mut()).is_pending());
        let mut small = pin!(budget.share(1));
        assert!(poll(small.as_mut()).is_pending(), "it does not pass the one that waits");
        drop(first);
        assert!(poll(large.as_mut()).is_ready());
        assert!(poll(small.as_mut()).is_ready());
    }

    #[test]
    fn share_larger_than_the_budget_is_all_of_it() {
        let budget = MemoryBudget::new(10 << 10);
        let Poll::Ready(all) = poll(pin!(budget.share(1 << 40))) else { panic!("nobody else") };
        assert!(poll(pin!(budget.share(1))).is_pending());
        drop(all);
        assert!(poll(pin!(budget.share(1))).is_ready());
    }
}
