//! The catalogue's journal: every committed change goes into the object store, so that the catalogue
//! can be made anew from there.
//!
//! # Responsibility
//! [`CatalogueJournal::run`] writes what is noted as one turn, [`CatalogueJournal::compact`] a
//! snapshot of everything. [`Service::keep_journal`] does the one every two seconds and the other
//! daily, as long as a server runs.
//!
//! # Invariants
//! - JRN-9: a note is forgotten only after a turn that says it, or something newer, is in the store.
//! - JRN-10: a catalogue writes only to the journal that it began or was made from: a new one that
//!   meets somebody's journal is told, and nothing is overwritten.
//! - JRN-14: while a server runs and its store answers, a change is in the store within five seconds,
//!   and before the server ends; a store that does not answer delays the journal and nothing else.
//!
//! # Concurrency and crash
//! Any number of processes run this at once; the fence of the catalogue decides who counts. Killed
//! anywhere it leaves notes, which the next turn says again.
//!
//! # Not here
//! Bytes and places of the journal: `strongroom_repo::journal`. What is noted: `strongroom_db`.

mod error;
mod keep;
mod lines;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use strongroom_base::Rng;
use strongroom_db::{Db, JournalOwner};
use strongroom_repo::journal::{Journal, JournalError, OwnerId, SnapshotDraft, Writer};

use crate::service::Service;

pub use error::CatalogueError;
pub(crate) use lines::{Lines, parse};

/// Payloads are about this long: one request each, and a few of them fit into memory.
const PAYLOAD: usize = 2 << 20;
/// How often what a snapshot saw is appended when other processes do the same at the same moment.
const TRIES: usize = 10;

/// The journal of a catalogue.
pub struct CatalogueJournal {
    db: Db,
    journal: Journal,
    rng: Arc<dyn Rng>,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalReport {
    /// Rows, those that are gone among them.
    pub rows: u64,
    /// Whether a snapshot of everything was written.
    pub is_snapshot: bool,
}

/// A turn that was begun.
struct Begun {
    by: Writer,
    replaces: Option<OwnerId>,
    /// The catalogue is an older state of itself: turns alone would not say so.
    is_behind: bool,
}

impl Service {
    /// The journal of this service's catalogue; keep it, it knows where it was.
    pub fn journal(&self) -> Result<CatalogueJournal, CatalogueError> {
        let journal = self.0.repositories.journal()?;
        Ok(CatalogueJournal::new(self.0.db.clone(), journal, Arc::clone(&self.0.rng)))
    }
}

impl CatalogueJournal {
    pub(crate) fn new(db: Db, journal: Journal, rng: Arc<dyn Rng>) -> Self {
        Self { db, journal, rng }
    }

    /// Writes what has changed since the last time; everything, if there is no journal yet.
    ///
    /// # Errors
    /// Nothing is lost by any: the next run says the same and more. A journal of another catalogue
    /// is [`JournalError::Foreign`].
    pub async fn run(&self) -> Result<JournalReport, CatalogueError> {
        if self.db.journal_is_idle().await? {
            return Ok(JournalReport::default());
        }
        let head = self.journal.head().await?;
        let begun = self.begin().await?;
        match head {
            Some(head) if head.owner == begun.by.owner && !begun.is_behind => {
                let (rows, _) = self.turn(begun.by).await?;
                Ok(JournalReport { rows, is_snapshot: false })
            }
            _ => self.snapshot(begun).await,
        }
    }

    /// Writes a snapshot of everything, and removes what no reader needs any more.
    ///
    /// # Errors
    /// As [`Self::run`]; the older snapshot counts until the new one is whole.
    pub async fn compact(&self) -> Result<JournalReport, CatalogueError> {
        let begun = self.begin().await?;
        let report = self.snapshot(begun).await?;
        self.journal.sweep().await?;
        Ok(report)
    }

    /// Takes a fence; everything that is read afterwards is at least as new as what others with
    /// lower fences read.
    async fn begin(&self) -> Result<Begun, CatalogueError> {
        let seen = self.journal.fence().await?;
        let new = OwnerId::random(&*self.rng).to_string();
        let JournalOwner { owner, replaces, fence, is_behind } =
            self.db.journal_begin(&new, seen).await?;
        let id = |text: &str| OwnerId::parse(text).ok_or(CatalogueError::OwnerUnreadable);
        Ok(Begun {
            by: Writer { owner: id(&owner)?, fence },
            replaces: replaces.as_deref().map(id).transpose()?,
            is_behind,
        })
    }

    /// Appends what is noted; how many rows, and whether all of it is settled. Nobody else's turn
    /// came between, if it is.
    async fn turn(&self, by: Writer) -> Result<(u64, bool), CatalogueError> {
        let mut notes = self.db.journal_notes().await?;
        let mut lines = Lines::default();
        let mut rows = 0;
        loop {
            let page = notes.page().await?;
            if page.is_empty() {
                break;
            }
            for record in &page {
                lines.push(record);
                rows += 1;
            }
            if lines.len() >= PAYLOAD {
                self.journal.append(by, &lines.take(), false).await?;
            }
        }
        if rows == 0 {
            return Ok((0, true));
        }
        self.journal.append(by, &lines.take(), true).await?;
        let is_settled = self.db.journal_forget(by.fence, &notes.read()).await?;
        Ok((rows, is_settled))
    }

    async fn snapshot(&self, begun: Begun) -> Result<JournalReport, CatalogueError> {
        let mut draft = self.journal.begin_snapshot(begun.by, begun.replaces).await?;
        let rows = self.dump(&mut draft).await?;
        let head = self.journal.head().await?;
        if head.is_some_and(|head| head.owner == begun.by.owner) {
            self.settle().await?;
        }
        draft.finish().await?;
        Ok(JournalReport { rows, is_snapshot: true })
    }

    async fn dump(&self, draft: &mut SnapshotDraft<'_>) -> Result<u64, CatalogueError> {
        let mut dump = self.db.journal_dump().await?;
        let mut lines = Lines::default();
        let mut rows = 0;
        loop {
            let page = dump.page().await?;
            if page.is_empty() {
                break;
            }
            for record in &page {
                lines.push(record);
                rows += 1;
            }
            if lines.len() >= PAYLOAD {
                draft.push(&lines.take()).await?;
            }
        }
        if lines.len() > 0 {
            draft.push(&lines.take()).await?;
        }
        Ok(rows)
    }

    /// Appends all that a snapshot may have seen: its readers go through the turns after its
    /// beginning, and must not come out before it.
    async fn settle(&self) -> Result<(), CatalogueError> {
        for _ in 0..TRIES {
            let begun = self.begin().await?;
            let (_, is_settled) = self.turn(begun.by).await?;
            if is_settled {
                return Ok(());
            }
        }
        Err(JournalError::Overtaken.into())
    }
}
