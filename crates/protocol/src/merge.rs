//! The merger of index segments, under a writer session of its own.

use super::fault::Late;
use super::rule::Rule;
use super::state::{MERGER, State, bit};
use super::step::{On, Steps};

/// Where the merger stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Start,
    /// Reads the condemned sets.
    Condemned,
    /// Reads the segments.
    Read,
    Publish,
    /// Reads the condemned sets again.
    Again,
    /// Creates its end key.
    End,
    /// Deletes the segments it has merged.
    Drop,
    Withdraw,
    Ended,
    Dead,
}

/// The merger's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Merge {
    pub phase: Phase,
    /// Condemned packs read, then packs of the segments read.
    known: u8,
}

impl Merge {
    /// One that remembers nothing but where it stands.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }

    /// One that is about to publish a segment of `packs`.
    pub(super) fn publishing(packs: u8) -> Self {
        Self { phase: Phase::Publish, known: packs }
    }
}

/// Adds the merger's steps.
pub(super) fn steps(state: &State, out: &mut Steps<'_>) {
    let merge = state.merge;
    let own = bit(MERGER);
    let step = |phase, known| State { merge: Merge { phase, known }, ..*state };
    match merge.phase {
        Phase::Start => {
            let mut next = step(Phase::Condemned, 0);
            next.sessions |= own;
            out.add("merger", "announces its session", next);
        }
        Phase::Condemned => {
            let known = if out.world.without(Rule::MergeCondemned) { 0 } else { state.condemned() };
            out.add("merger", "reads the condemned sets", step(Phase::Read, known));
        }
        Phase::Read => {
            let suspects = if out.world.without(Rule::MergeTrusted) { 0 } else { state.tombs };
            let known = state.index & !suspects & !merge.known;
            let phase = if known == 0 { Phase::End } else { Phase::Publish };
            out.add_on("merger", "reads the segments of", On::Packs(known), step(phase, known));
        }
        Phase::Publish => {
            let mut next = step(Phase::Again, merge.known);
            next.merged = merge.known;
            let late = Late::PutMerged(merge.known);
            out.send("merger", "publishes one of", On::Packs(merge.known), next, late);
        }
        Phase::Again => {
            let named =
                state.condemned() & merge.known != 0 && !out.world.without(Rule::MergeRecheck);
            let phase = if named { Phase::Withdraw } else { Phase::End };
            out.add("merger", "reads the condemned sets again", step(phase, merge.known));
        }
        Phase::End => end(state, out),
        Phase::Drop => {
            let mut next = step(Phase::Ended, 0);
            next.index &= !merge.known;
            let late = Late::DropIndex(merge.known);
            out.send("merger", "deletes the segments of", On::Packs(merge.known), next, late);
        }
        Phase::Withdraw => {
            let mut next = step(Phase::Ended, 0);
            next.merged = 0;
            if state.tombs & own == 0 {
                next.ends |= own;
            }
            out.send("merger", "withdraws its segment", On::Nothing, next, Late::DropMerged);
        }
        Phase::Ended | Phase::Dead => {}
    }
}

fn end(state: &State, out: &mut Steps<'_>) {
    let own = bit(MERGER);
    let mut next = *state;
    if state.tombs & own == 0 {
        next.ends |= own;
        next.merge.phase = Phase::Drop;
        out.add("merger", "creates its end key", next);
    } else {
        next.merge.phase = Phase::Withdraw;
        out.add("merger", "finds a tombstone at its end key", next);
    }
}
