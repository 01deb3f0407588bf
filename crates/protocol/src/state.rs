//! One state of the small world: what is in the store, and where each actor stands.
//!
//! Everything is a bit set of a byte. Pack `i` belongs to session `i`: bit 0 is the pack and the
//! manifest that exist from the start, 1 to 3 are writers, 4 is the merger, 5 to 7 are collectors.

use super::collector::Collector;
use super::fault::Late;
use super::hold::{GraveMaker, Hold};
use super::merge::Merge;
use super::reader::Reader;
use super::undelete::Undelete;
use super::writer::Writer;

/// The first pack and the first manifest.
pub(super) const FIRST: u8 = 1;
/// Bits of manifests: the first one and one for each writer.
pub(super) const MANIFESTS: u8 = 0b1111;
/// Number of the merger's session.
pub(super) const MERGER: u8 = 4;
/// Number of the first collector's session.
pub(super) const COLLECTORS: u8 = 5;
/// The second grave of the first manifest, made after an undelete.
pub(super) const SECOND_GRAVE: u8 = 1 << 7;

/// Bit of a number.
pub(super) const fn bit(number: u8) -> u8 {
    1 << number
}

/// Folds grave slots into manifests: two slots belong to the first manifest.
pub(super) const fn manifests_of(graves: u8) -> u8 {
    (graves & MANIFESTS) | (graves >> 7)
}

/// The store and all actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct State {
    /// Packs that are present.
    pub packs: u8,
    /// Packs with an index segment of their own, written under the pack's session.
    pub index: u8,
    /// Packs named by the merger's segment.
    pub merged: u8,
    /// Packs named by the segments that each collector wrote in place of others.
    pub rewritten: [u8; 3],
    /// Packs that verify has published as damaged.
    pub damaged: u8,
    /// Packs in each collector's condemned set.
    pub condemned: [u8; 3],
    /// Manifests and won end keys.
    pub ends: u8,
    /// Tombstones at manifest and end keys.
    pub tombs: u8,
    /// Announced sessions.
    pub sessions: u8,
    /// Graves: one for each manifest, and [`SECOND_GRAVE`].
    pub graves: u8,
    /// Graves that an undelete has cancelled.
    pub ungraves: u8,
    /// Intents of undeletes, by undelete.
    pub intents: u8,
    /// Whether a refusal took the ungrave key of the first grave, for ever.
    pub refused: bool,
    /// Manifests in a buried set.
    pub buried: u8,
    /// Whether a hold of the first manifest exists.
    pub held: bool,
    /// Manifests whose unit verify found damaged when no good copy was left: not GC's doing.
    pub excused: u8,
    pub writers: [Writer; 3],
    pub collectors: [Collector; 3],
    pub merge: Merge,
    pub reader: Reader,
    pub undeletes: [Undelete; 2],
    pub hold: Hold,
    pub grave_maker: GraveMaker,
    /// A request that may still arrive although its sender went on.
    pub late: Late,
    pub lost_left: u8,
    pub damages_left: u8,
    pub crashes_left: u8,
}

impl State {
    /// All packs that any index segment names.
    pub(super) fn named(&self) -> u8 {
        self.rewritten.iter().fold(self.index | self.merged, |all, one| all | one)
    }

    /// Packs named by a segment whose session was not tombstoned.
    pub(super) fn trusted(&self) -> u8 {
        let mut packs = self.index & !self.tombs;
        if self.tombs & bit(MERGER) == 0 {
            packs |= self.merged;
        }
        for (number, segment) in (COLLECTORS..).zip(self.rewritten) {
            if self.tombs & bit(number) == 0 {
                packs |= segment;
            }
        }
        packs
    }

    /// Copies of the unit that a restore can use.
    pub(super) fn copies(&self) -> u8 {
        self.named() & self.packs & !self.damaged
    }

    /// Packs in any condemned set.
    pub(super) fn condemned(&self) -> u8 {
        self.condemned.iter().fold(0, |all, one| all | one)
    }

    /// Manifests that readers and writers see as deleted.
    pub(super) fn graved(&self) -> u8 {
        manifests_of(self.graves & !self.ungraves) | self.buried
    }

    /// Grave slots that an undelete under way wants to cancel.
    pub(super) fn intended(&self) -> u8 {
        u8::from(self.intents != 0 && !self.refused) & !self.buried
    }

    /// Grave slots that a hold cancels for GC.
    pub(super) fn held_graves(&self) -> u8 {
        if self.held { FIRST | SECOND_GRAVE } else { 0 }
    }

    /// Sessions that have ended: won, tombstoned, or won and collected since.
    pub(super) fn ended(&self) -> u8 {
        self.ends | self.tombs | (self.graves & MANIFESTS) | self.buried
    }

    /// Packs and manifests that the parents of `sessions` need.
    pub(super) fn parents(&self, sessions: u8) -> u8 {
        let mut parents = 0;
        for (number, writer) in (1..).zip(&self.writers) {
            if sessions & bit(number) != 0 {
                parents |= writer.parent;
            }
        }
        parents
    }
}
