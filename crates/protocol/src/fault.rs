//! What goes wrong: damage, late and repeated requests, death.

use super::collector;
use super::hold::{GraveMaker, Hold};
use super::merge;
use super::reader;
use super::state::{FIRST, MANIFESTS, State, bit};
use super::step::{On, Steps};
use super::undelete;
use super::writer;

/// A request that may still arrive although its sender has retried it or has given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Late {
    #[default]
    Nothing,
    PutPack(u8),
    PutIndex(u8),
    DropIndex(u8),
    DeletePack(u8),
    Commit(u8),
    /// Collector and packs.
    Condemn(u8, u8),
    PutMerged(u8),
    DropMerged,
    PutIntent(u8),
    DropIntent(u8),
    Ungrave,
    PutHold,
    DropHold,
}

/// Adds everything that can go wrong in `state`.
pub(super) fn steps(state: &State, out: &mut Steps<'_>) {
    if state.late != Late::Nothing {
        out.add("late request", "arrives", arrived(state));
    }
    if state.damages_left > 0 {
        for pack in (0..8).map(bit).filter(|p| state.packs & !state.damaged & p != 0) {
            out.add_on("verify", "publishes as damaged", On::Packs(pack), damaged(state, pack));
        }
    }
    if state.crashes_left > 0 {
        die(state, out);
    }
}

fn arrived(state: &State) -> State {
    let mut next = State { late: Late::Nothing, ..*state };
    match state.late {
        Late::Nothing => {}
        Late::PutPack(pack) => next.packs |= pack,
        Late::PutIndex(pack) => next.index |= pack,
        Late::DropIndex(packs) => next.index &= !packs,
        Late::DeletePack(pack) => next.packs &= !pack,
        Late::Commit(manifest) => {
            if state.tombs & manifest == 0 {
                next.ends |= manifest;
            }
        }
        Late::Condemn(at, packs) => next.condemned[usize::from(at)] = packs,
        Late::PutMerged(packs) => next.merged = packs,
        Late::DropMerged => next.merged = 0,
        Late::PutIntent(own) => next.intents |= own,
        Late::DropIntent(own) => next.intents &= !own,
        Late::Ungrave => {
            if !state.refused {
                next.ungraves |= FIRST;
            }
        }
        Late::PutHold => next.held = true,
        Late::DropHold => next.held = false,
    }
    next
}

fn damaged(state: &State, pack: u8) -> State {
    let mut next = *state;
    next.damages_left -= 1;
    next.damaged |= pack;
    // A condemned copy may go: the collector need not know who relied on the damaged one.
    let mut left = next.copies() & !next.condemned();
    for collector in &state.collectors {
        if collector::has_decided(collector.phase) {
            left &= !collector.doomed;
        }
    }
    if left == 0 {
        // No protocol can bring back a unit whose only copy is found damaged.
        next.excused |= state.ends & MANIFESTS;
        for (at, one) in (1..).zip(&state.writers) {
            if writer::is_committing(one.phase) {
                next.excused |= bit(at);
            }
        }
    }
    next
}

fn die(state: &State, out: &mut Steps<'_>) {
    let dying = State { crashes_left: state.crashes_left - 1, ..*state };
    for at in 0..3 {
        let phase = state.writers[at].phase;
        if !matches!(phase, writer::Phase::Start | writer::Phase::Won | writer::Phase::Failed) {
            let mut next = dying;
            next.writers[at] = state.writers[at].dead();
            out.add_on("writer", "dies", On::Manifests(bit([1, 2, 3][at])), next);
        }
        let phase = state.collectors[at].phase;
        if !matches!(phase, collector::Phase::Start | collector::Phase::End) {
            let mut next = dying;
            next.collectors[at] = collector::Collector::new(collector::Phase::Dead);
            out.add_on("collector", "dies", On::Manifests(bit([5, 6, 7][at])), next);
        }
    }
    if !matches!(state.merge.phase, merge::Phase::Start | merge::Phase::Ended) {
        let mut next = dying;
        next.merge = merge::Merge::new(merge::Phase::Dead);
        out.add("merger", "dies", next);
    }
    if matches!(state.reader.phase, reader::Phase::Between | reader::Phase::Reading) {
        let mut next = dying;
        next.reader.phase = reader::Phase::Dead;
        out.add("reader", "dies", next);
    }
    for at in 0..2 {
        use undelete::Phase::{Accepted, Refused, Start};
        if !matches!(state.undeletes[at].phase, Start | Accepted | Refused) {
            let mut next = dying;
            next.undeletes[at] = undelete::Undelete::new(undelete::Phase::Dead);
            out.add("undelete", "dies", next);
        }
    }
    if state.hold == Hold::Look {
        out.add("hold's maker", "dies", State { hold: Hold::Dead, ..dying });
    }
    if state.grave_maker == GraveMaker::Look {
        out.add("grave's maker", "dies", State { grave_maker: GraveMaker::Dead, ..dying });
    }
}
