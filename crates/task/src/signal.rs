//! What stops the work on a task, and which of it counts at the moment.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Why an attempt should end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The user cancelled the task.
    Cancelled,
    /// The task took longer than its workflow may.
    DeadlinePassed,
    /// The worker's right to the task is gone; nothing that it writes counts any more.
    LeaseLost,
    /// The worker shuts down; another one goes on.
    Shutdown,
}

/// All that was said so far to the worker of one task.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four signals that come independently")]
struct Said {
    lost: bool,
    shutdown: bool,
    cancelled: bool,
    deadline: bool,
}

/// The signals to the worker of one task. None can be taken back.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    said: watch::Sender<Said>,
    is_heeded: AtomicBool,
}

impl Signals {
    /// Says that the work should end for `reason`.
    pub(crate) fn say(&self, reason: StopReason) {
        self.said.send_if_modified(|said| {
            let flag = match reason {
                StopReason::LeaseLost => &mut said.lost,
                StopReason::Shutdown => &mut said.shutdown,
                StopReason::Cancelled => &mut said.cancelled,
                StopReason::DeadlinePassed => &mut said.deadline,
            };
            !std::mem::replace(flag, true)
        });
    }

    /// The strongest reason to stop; with `can_cancel` the user's wish and the deadline count too.
    pub(crate) fn reason(&self, can_cancel: bool) -> Option<StopReason> {
        let said = *self.said.borrow();
        let reason = [
            (said.lost, StopReason::LeaseLost),
            (said.cancelled && can_cancel, StopReason::Cancelled),
            (said.deadline && can_cancel, StopReason::DeadlinePassed),
            (said.shutdown, StopReason::Shutdown),
        ]
        .into_iter()
        .find_map(|(is_said, reason)| is_said.then_some(reason));
        self.is_heeded.fetch_or(reason.is_some(), Ordering::Relaxed);
        reason
    }

    /// Whether the work has seen a reason to stop that counted: from then on it only clears up.
    pub(crate) fn is_heeded(&self) -> bool {
        self.is_heeded.load(Ordering::Relaxed)
    }

    /// Whether the right to the task is gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.said.borrow().lost
    }

    /// Completes when there is a reason to stop.
    pub(crate) async fn stopped(&self, can_cancel: bool) -> StopReason {
        let mut said = self.said.subscribe();
        loop {
            said.borrow_and_update();
            if let Some(reason) = self.reason(can_cancel) {
                return reason;
            }
            said.changed().await.expect("the sender is borrowed by this future");
        }
    }
}
