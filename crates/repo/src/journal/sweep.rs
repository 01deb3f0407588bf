//! Removing what no reader needs any more.
//!
//! # Why
//! A week of heads is kept, and two whatever their age: a snapshot that turns out damaged has an
//! older one behind it, and a request that arrives late finds its number still taken.

use std::collections::BTreeSet;
use std::time::Duration;

use strongroom_base::Timestamp;

use super::document::Head;
use super::{Journal, JournalError, name};
use crate::object::ObjectKey;

/// As everywhere in the format: no request arrives later, and no writer sleeps longer.
const KEPT_FOR: Duration = Duration::from_hours(24 * 7);
/// Heads that stay whatever their age.
const KEPT_HEADS: usize = 2;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects that are gone.
    pub removed: u64,
}

impl Journal {
    /// Removes heads, parts and segments that are older than a week and that no kept head needs.
    ///
    /// # Errors
    /// A kept head or part that cannot be read is [`JournalError::Damaged`], and nothing is removed
    /// then: what is older may be what a reader needs.
    pub async fn sweep(&self) -> Result<Swept, JournalError> {
        let heads = self.list_heads().await?;
        // Ages are told by the store's clock: a head was just written.
        let Some(now) = heads.last().map(|head| head.modified) else { return Ok(Swept::default()) };
        let is_old = |at: Timestamp| now.since(at) >= KEPT_FOR;
        let certain = heads.len().saturating_sub(KEPT_HEADS);
        let (old, young) = heads.split_at(certain);
        let (gone, kept): (Vec<_>, Vec<_>) = old.iter().partition(|head| is_old(head.modified));
        let mut needed = Vec::new();
        for head in kept.into_iter().chain(young) {
            needed.push(self.read_head(&head.key).await?);
        }
        let parts = self.list_parts().await?;
        let listed: BTreeSet<_> = parts.iter().map(|meta| meta.key.clone()).collect();
        check_whole(&needed, &listed)?;
        let mut swept = Swept::default();
        // Heads first: no reader begins with one whose parts go.
        for head in gone {
            self.remove(&head.key, &mut swept).await?;
        }
        let first = needed.iter().map(|head| head.from).min().unwrap_or(0);
        for segment in self.list_segments().await? {
            if segment.number < first && is_old(segment.modified) {
                self.remove(&segment.key, &mut swept).await?;
            }
        }
        for part in parts {
            let snapshot = name::snapshot_of(&part.key);
            let is_needed = needed.iter().any(|head| Some(head.snapshot) == snapshot);
            if snapshot.is_some() && !is_needed && is_old(part.modified) {
                self.remove(&part.key, &mut swept).await?;
            }
        }
        Ok(swept)
    }

    async fn remove(&self, key: &ObjectKey, swept: &mut Swept) -> Result<(), JournalError> {
        self.store.delete(key).await?;
        swept.removed += 1;
        Ok(())
    }
}

/// Whether all parts of these snapshots are there.
fn check_whole(heads: &[Head], listed: &BTreeSet<ObjectKey>) -> Result<(), JournalError> {
    let parts = |head: &Head| {
        let snapshot = head.snapshot;
        (0..head.parts).map(move |number| name::part(&snapshot, number))
    };
    match heads.iter().flat_map(parts).find(|key| !listed.contains(key)) {
        Some(key) => Err(JournalError::damaged(&key, "it is missing")),
        None => Ok(()),
    }
}
