//! Which operation is killed when.

use std::time::Duration;

use strongroom_testkit::Ask;

use super::copy::Ids;
use crate::cloud_client::CloudClient;

/// How many instants of each operation, and how many of them lie before the answer.
const INSTANTS: u32 = 12;
const BEFORE_ANSWER: u32 = 2;
/// The last instant lies a little after the end of an undisturbed run.
const REACH: f64 = 1.1;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Backup,
    Restore,
    BackupDelete,
    VaultDelete,
}

impl Operation {
    pub(super) const ALL: [Self; 4] =
        [Self::Backup, Self::Restore, Self::BackupDelete, Self::VaultDelete];

    fn works_on_disks(self) -> bool {
        matches!(self, Self::Backup | Self::Restore)
    }
}

/// Whether the server that goes on is killed as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    WhileStarting,
    WhileGoingOn,
}

/// How long an operation takes that nobody disturbs.
#[derive(Debug)]
pub(super) struct Usual {
    /// Until it is answered.
    pub(super) answer: Duration,
    /// From then on, until its task has ended.
    pub(super) task: Duration,
}

/// When a server dies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Instant {
    /// So long after the request was sent.
    BeforeAnswer(Duration),
    /// So long after it was answered.
    AfterAnswer(Duration),
}

/// One operation, killed at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) operation: Operation,
    pub(super) number: u32,
    pub(super) again: Again,
}

impl Case {
    /// The number of the case that is not killed.
    pub(super) const SPARE: u32 = INSTANTS;

    /// All of them; those that wait twice come first.
    pub(super) fn all() -> Vec<Self> {
        let mut all: Vec<_> = Operation::ALL
            .into_iter()
            .flat_map(|operation| (0..INSTANTS).map(move |number| Self::of(operation, number)))
            .collect();
        all.sort_by_key(|case| case.again != Again::WhileGoingOn);
        all
    }

    fn of(operation: Operation, number: u32) -> Self {
        let again = match number % 4 {
            1 if operation.works_on_disks() => Again::WhileGoingOn,
            3 => Again::WhileStarting,
            _ => Again::Never,
        };
        Self { operation, number, again }
    }

    /// When the server dies: the instants are spread over what the operation takes.
    pub(super) fn instant(self, usual: &Usual) -> Instant {
        let part = |number: u32, of: u32| (f64::from(number) + 0.5) / f64::from(of);
        match self.number.checked_sub(BEFORE_ANSWER) {
            None => Instant::BeforeAnswer(usual.answer.mul_f64(part(self.number, BEFORE_ANSWER))),
            Some(number) => {
                let part = part(number, INSTANTS - BEFORE_ANSWER) * REACH;
                Instant::AfterAnswer(usual.task.mul_f64(part))
            }
        }
    }

    /// What the server is asked for.
    pub(super) fn request(self, ids: &Ids, client: &CloudClient) -> Ask {
        match self.operation {
            Operation::Backup => client.backup_of(&ids.fresh),
            Operation::Restore => client.restore_of(&ids.backup, &ids.other),
            Operation::BackupDelete => client.cbr("DELETE", &format!("backups/{}", ids.backup)),
            Operation::VaultDelete => client.cbr("DELETE", &format!("vaults/{}", ids.many)),
        }
    }

    pub(super) fn name(self) -> String {
        format!("{:?}-{}", self.operation, self.number)
    }
}
