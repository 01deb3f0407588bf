//! Sends packs to the store and publishes the index segments that name them.
//!
//! # Invariants
//! - REPO-3: a segment is published only after every pack that it names is durable.
//! - A segment follows at most half a minute after a pack, so that after a crash the next try
//!   finds what this one has sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use strongroom_base::Progress;
use strongroom_base::ids::SessionId;
use tokio::sync::mpsc;

use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::{self, IndexedPack, Segment};
use crate::index::view::IndexView;
use crate::key;
use crate::pack::builder::{PACK_MEMORY, SealedPack};
use crate::repository::Repository;

/// Packs on their way at the same time.
const UPLOADS: usize = 2;
/// After this time a pack that was sent is named in the index, full segment or not.
const PUBLISH_EVERY: Duration = Duration::from_secs(30);
/// So many units make a segment full, that is 16 GiB of new data: what waits for its segment is
/// held in memory.
const PUBLISH_ENTRIES: usize = 1 << 18;
/// Memory for each unit that waits: its name twice, its place, its part of the encoded segment.
const ENTRY_MEMORY: usize = 192;

/// Most memory that an uploader holds beside the packs that are queued.
pub(crate) const UPLOAD_MEMORY: usize =
    PUBLISH_ENTRIES * ENTRY_MEMORY + (UPLOADS + 1) * PACK_MEMORY;

/// What the stages of one writing session share.
pub(crate) struct Known {
    /// The index as of the session's start, and the segments it has published itself.
    pub(crate) view: IndexView,
    /// Units of this session that are in no published segment yet.
    pub(crate) pending: HashSet<UnitId>,
}

/// The shared state of a writing session.
pub(crate) type SharedKnown = Arc<Mutex<Known>>;

/// The last stage of a writing session.
pub(crate) struct Uploader {
    repo: Repository,
    session: SessionId,
    known: SharedKnown,
    progress: Progress,
    unpublished: Vec<IndexedPack>,
    entries: usize,
    segments: u32,
    published_at: Duration,
    sent: u64,
}

impl Uploader {
    pub(crate) fn new(
        repo: &Repository,
        session: SessionId,
        known: SharedKnown,
        progress: Progress,
    ) -> Self {
        Self {
            repo: repo.clone(),
            session,
            known,
            progress,
            unpublished: Vec::new(),
            entries: 0,
            segments: 0,
            published_at: repo.env.clock.monotonic(),
            sent: 0,
        }
    }

    /// Sends every pack that arrives and publishes the last segment; the answer is how many bytes
    /// went to the store.
    pub(crate) async fn run(
        mut self,
        mut packs: mpsc::Receiver<SealedPack>,
    ) -> Result<u64, ReadError> {
        let mut uploads = FuturesUnordered::new();
        loop {
            while uploads.len() >= UPLOADS {
                if let Some(pack) = uploads.next().await {
                    self.sent(pack?).await?;
                }
            }
            tokio::select! {
                biased;
                Some(pack) = uploads.next(), if !uploads.is_empty() => self.sent(pack?).await?,
                pack = packs.recv() => match pack {
                    Some(pack) => uploads.push(send(self.repo.clone(), pack)),
                    None => break,
                },
            }
        }
        while let Some(pack) = uploads.next().await {
            self.sent(pack?).await?;
        }
        self.publish().await?;
        Ok(self.sent)
    }

    async fn sent(&mut self, pack: SealedPack) -> Result<(), ReadError> {
        self.sent += pack.bytes.len() as u64;
        self.progress.add_stored(pack.bytes.len() as u64);
        self.entries += pack.footer.frames.iter().map(|frame| frame.units.len()).sum::<usize>();
        self.unpublished.push(pack.into());
        let waited = self.repo.env.clock.monotonic().saturating_sub(self.published_at);
        if self.entries >= PUBLISH_ENTRIES || waited >= PUBLISH_EVERY {
            self.publish().await?;
        }
        Ok(())
    }

    async fn publish(&mut self) -> Result<(), ReadError> {
        self.published_at = self.repo.env.clock.monotonic();
        if self.unpublished.is_empty() {
            return Ok(());
        }
        let packs = std::mem::take(&mut self.unpublished);
        self.entries = 0;
        let at = key::numbered(key::INDEX, self.session, self.segments);
        self.segments += 1;
        let plain = segment::encode(&packs);
        let sealed = self.repo.seal(&at, &plain);
        self.sent += sealed.len() as u64;
        self.progress.add_stored(sealed.len() as u64);
        self.repo.env.store.put(&at, sealed).await?;
        let segment = Segment::decode(plain)
            .map_err(ReadError::Local)?
            .expect("what was just encoded can be read");
        if let Ok(mut known) = self.known.lock() {
            for unit in packs.iter().flat_map(|pack| &pack.footer.frames).flat_map(|f| &f.units) {
                known.pending.remove(&unit.id);
            }
            known.view.add_own(at, segment);
        }
        Ok(())
    }
}

async fn send(repo: Repository, pack: SealedPack) -> Result<SealedPack, ReadError> {
    repo.env.store.put(&pack.id.key(), pack.bytes.clone()).await?;
    Ok(pack)
}
