//! Reading a journal back.
//!
//! # Invariants
//! - Nothing damaged is believed and nothing damaged stops the rest: each such object is named, an
//!   older snapshot stands in for one that cannot be read, and segments after a damaged one count.

use futures_util::{StreamExt as _, stream};
use strongroom_base::Timestamp;

use super::document::{Head, Segment};
use super::name::Numbered;
use super::{Journal, JournalError, name};
use crate::control::FETCHES;
use crate::object::ObjectKey;

/// What a reader is given, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A snapshot begins: all that was given before counts for nothing.
    Start,
    /// What was appended or put into the snapshot.
    Payload(&'a [u8]),
}

/// An object that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Which.
    pub key: ObjectKey,
    /// Why.
    pub what: &'static str,
}

/// How reading went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The head that was gone by.
    pub head: Head,
    /// When the last object that counted was written, by the store's clock.
    pub until: Timestamp,
    /// How many segments after the snapshot counted.
    pub segments: u64,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Segments of other owners, which are not read.
    pub foreign: u64,
}

type Visit<'v> = &'v mut (dyn FnMut(Piece<'_>) + Send);

impl Journal {
    /// Reads the newest snapshot that can be read and all turns after it.
    ///
    /// # Errors
    /// [`JournalError::Absent`] when there is none, [`JournalError::Unreadable`] when no snapshot
    /// opens; the store's, and no other: what is damaged is told in [`Reading::unread`].
    pub async fn read(&self, visit: Visit<'_>) -> Result<Reading, JournalError> {
        let heads = self.list_heads().await?;
        let Some(newest) = heads.last() else {
            return Err(JournalError::Absent { at: self.store.label() });
        };
        let mut unread = Vec::new();
        for listed in heads.iter().rev() {
            let head = match self.read_head(&listed.key).await {
                Ok(head) => head,
                Err(error) => {
                    unread.push(unreadable(error)?);
                    continue;
                }
            };
            visit(Piece::Start);
            if let Some(part) = self.read_parts(&head, visit).await? {
                unread.push(part);
                continue;
            }
            let (until, segments, foreign) = (listed.modified, 0, 0);
            let mut reading = Reading { head, until, segments, unread, foreign };
            self.read_segments(&mut reading, visit).await?;
            return Ok(reading);
        }
        Err(JournalError::Unreadable { key: newest.key.clone() })
    }

    /// Reads the parts of a snapshot; the first that cannot be read.
    async fn read_parts(
        &self,
        head: &Head,
        visit: Visit<'_>,
    ) -> Result<Option<Unread>, JournalError> {
        let get = |number| async move { self.get(&name::part(&head.snapshot, number)).await };
        let mut parts = stream::iter((0..head.parts).map(get)).buffered(FETCHES);
        while let Some(part) = parts.next().await {
            match part {
                Ok(payload) => visit(Piece::Payload(&payload)),
                Err(error) => return unreadable(error).map(Some),
            }
        }
        Ok(None)
    }

    async fn read_segments(
        &self,
        reading: &mut Reading,
        visit: Visit<'_>,
    ) -> Result<(), JournalError> {
        let mut listed = self.list_segments().await?;
        listed.retain(|segment| segment.number >= reading.head.from);
        let read = |listed: Numbered<u64>| async move {
            let segment = self.read_segment(&listed.key).await;
            (listed, segment)
        };
        let mut segments = stream::iter(listed.into_iter().map(read)).buffered(FETCHES);
        let mut turns = Turns { fence: reading.head.fence, open: Vec::new() };
        let mut expected = reading.head.from;
        while let Some((listed, segment)) = segments.next().await {
            for number in expected..listed.number {
                let what = "it is missing";
                reading.unread.push(Unread { key: name::segment(number), what });
                turns.flush(visit);
            }
            expected = listed.number.saturating_add(1);
            match segment {
                Ok(segment) if segment.writer.owner != reading.head.owner => reading.foreign += 1,
                Ok(segment) => {
                    if turns.take(segment, visit) {
                        reading.until = listed.modified;
                    }
                    reading.segments += 1;
                }
                Err(error) => {
                    reading.unread.push(unreadable(error)?);
                    turns.flush(visit);
                }
            }
        }
        Ok(())
    }
}

/// The turns of a journal as its segments come.
struct Turns {
    /// The highest fence so far.
    fence: u64,
    /// The payloads of a turn that has not ended.
    open: Vec<Vec<u8>>,
}

impl Turns {
    /// Whether a turn ended.
    fn take(&mut self, segment: Segment, visit: Visit<'_>) -> bool {
        let fence = segment.writer.fence;
        if fence < self.fence {
            // Overtaken: who overtook it has read what it says, and appended that or newer.
            return false;
        }
        if fence > self.fence {
            self.open.clear();
            self.fence = fence;
        }
        self.open.push(segment.payload);
        if segment.is_last {
            self.flush(visit);
        }
        segment.is_last
    }

    /// Gives out what is open: the turn has ended, or its end may be what is damaged.
    fn flush(&mut self, visit: Visit<'_>) {
        for payload in self.open.drain(..) {
            visit(Piece::Payload(&payload));
        }
    }
}

/// What an error says of one object, unless it is not about one object.
fn unreadable(error: JournalError) -> Result<Unread, JournalError> {
    match error {
        JournalError::Damaged { key, what } => Ok(Unread { key, what }),
        JournalError::Store(crate::object::ObjectError::NotFound { key }) => {
            Ok(Unread { key, what: "it is missing" })
        }
        error => Err(error),
    }
}
