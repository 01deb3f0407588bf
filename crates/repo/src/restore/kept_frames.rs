//! Frames that a batch needed in parts: the batches after it need the rest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::key::PackId;
use crate::pack::frame::FRAME_LEN;

/// How many are kept; other numbers were not measured. On the bench's disk with random pages the
/// units of one frame lie in some seven neighbouring batches (reckoned: 5000 pages, 16 to a frame),
/// each of which would unpack it for itself. With this a restore took 5.8 s of user time, not 6.1.
const KEPT: usize = 16;

/// Most memory that they hold.
pub(super) const MEMORY: usize = KEPT * FRAME_LEN;

/// A frame, unpacked: which pack, which part of it, its bytes.
type Kept = (PackId, u32, Arc<Vec<u8>>);

/// The latest of such frames, the oldest first.
#[derive(Debug, Default)]
pub(super) struct KeptFrames(Mutex<VecDeque<Kept>>);

impl KeptFrames {
    /// The bytes of a frame, if it is kept.
    pub(super) fn get(&self, pack: PackId, part: u32) -> Option<Arc<Vec<u8>>> {
        let frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = frames.iter().rev().find(|(of, n, _)| (*of, *n) == (pack, part));
        found.map(|(_, _, bytes)| Arc::clone(bytes))
    }

    /// Memory for a frame: that of the oldest one, once there are enough.
    pub(super) fn room(&self) -> Vec<u8> {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if frames.len() < KEPT { None } else { frames.pop_front() };
        oldest.and_then(|(_, _, bytes)| Arc::into_inner(bytes)).unwrap_or_default()
    }

    /// Keeps a frame.
    pub(super) fn put(&self, pack: PackId, part: u32, bytes: Vec<u8>) -> Arc<Vec<u8>> {
        let bytes = Arc::new(bytes);
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frames.push_back((pack, part, Arc::clone(&bytes)));
        if frames.len() > KEPT {
            frames.pop_front();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::SessionId;

    use super::*;

    #[test]
    fn the_oldest_frame_goes_and_lends_its_memory() {
        let frames = KeptFrames::default();
        let pack = PackId { session: SessionId([1; 16]), number: 0 };
        let first = frames.put(pack, 0, vec![7; 9]);
        let address = first.as_ptr().addr();
        drop(first);
        for part in 1..16 {
            assert!(frames.room().is_empty());
            frames.put(pack, part, vec![]);
        }
        assert_eq!(frames.get(pack, 0).as_deref(), Some(&vec![7; 9]));
        let room = frames.room();
        assert_eq!(room.as_ptr().addr(), address);
        assert_eq!(frames.get(pack, 0), None);
        assert!(frames.get(pack, 1).is_some());
        assert_eq!(frames.get(PackId { number: 1, ..pack }, 1), None);
    }
}
