//! Reads units and nodes by name, wherever they lie now.
//!
//! # Invariants
//! - REPO-12: every byte that leaves here was authenticated by its seal and named anew; a mismatch
//!   is an error that names the object, never a wrong byte.
//!
//! # Concurrency and crash
//! A collector may move units while we read. A reader that misses a pack loads the index again,
//! once for each pack that is missing from the index it has.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, RwLock};

use strongroom_base::ByteRange;

use crate::crypto::UnitId;
use crate::error::ReadError;
use crate::index::segment::Location;
use crate::index::view::IndexView;
use crate::key::PackId;
use crate::manifest::node::Node;
use crate::object::ObjectError;
use crate::pack::frame::FRAME_LEN;
use crate::pack::open::OpenPack;
use crate::repository::Repository;

/// Unpacked bytes of frames that are kept for the next unit.
const CACHE_LEN: usize = 32 << 20;
/// Most memory that one reader holds: its cache, and a frame on its way there.
pub(crate) const READER_MEMORY: usize = CACHE_LEN + 4 * FRAME_LEN;

/// So many generations of the index are tried for one unit. A collection makes two; listings that
/// contradict one another must not keep a reader for ever.
const GENERATIONS: usize = 16;

/// Reads from one repository with one view of its index, which it renews when needed.
pub(crate) struct UnitReader {
    repo: Repository,
    view: RwLock<Arc<IndexView>>,
    cache: Mutex<FrameCache>,
}

/// A frame's place: its pack and its number there.
type FrameId = (PackId, u32);

#[derive(Default)]
struct FrameCache {
    frames: VecDeque<(FrameId, Arc<Vec<u8>>)>,
    len: usize,
}

impl FrameCache {
    fn get(&mut self, at: FrameId) -> Option<Arc<Vec<u8>>> {
        let found = self.frames.iter().position(|(place, _)| *place == at)?;
        let hit = self.frames.remove(found)?;
        let bytes = Arc::clone(&hit.1);
        self.frames.push_back(hit);
        Some(bytes)
    }

    fn put(&mut self, at: FrameId, bytes: Arc<Vec<u8>>) {
        self.len += bytes.len();
        self.frames.push_back((at, bytes));
        while self.len > CACHE_LEN
            && let Some((_, old)) = self.frames.pop_front()
        {
            self.len -= old.len();
        }
    }
}

impl UnitReader {
    pub(crate) fn new(repo: &Repository, view: IndexView) -> Self {
        Self { repo: repo.clone(), view: RwLock::new(Arc::new(view)), cache: Mutex::default() }
    }

    pub(crate) fn repo(&self) -> &Repository {
        &self.repo
    }

    /// The present view of the index.
    pub(crate) fn view(&self) -> Arc<IndexView> {
        Arc::clone(&self.view.read().expect("no holder of this lock panics"))
    }

    /// Goes on with another view.
    pub(crate) fn replace(&self, view: IndexView) {
        *self.view.write().expect("no holder of this lock panics") = Arc::new(view);
    }

    /// Loads the index again, unless somebody did since `stale` was taken; whether there is
    /// anything in it that `stale` did not have.
    pub(crate) async fn renew(&self, stale: &Arc<IndexView>) -> Result<bool, ReadError> {
        let present = self.view();
        if !Arc::ptr_eq(&present, stale) {
            return Ok(!present.is_same(stale));
        }
        let fresh = Box::pin(self.repo.load_view()).await?;
        let is_new = !fresh.is_same(stale);
        self.replace(fresh);
        Ok(is_new)
    }

    /// Reads a node.
    pub(crate) async fn node(&self, id: UnitId) -> Result<Node, ReadError> {
        let keys = self.repo.keys.clone();
        self.read(id, |location, bytes| {
            let damaged = |what| ReadError::damaged(&location.pack.key(), what);
            if keys.node_id(bytes) != id {
                return Err(damaged("a node does not have its name"));
            }
            Node::decode(bytes).ok_or_else(|| damaged("a node cannot be read"))
        })
        .await
    }

    /// Reads a unit into `out`, which has its length.
    pub(crate) async fn unit(&self, id: UnitId, out: &mut [u8]) -> Result<(), ReadError> {
        let keys = self.repo.keys.clone();
        self.read(id, |location, bytes| {
            if keys.unit_id(bytes) != id || bytes.len() != out.len() {
                return Err(ReadError::damaged(
                    &location.pack.key(),
                    "a unit does not have its name",
                ));
            }
            out.copy_from_slice(bytes);
            Ok(())
        })
        .await
    }

    /// Tries the copies of `id` until `check` accepts one.
    async fn read<T>(
        &self,
        id: UnitId,
        mut check: impl FnMut(&Location, &[u8]) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut failure = None;
        for _ in 0..GENERATIONS {
            let view = self.view();
            for entry in view.copies(&id) {
                let location = entry.location;
                let result = match self.frame(&view, &location).await {
                    Ok(frame) => {
                        unit_in(&location, &frame).and_then(|bytes| check(&location, bytes))
                    }
                    Err(error) => Err(error),
                };
                match result {
                    Ok(value) => return Ok(value),
                    Err(error) => failure = Some(keep_worse(failure, error)?),
                }
            }
            // A collector may have moved the unit since the index was loaded, and again meanwhile.
            if !self.renew(&view).await? {
                break;
            }
        }
        Err(failure.unwrap_or(ReadError::Missing { id, what: "no index segment names it" }))
    }

    /// The unpacked frame at `location`.
    async fn frame(
        &self,
        view: &IndexView,
        location: &Location,
    ) -> Result<Arc<Vec<u8>>, ReadError> {
        let at = (location.pack, location.frame.part);
        if let Some(hit) = self.cache.lock().ok().and_then(|mut cache| cache.get(at)) {
            return Ok(hit);
        }
        let sealed = self.sealed(location.pack, location.frame.range()).await?;
        let pack = open_pack(&self.repo, view, location.pack)?;
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        pack.open_frame(location.frame, &sealed, &mut scratch, &mut out)?;
        let out = Arc::new(out);
        if let Ok(mut cache) = self.cache.lock() {
            cache.put(at, Arc::clone(&out));
        }
        Ok(out)
    }

    /// Reads sealed bytes of a pack.
    pub(crate) async fn sealed(
        &self,
        pack: PackId,
        range: ByteRange,
    ) -> Result<bytes::Bytes, ReadError> {
        match self.repo.env.store.get_range(&pack.key(), range).await {
            // A body that was cut on its way is no shorter pack, but no more use either.
            Ok(bytes) if bytes.len() as u64 != range.len() => {
                Err(ReadError::damaged(&pack.key(), "a read came back with a wrong length"))
            }
            Ok(bytes) => Ok(bytes),
            Err(ObjectError::NotFound { key }) => {
                Err(ReadError::Damaged { key, what: "it is missing" })
            }
            Err(ObjectError::Short { key, .. }) => {
                Err(ReadError::Damaged { key, what: "it is too short" })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A pack by what the index knows of it.
pub(crate) fn open_pack(
    repo: &Repository,
    view: &IndexView,
    id: PackId,
) -> Result<OpenPack, ReadError> {
    let record =
        view.pack(id).ok_or_else(|| ReadError::damaged(&id.key(), "no index segment names it"))?;
    Ok(OpenPack::new(&repo.keys, id, &record.salt))
}

/// The bytes of a unit within its unpacked frame.
pub(crate) fn unit_in<'f>(location: &Location, frame: &'f [u8]) -> Result<&'f [u8], ReadError> {
    let start = location.offset as usize;
    frame
        .get(start..start + location.len as usize)
        .ok_or_else(|| ReadError::damaged(&location.pack.key(), "a unit lies outside its frame"))
}

/// After a copy failed: only damage justifies trying another; the first damage is reported.
fn keep_worse(earlier: Option<ReadError>, error: ReadError) -> Result<ReadError, ReadError> {
    match error {
        ReadError::Damaged { .. } => Ok(earlier.unwrap_or(error)),
        error => Err(error),
    }
}
