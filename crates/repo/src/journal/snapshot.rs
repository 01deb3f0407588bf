//! Writing snapshots.

use super::document::Head;
use super::name::SnapshotId;
use super::{Journal, JournalError, OwnerId, Writer, name};

/// A snapshot that is being written. Dropped before its end it is nothing; its parts are swept.
#[derive(Debug)]
pub struct SnapshotDraft<'a> {
    journal: &'a Journal,
    generation: u32,
    head: Head,
}

impl Journal {
    /// Begins a snapshot. Whatever it will be made of must be read after this returns, so that it
    /// has all that was appended before.
    ///
    /// # Errors
    /// [`JournalError::Foreign`] when the newest head names neither this owner nor `replaces`, whose
    /// journal this owner goes on with.
    pub async fn begin_snapshot(
        &self,
        by: Writer,
        replaces: Option<OwnerId>,
    ) -> Result<SnapshotDraft<'_>, JournalError> {
        let seen = self.look_now().await?;
        if let Some(Head { owner, .. }) = seen.head
            && owner != by.owner
            && Some(owner) != replaces
        {
            return Err(JournalError::Foreign { at: self.store.label(), owner });
        }
        let mut snapshot = SnapshotId::default();
        self.rng.fill(&mut snapshot);
        let head = Head {
            owner: by.owner,
            fence: by.fence,
            created: self.clock.now(),
            from: seen.next,
            snapshot,
            parts: 0,
        };
        Ok(SnapshotDraft { journal: self, generation: seen.generation, head })
    }
}

impl SnapshotDraft<'_> {
    /// Adds a payload.
    pub async fn push(&mut self, payload: &[u8]) -> Result<(), JournalError> {
        let key = name::part(&self.head.snapshot, self.head.parts);
        let sealed = self.journal.seal(&key, payload)?;
        self.journal.store.put(&key, sealed).await?;
        self.head.parts = self.head.parts.checked_add(1).ok_or(JournalError::Overtaken)?;
        Ok(())
    }

    /// Makes the snapshot count. Everything that it may have seen must have been appended before.
    ///
    /// # Errors
    /// [`JournalError::Overtaken`] when another snapshot was faster.
    pub async fn finish(self) -> Result<Head, JournalError> {
        let key = name::head(self.generation);
        let sealed = self.journal.seal(&key, &self.head.encode())?;
        let is_ours = self.journal.create(&key, sealed).await?;
        self.journal.keep(None);
        if is_ours { Ok(self.head) } else { Err(JournalError::Overtaken) }
    }
}
