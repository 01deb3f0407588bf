//! What the journal's objects say, once they are open.

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::{from_hex, to_hex};

use super::name::{Numbered, SnapshotId};
use super::{Journal, JournalError, OwnerId, Writer};
use crate::object::ObjectKey;
use crate::wire::Reader;

/// Flag of the last segment of its turn.
const LAST: u8 = 1;

/// What a segment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) writer: Writer,
    pub(super) is_last: bool,
    pub(super) payload: Vec<u8>,
}

impl Segment {
    /// Owner, fence, flags, payload.
    pub(super) fn encode(writer: Writer, is_last: bool, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(25 + payload.len());
        out.extend_from_slice(&writer.owner.0);
        out.extend_from_slice(&writer.fence.to_le_bytes());
        out.push(u8::from(is_last) * LAST);
        out.extend_from_slice(payload);
        out
    }

    pub(super) fn decode(plain: &[u8]) -> Option<Self> {
        let mut reader = Reader(plain);
        let owner = OwnerId(reader.array()?);
        let fence = reader.u64()?;
        let flags = reader.u8().filter(|flags| *flags <= LAST)?;
        let payload = reader.0.to_vec();
        Some(Self { writer: Writer { owner, fence }, is_last: flags == LAST, payload })
    }
}

/// The head of a snapshot: the snapshot counts since it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Whose journal it is from here on.
    pub owner: OwnerId,
    /// The fence with which the snapshot was begun.
    pub fence: u64,
    /// When the snapshot was begun, by its writer's clock.
    pub created: Timestamp,
    /// The number of the first segment that the snapshot may lack.
    pub(super) from: u64,
    pub(super) snapshot: SnapshotId,
    pub(super) parts: u32,
}

#[derive(Serialize, Deserialize)]
struct HeadDoc {
    owner: String,
    fence: u64,
    created: Timestamp,
    from: u64,
    snapshot: String,
    parts: u32,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { owner, fence, created, from, snapshot, parts } = *self;
        let (owner, snapshot) = (owner.to_string(), to_hex(&snapshot));
        let document = HeadDoc { owner, fence, created, from, snapshot, parts };
        serde_json::to_vec(&document).expect("the document has text keys only")
    }

    pub(super) fn decode(plain: &[u8]) -> Option<Self> {
        let HeadDoc { owner, fence, created, from, snapshot, parts } =
            serde_json::from_slice(plain).ok()?;
        let (owner, snapshot) = (OwnerId::parse(&owner)?, from_hex(&snapshot)?);
        Some(Self { owner, fence, created, from, snapshot, parts })
    }
}

impl Journal {
    pub(super) async fn read_segment(&self, key: &ObjectKey) -> Result<Segment, JournalError> {
        let plain = self.get(key).await?;
        Segment::decode(&plain).ok_or_else(|| JournalError::damaged(key, "it is no segment"))
    }

    pub(super) async fn read_head(&self, key: &ObjectKey) -> Result<Head, JournalError> {
        let plain = self.get(key).await?;
        Head::decode(&plain).ok_or_else(|| JournalError::damaged(key, "it is no head"))
    }

    /// The newest of `heads` that opens, and the newest that does not.
    pub(super) async fn first_readable(
        &self,
        heads: &[Numbered<u32>],
    ) -> Result<(Option<(u32, Head)>, Option<ObjectKey>), JournalError> {
        let mut damaged = None;
        for head in heads.iter().rev() {
            match self.read_head(&head.key).await {
                Ok(found) => return Ok((Some((head.number, found)), damaged)),
                Err(JournalError::Damaged { key, .. }) => damaged = damaged.or(Some(key)),
                Err(error) => return Err(error),
            }
        }
        Ok((None, damaged))
    }
}
