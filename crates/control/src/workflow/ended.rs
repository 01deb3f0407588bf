//! What is written about the end of a task, as the workflow tells it.

use serde::{Deserialize, Serialize};
use strongroom_task::End;

use super::{BackupParams, Bury, Kept, RestoreParams, VerifyParams, Written};

/// How a task ended, for the rows that clients read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub(crate) enum Ended {
    /// A backup.
    Backup {
        params: BackupParams,
        /// What was written; only if it succeeded.
        written: Option<Written>,
        end: End,
    },
    /// A restore.
    Restore {
        params: RestoreParams,
        /// The first disk may have been written to.
        has_begun: bool,
        end: End,
    },
    /// A deletion.
    Bury {
        params: Bury,
        /// Backups that are still there.
        kept: Kept,
        end: End,
    },
    /// A verification.
    Verify {
        params: VerifyParams,
        /// The repository was read to its end, whatever was found.
        was_read: bool,
        /// What users should know of a task that did not fail.
        note: Option<String>,
    },
}
