//! A writer: repository session from its announcement to its commit.

use super::collector::Grain;
use super::fault::Late;
use super::rule::Rule;
use super::state::{COLLECTORS, FIRST, MANIFESTS, State, bit};
use super::step::{On, Steps};

/// Where a writer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Start,
    /// Reads the condemned, damaged and grave sets. At once: what a later list shows in addition
    /// only makes it more careful.
    Condemned,
    /// Reads the index.
    Index,
    /// Chooses where its unit comes from.
    Use,
    Upload,
    Publish,
    /// Reads the damaged sets again.
    Recheck,
    Commit,
    /// The answer of the commit was lost.
    Retry,
    /// Gives up on a commit whose request may still arrive.
    GiveUp,
    /// Told success.
    Won,
    /// Told failure.
    Failed,
    Dead,
}

/// A writer's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Writer {
    pub phase: Phase,
    /// The parent manifest in the session object, as a bit.
    pub parent: u8,
    /// Whether the parent may be used.
    usable: bool,
    /// Condemned packs it has read, then the packs it may deduplicate against.
    known: u8,
    /// Of those, the ones it must see present first.
    suspects: u8,
    /// Damaged packs it has read.
    damaged: u8,
    /// The packs it relies on; none for a parent hit.
    relies: u8,
}

impl Writer {
    /// One that remembers nothing but where it stands.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }

    /// A dead writer: only its session object is left.
    pub(super) fn dead(self) -> Self {
        Self { phase: Phase::Dead, parent: self.parent, ..Self::default() }
    }
}

const NAMES: [&str; 3] = ["writer 1", "writer 2", "writer 3"];

/// Adds the steps of writer `at`.
pub(super) fn steps(state: &State, at: usize, out: &mut Steps<'_>) {
    let writer = state.writers[at];
    match writer.phase {
        Phase::Start => announce(state, at, out),
        Phase::Condemned | Phase::Index => read(state, at, out),
        Phase::Use => choose(state, at, out),
        Phase::Upload | Phase::Publish => upload(state, at, out),
        Phase::Recheck => recheck(state, at, out),
        Phase::Commit | Phase::Retry | Phase::GiveUp => commit(state, at, out),
        Phase::Won | Phase::Failed | Phase::Dead => {}
    }
}

fn number(at: usize) -> u8 {
    [1, 2, 3][at]
}

fn with(state: &State, at: usize, phase: Phase, change: impl FnOnce(&mut Writer)) -> State {
    let mut next = *state;
    next.writers[at].phase = phase;
    change(&mut next.writers[at]);
    next
}

fn announce(state: &State, at: usize, out: &mut Steps<'_>) {
    let own = bit(number(at));
    let index_first = out.world.without(Rule::CondemnedFirst);
    let after = at > 0 && out.world.grain == Grain::Coarse && out.world.collectors > 1;
    if after && state.ended() & bit(1) == 0 {
        return;
    }
    for parent in [0, FIRST, bit(1)] {
        let choosable = parent == 0 || (state.ends & parent != 0 && parent != own);
        if !choosable || (parent == bit(1) && at == 0) {
            continue;
        }
        let phase = if index_first { Phase::Index } else { Phase::Condemned };
        let mut next = with(state, at, phase, |w| {
            w.parent = parent;
            w.usable = parent != 0;
        });
        next.sessions |= own;
        out.add_on(NAMES[at], "announces its session, parent", On::Manifests(parent), next);
    }
}

fn read(state: &State, at: usize, out: &mut Steps<'_>) {
    let writer = state.writers[at];
    let index_first = out.world.without(Rule::CondemnedFirst);
    if writer.phase == Phase::Condemned {
        let phase = if index_first { Phase::Use } else { Phase::Index };
        let graved = state.graved() & writer.parent != 0;
        let next = with(state, at, phase, |w| {
            let condemned = state.condemned();
            w.known = if index_first { w.known & !condemned } else { condemned };
            w.damaged = state.damaged;
            w.usable &= out.world.without(Rule::ParentGrave) || !graved;
        });
        out.add(NAMES[at], "reads the condemned, damaged and grave sets", next);
    } else {
        let phase = if index_first { Phase::Condemned } else { Phase::Use };
        let next = with(state, at, phase, |w| {
            let avoid = if index_first { 0 } else { w.known };
            w.known = state.named() & !avoid & !w.damaged;
            let seen = out.world.without(Rule::SuspectSeen);
            w.suspects = if seen { 0 } else { w.known & !state.trusted() };
        });
        out.add(NAMES[at], "reads the index, then the tombstones", next);
    }
}

fn choose(state: &State, at: usize, out: &mut Steps<'_>) {
    let writer = state.writers[at];
    let parent_damaged = writer.damaged != 0 && !out.world.without(Rule::ParentDamaged);
    if writer.usable && !parent_damaged {
        out.add(NAMES[at], "finds the unit in its parent", relying(state, at, 0, out));
        return;
    }
    let usable = writer.known & (!writer.suspects | state.packs);
    if out.world.damages == 0 {
        if usable != 0 {
            let next = relying(state, at, 0, out);
            out.add_on(NAMES[at], "deduplicates against", On::Packs(usable), next);
        }
    } else {
        for pack in (0..8).map(bit).filter(|pack| usable & pack != 0) {
            let next = relying(state, at, pack, out);
            out.add_on(NAMES[at], "deduplicates against", On::Packs(pack), next);
        }
    }
    out.add(NAMES[at], "finds no copy", with(state, at, Phase::Upload, forget));
}

fn forget(writer: &mut Writer) {
    (writer.usable, writer.known, writer.suspects, writer.relies) = (false, 0, 0, 0);
}

fn relying(state: &State, at: usize, pack: u8, out: &Steps<'_>) -> State {
    let skip = out.world.damages == 0 || out.world.without(Rule::DamagedAgain);
    let phase = if skip { Phase::Commit } else { Phase::Recheck };
    with(state, at, phase, |w| {
        forget(w);
        w.relies = pack;
    })
}

fn upload(state: &State, at: usize, out: &mut Steps<'_>) {
    let own = bit(number(at));
    if state.writers[at].phase == Phase::Upload {
        let mut next = with(state, at, Phase::Publish, |_| {});
        next.packs |= own;
        out.send(NAMES[at], "uploads", On::Packs(own), next, Late::PutPack(own));
    } else {
        let mut next = relying(state, at, own, out);
        if out.world.damages == 0 {
            next.writers[at].relies = 0;
        }
        next.index |= own;
        if next.copies() & !next.condemned() != 0 {
            next.excused = 0;
        }
        out.send(NAMES[at], "publishes the index of", On::Packs(own), next, Late::PutIndex(own));
    }
}

fn recheck(state: &State, at: usize, out: &mut Steps<'_>) {
    let writer = state.writers[at];
    let own = bit(number(at));
    let parent_hit = writer.relies == 0;
    let parent_damaged =
        parent_hit && state.damaged != writer.damaged && !out.world.without(Rule::ParentDamaged);
    let phase = if writer.relies & state.damaged == 0 && !parent_damaged {
        Phase::Commit
    } else if writer.relies == own {
        Phase::GiveUp
    } else {
        Phase::Upload
    };
    let next = with(state, at, phase, |w| (w.relies, w.damaged) = (0, 0));
    out.add(NAMES[at], "reads the damaged sets again", next);
}

fn commit(state: &State, at: usize, out: &mut Steps<'_>) {
    let own = bit(number(at));
    let world = out.world;
    let phase = state.writers[at].phase;
    let finish = |end: Phase| with(state, at, end, |w| (w.parent, w.relies, w.damaged) = (0, 0, 0));
    if phase == Phase::GiveUp {
        if state.ends & own != 0 {
            out.add(NAMES[at], "wants a tombstone, finds its own manifest", finish(Phase::Won));
        } else {
            let mut next = finish(Phase::Failed);
            if !world.without(Rule::GiveUpTombstone) {
                next.tombs |= own;
            }
            out.add(NAMES[at], "gives up and reports a failure", next);
        }
        return;
    }
    if state.tombs & own != 0 && !world.without(Rule::Tombstone) {
        let blind = phase == Phase::Retry && world.without(Rule::OtherBytes);
        let end = if blind { Phase::Won } else { Phase::Failed };
        out.add(NAMES[at], "finds a tombstone where it commits", finish(end));
        return;
    }
    if state.ends & own != 0 {
        let blind = world.without(Rule::EqualBytes);
        let end = if blind { Phase::Failed } else { Phase::Won };
        out.add(NAMES[at], "finds its own manifest where it commits", finish(end));
        return;
    }
    let mut next = finish(Phase::Won);
    next.ends |= own;
    out.add_on(NAMES[at], "commits", On::Manifests(own), next);
    if state.lost_left > 0 && state.late == Late::Nothing {
        next.lost_left -= 1;
        next.late = Late::Commit(own);
        next.writers[at] = Writer { phase: Phase::Retry, ..state.writers[at] };
        out.add(NAMES[at], "commits; the answer is lost and a copy stays on its way", next);
        let mut late = next;
        late.ends = state.ends;
        out.add(NAMES[at], "sends its commit, which stays on its way", late);
        late.writers[at].phase = Phase::GiveUp;
        out.add(NAMES[at], "sends its commit, which stays on its way, and gives up", late);
    }
}

/// Whether `phase` has read the damaged sets for the last time and can still commit.
pub(super) fn is_committing(phase: Phase) -> bool {
    matches!(phase, Phase::Commit | Phase::Retry | Phase::GiveUp)
}

/// Whether a collector must wait for sessions in `set`: writers and the merger.
pub(super) const WAITED: u8 = (MANIFESTS & !FIRST) | bit(super::state::MERGER);

/// Sessions of collectors.
pub(super) const COLLECTING: u8 = bit(COLLECTORS) | bit(COLLECTORS + 1) | bit(COLLECTORS + 2);
