//! The states of a task, and which of them clients know.

use crate::state::StateMachine;
use crate::word::words;

words! {
    /// The state of a task as clients see it (contract, 3.10).
    ShownStatus in "status" {
        /// Nobody took it up yet.
        Waiting = "waiting",
        /// Somebody is at work.
        Running = "running",
        /// Done.
        Success = "success",
        /// Not done.
        Failed = "failed",
        /// Nothing was tried.
        Skipped = "skipped",
        /// Given up because it took too long.
        Timeout = "timeout",
    }
}

words! {
    /// The state of a task.
    TaskStatus in "status" {
        /// Nobody took it up yet.
        Waiting = "waiting",
        /// Somebody is at work.
        Running = "running",
        /// A user wants it stopped; whoever works on it will notice.
        Cancelling = "cancelling",
        /// It failed, and what it did is being undone.
        Unwinding = "unwinding",
        /// Done.
        Success = "success",
        /// Not done, and nothing of it is left.
        Failed = "failed",
        /// Nothing was tried, for example because the previous run was still going (R62).
        Skipped = "skipped",
        /// Given up because it took too long, and nothing of it is left.
        Timeout = "timeout",
        /// Stopped as a user wanted, and nothing of it is left.
        Cancelled = "cancelled",
        /// Not done, and what it did could not be undone: somebody has to look.
        Stuck = "stuck",
    }
}

impl StateMachine for TaskStatus {
    const TRANSITIONS: &'static [(Self, &'static [Self])] = &[
        (
            Self::Waiting,
            &[Self::Running, Self::Failed, Self::Skipped, Self::Timeout, Self::Cancelled],
        ),
        (
            Self::Running,
            &[
                Self::Cancelling,
                Self::Unwinding,
                Self::Success,
                Self::Failed,
                Self::Skipped,
                Self::Timeout,
            ],
        ),
        // It may be too late to stop.
        (Self::Cancelling, &[Self::Success, Self::Failed, Self::Cancelled, Self::Stuck]),
        (Self::Unwinding, &[Self::Failed, Self::Timeout, Self::Stuck]),
        // Somebody cleaned up.
        (Self::Stuck, &[Self::Failed]),
    ];
}

impl TaskStatus {
    /// What clients are told. A cancelled task has failed for them, with a code of its own
    /// (contract, 11b).
    pub const fn shown(self) -> ShownStatus {
        match self {
            Self::Waiting => ShownStatus::Waiting,
            Self::Running | Self::Cancelling | Self::Unwinding => ShownStatus::Running,
            Self::Success => ShownStatus::Success,
            Self::Failed | Self::Cancelled | Self::Stuck => ShownStatus::Failed,
            Self::Skipped => ShownStatus::Skipped,
            Self::Timeout => ShownStatus::Timeout,
        }
    }

    /// Whether nobody works on it any more.
    pub const fn has_ended(self) -> bool {
        !matches!(self.shown(), ShownStatus::Waiting | ShownStatus::Running)
    }
}

impl ShownStatus {
    /// The states that are shown as this one, for lists that are asked for it.
    pub fn covers(self) -> impl Iterator<Item = TaskStatus> {
        TaskStatus::ALL.iter().copied().filter(move |status| status.shown() == self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::check_transitions;

    // proves: MODEL-1
    #[test]
    fn task_changes_its_state_as_its_table_says() {
        check_transitions(
            TaskStatus::ALL,
            &[
                "waiting: running failed skipped timeout cancelled",
                "running: cancelling unwinding success failed skipped timeout",
                "cancelling: success failed cancelled stuck",
                "unwinding: failed timeout stuck",
                "success:",
                "failed:",
                "skipped:",
                "timeout:",
                "cancelled:",
                "stuck: failed",
            ],
        );
    }

    #[test]
    fn clients_are_told_one_of_six_states() {
        let check = |shown: ShownStatus, states: &str| {
            let covered: Vec<_> = shown.covers().map(TaskStatus::as_str).collect();
            assert_eq!(covered.join(" "), states, "{shown}");
        };
        check(ShownStatus::Waiting, "waiting");
        check(ShownStatus::Running, "running cancelling unwinding");
        check(ShownStatus::Success, "success");
        check(ShownStatus::Failed, "failed cancelled stuck");
        check(ShownStatus::Skipped, "skipped");
        check(ShownStatus::Timeout, "timeout");
    }

    fn rank(shown: ShownStatus) -> u8 {
        match shown {
            ShownStatus::Waiting => 0,
            ShownStatus::Running => 1,
            _ => 2,
        }
    }

    proptest! {
        // proves: MODEL-3
        #[test]
        fn what_clients_see_goes_forward_and_ends_once(
            wishes in prop::collection::vec(prop::sample::select(TaskStatus::ALL), 0..40),
        ) {
            let mut status = TaskStatus::Waiting;
            for wish in wishes {
                let next = status.advance(wish).unwrap_or(status);
                prop_assert!(rank(next.shown()) >= rank(status.shown()));
                prop_assert!(!status.has_ended() || next.shown() == status.shown());
                status = next;
            }
        }
    }
}
