//! What recovering a catalogue comes to.

use strongroom_control::CatalogueError;
use strongroom_repo::journal::JournalError;

use super::{Kind, Verdict};

pub(super) fn judge_catalogue(error: &CatalogueError) -> Option<Verdict> {
    match error {
        CatalogueError::InUse => Some(Verdict::hint(
            Kind::Conflict,
            "give an empty --data-dir, or an empty --database; what is there was not changed",
        )),
        CatalogueError::OwnerUnreadable => Some(Verdict::of(Kind::Corruption)),
        _ => None,
    }
}

pub(super) fn judge_journal(error: &JournalError) -> Option<Verdict> {
    Some(match error {
        JournalError::Absent { .. } => Verdict::hint(
            Kind::NotFound,
            "check --store: it is what `strongroom serve` was given, and has a part `journal`",
        ),
        JournalError::Unreadable { .. } => Verdict::hint(
            Kind::Key,
            "give the master key of the lost service (--key-file); if it is the right one, the \
             journal is damaged",
        ),
        JournalError::Damaged { .. } => Verdict::of(Kind::Corruption),
        JournalError::Foreign { .. } => Verdict::hint(
            Kind::Conflict,
            "another service uses this store, or was recovered from it meanwhile",
        ),
        JournalError::Overtaken => Verdict::hint(Kind::Conflict, "try again"),
        _ => return None,
    })
}
