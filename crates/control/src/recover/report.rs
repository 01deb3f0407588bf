//! What a recover found and did.

use std::collections::BTreeMap;

use strongroom_base::Timestamp;
use strongroom_db::Rebuilt;
use strongroom_model::{BackupId, VaultId};
use strongroom_repo::journal::Reading;

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Tables, and what a row of them is called.
const NOUNS: [(&str, &str); 15] = [
    ("iam_domain", "domains"),
    ("iam_project", "projects"),
    ("iam_user", "users"),
    ("iam_grant", "grants"),
    ("iam_access_key", "access_keys"),
    ("host_disk", "disks"),
    ("host_server", "servers"),
    ("cbr_vault", "vaults"),
    ("cbr_vault_tag", "tags"),
    ("cbr_vault_resource", "protected_resources"),
    ("cbr_checkpoint", "checkpoints"),
    ("cbr_backup", "backups"),
    ("cbr_repository", "repositories"),
    ("cbr_task", "tasks"),
    ("audit_record", "audit_records"),
];

/// What a recover found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoverReport {
    /// Rows that came back from the journal.
    pub rows: u64,
    /// What the catalogue has now: a noun, and how many of it.
    pub catalogue: Vec<(&'static str, u64)>,
    /// When the journal ends: later changes are not in it.
    pub until: Timestamp,
    /// Backups that are newer than the journal and were found by their manifests.
    pub added: Vec<BackupId>,
    /// Backups that the journal knew as unfinished and whose manifests are there.
    pub completed: Vec<BackupId>,
    /// Backups that the journal knew and that are deleted, or whose data is gone.
    pub removed: Vec<BackupId>,
    /// Tasks that had not ended and that nobody goes on with.
    pub failed_tasks: u64,
    /// Vaults with repositories in the store that the journal does not know: made after its end, or
    /// lost with a part of it. Their backups can be read without a catalogue.
    pub unknown_vaults: Vec<VaultId>,
    /// Rows that had no place, as `table key`; none if the journal was whole.
    pub left_out: Vec<String>,
    /// What could not be read. Rows that depend on it are as the journal has them.
    pub unreadable: Vec<Unreadable>,
}

impl RecoverReport {
    pub(super) fn of(reading: &Reading, illegible: u64) -> Self {
        let unreadable = |unread: &strongroom_repo::journal::Unread| Unreadable {
            what: format!("object {} of the journal", unread.key),
            why: unread.what.to_owned(),
        };
        let mut report = Self {
            until: reading.until,
            unreadable: reading.unread.iter().map(unreadable).collect(),
            ..Self::default()
        };
        if illegible > 0 {
            report.unreadable.push(Unreadable {
                what: format!("{illegible} records of the journal"),
                why: "they are none that this version knows".to_owned(),
            });
        }
        if reading.foreign > 0 {
            report.unreadable.push(Unreadable {
                what: format!("{} segments of the journal", reading.foreign),
                why: "another catalogue wrote them".to_owned(),
            });
        }
        report
    }

    pub(super) fn take(&mut self, rebuilt: Rebuilt) {
        self.rows = rebuilt.rows;
        self.left_out = rebuilt.left_out;
        let unknown = rebuilt.unknown.into_iter().map(|table| Unreadable {
            what: format!("table {table} of the journal"),
            why: "this version does not have it".to_owned(),
        });
        self.unreadable.extend(unknown);
    }

    pub(super) fn count(&mut self, tables: Vec<(&'static str, u64)>) {
        let counts: BTreeMap<_, _> = tables.into_iter().collect();
        let count = |table| counts.get(table).copied().unwrap_or(0);
        self.catalogue = NOUNS.map(|(table, noun)| (noun, count(table))).to_vec();
    }

    /// Whether all that was ever journaled is back.
    pub fn is_whole(&self) -> bool {
        self.unreadable.is_empty() && self.left_out.is_empty() && self.unknown_vaults.is_empty()
    }
}
