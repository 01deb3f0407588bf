//! Appending turns.

use bytes::Bytes;

use super::document::Segment;
use super::{Journal, JournalError, Seen, Writer, name};
use crate::object::{ObjectError, ObjectKey};

/// Numbers that others may have taken since the last look before it is worth another look.
const TRIES: usize = 64;

impl Journal {
    /// Appends one payload of a turn; `is_last` ends the turn, which counts from then on. When this
    /// returns, the payload is durable.
    ///
    /// # Errors
    /// [`JournalError::Absent`] before the first snapshot, [`JournalError::Foreign`] when the newest
    /// head names another owner. After any error the turn counts for nothing, unless its last
    /// payload arrived and only the answer did not: then the same changes may be appended again.
    pub async fn append(
        &self,
        by: Writer,
        payload: &[u8],
        is_last: bool,
    ) -> Result<(), JournalError> {
        let seen = self.look().await?;
        self.check_owner(&seen, by)?;
        let plain = Segment::encode(by, is_last, payload);
        for number in (seen.next..).take(TRIES) {
            let key = name::segment(number);
            let sealed = self.seal(&key, &plain)?;
            if self.create(&key, sealed).await? {
                let next = number.saturating_add(1);
                self.keep(Some(Seen { next, fence: seen.fence.max(by.fence), ..seen }));
                return Ok(());
            }
        }
        self.keep(None);
        Err(JournalError::Overtaken)
    }

    fn check_owner(&self, seen: &Seen, by: Writer) -> Result<(), JournalError> {
        let at = self.store.label();
        match seen.head {
            None => Err(JournalError::Absent { at }),
            Some(head) if head.owner != by.owner => {
                Err(JournalError::Foreign { at, owner: head.owner })
            }
            Some(_) => Ok(()),
        }
    }

    /// Whether the object is there by us; false if somebody else was first. A taken key with our
    /// bytes is ours: the first answer was lost (REPO-6).
    pub(super) async fn create(
        &self,
        key: &ObjectKey,
        sealed: Bytes,
    ) -> Result<bool, JournalError> {
        match self.store.create(key, sealed.clone()).await {
            Ok(()) => Ok(true),
            Err(ObjectError::AlreadyExists { .. }) => Ok(self.store.get(key).await? == sealed),
            Err(error) => Err(error.into()),
        }
    }
}
