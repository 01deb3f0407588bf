//! Unpacks a frame into the buffer of a batch and checks the name of each unit.
//!
//! # Invariants
//! - REPO-12: a unit whose bytes do not have its name comes back as wrong, whatever the seal said.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::crypto::{RepoKeys, UnitId};
use crate::index::segment::Location;
use crate::key::PackId;
use crate::pack::open::{FramePlace, OpenPack};
use crate::restore::kept_frames::KeptFrames;
use crate::session::reader::unit_in;

/// A frame whose sealed bytes have arrived.
pub(super) struct LoadedFrame {
    pub(super) id: PackId,
    pub(super) pack: Arc<OpenPack>,
    pub(super) frame: FramePlace,
    pub(super) sealed: Bytes,
    pub(super) units: Vec<(usize, Location)>,
}

impl LoadedFrame {
    /// Unpacks into the batch's buffer and checks each unit's name; the units that are not what
    /// they should be come back.
    pub(super) fn unpack(
        &self,
        ends: &[Range<usize>],
        ids: &[Option<UnitId>],
        keys: &RepoKeys,
        kept: &KeptFrames,
        buffer: &mut [u8],
    ) -> Vec<usize> {
        thread_local! {
            static SCRATCH: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::default();
        }
        let opened = SCRATCH.with_borrow_mut(|scratch| {
            if let Some(range) = self.direct(ends) {
                let out = buffer.get_mut(range)?;
                return self.pack.open_frame_into(self.frame, &self.sealed, scratch, out).ok();
            }
            let part = self.frame.part;
            let raw = if let Some(raw) = kept.get(self.id, part) {
                raw
            } else {
                let mut raw = kept.room();
                self.pack.open_frame(self.frame, &self.sealed, scratch, &mut raw).ok()?;
                kept.put(self.id, part, raw)
            };
            for (n, location) in &self.units {
                let out = buffer.get_mut(ends.get(*n)?.clone())?;
                let bytes = unit_in(location, &raw).ok()?;
                if bytes.len() == out.len() {
                    out.copy_from_slice(bytes);
                } else {
                    out.fill(0);
                }
            }
            Some(())
        });
        let is_right = |n: usize| {
            let bytes = ends.get(n).and_then(|range| buffer.get(range.clone()));
            opened.is_some()
                && bytes.map(|bytes| keys.unit_id(bytes)) == ids.get(n).copied().flatten()
        };
        self.units.iter().map(|(n, _)| *n).filter(|n| !is_right(*n)).collect()
    }

    /// Where the whole frame goes, if its units lie in the batch as they lie in the frame.
    fn direct(&self, ends: &[Range<usize>]) -> Option<Range<usize>> {
        let (first, location) = self.units.first()?;
        let start = ends.get(*first)?.start;
        let mut offset = 0;
        if location.offset != 0 {
            return None;
        }
        for (n, location) in &self.units {
            let range = ends.get(*n)?;
            let is_next = location.offset == offset && range.start == start + offset as usize;
            if !is_next || range.len() != location.len as usize {
                return None;
            }
            offset += location.len;
        }
        (offset == self.frame.raw_len).then(|| start..start + offset as usize)
    }
}
