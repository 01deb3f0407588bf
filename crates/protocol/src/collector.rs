//! A collector: the seven steps of garbage collection.

use super::fault::Late;
use super::rule::Rule;
use super::state::{COLLECTORS, FIRST, MANIFESTS, SECOND_GRAVE, State, bit, manifests_of};
use super::step::{On, Steps};
use super::writer::{COLLECTING, WAITED};

/// Where a collector stands; the number is the step it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Start,
    /// 1: the lists, in the world's order.
    List(u8),
    /// 1: packs and condemned sets.
    Packs,
    /// 2 and 3: marks and publishes the condemned set.
    Condemn,
    /// 4: lists sessions and condemned sets again.
    Relist,
    /// 4: waits for writers.
    Wait,
    /// 5: lists manifests, holds and intents again.
    Again,
    /// 5: lists the ungraves again.
    Ungraves,
    /// 6: looks whether a copy is needed.
    Decide,
    Copy,
    Publish,
    /// 6: removes its packs from the index.
    Unindex,
    /// 6: has read a segment of several packs and writes it anew.
    Rewrite,
    /// 7: deletes, then ends the sessions announced before.
    Delete,
    /// 7: looks whether the index still names its packs and removes the set.
    Remove,
    End,
    /// Found a needed unit missing: a violation.
    Broken,
    Dead,
}

/// A collector's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Collector {
    pub phase: Phase,
    /// Open sessions of writers that it has listed.
    open: u8,
    /// Manifests of (1).
    seen: u8,
    /// Sessions known ended in (1); later the packs listed.
    ended: u8,
    /// Graves, by slot, that nothing cancels.
    dead: u8,
    /// Targets of readers.
    targets: u8,
    /// Condemned packs of everybody that it knows.
    condemned: u8,
    /// Packs that it will delete.
    pub doomed: u8,
    /// Whether anything that it must keep needs the unit.
    needed: bool,
    /// Packs of the segment that it is about to write.
    plan: u8,
}

impl Collector {
    /// One that remembers nothing but where it stands.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }
}

const NAMES: [&str; 3] = ["collector 1", "collector 2", "collector 3"];

/// Adds the steps of collector `at`, as finely as the world wants them.
pub(super) fn steps(state: &State, at: usize, out: &mut Steps<'_>) {
    let mut next = out.found.len();
    single_steps(state, at, out);
    while let Some((label, reached)) = out.found.get(next).copied() {
        if out.world.grain.joins(reached.collectors[at].phase, out.world.order) {
            out.found.swap_remove(next);
            let from = out.found.len();
            single_steps(&reached, at, out);
            for (joined, _) in &mut out.found[from..] {
                joined.what = if label.late { joined.what } else { label.what };
                joined.late |= label.late;
            }
        } else {
            next += 1;
        }
    }
}

/// How many operations of a collector one step of the model joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Each list is a step.
    Fine,
    /// Graves and what cancels them are listed at once; a later list of step (5) decides.
    Medium,
    /// All lists of step (1) are one step, the later lists of (5) and the index of (6) are one,
    /// and a collector condemns all it may or nothing.
    Coarse,
}

impl Grain {
    fn joins(self, phase: Phase, order: [List; 4]) -> bool {
        match (self, phase) {
            (Self::Fine, _) => false,
            (_, Phase::List(done)) => {
                let next = order[usize::from(done)];
                done > 0 && (self == Self::Coarse || next == List::Cancels)
            }
            (Self::Coarse, phase) => matches!(
                phase,
                Phase::Packs
                    | Phase::Ungraves
                    | Phase::Decide
                    | Phase::Publish
                    | Phase::Unindex
                    | Phase::Rewrite
            ),
            (Self::Medium, _) => false,
        }
    }
}

/// Adds the steps of collector `at`, each one operation.
pub(super) fn single_steps(state: &State, at: usize, out: &mut Steps<'_>) {
    let collector = state.collectors[at];
    match collector.phase {
        Phase::Start => begin(state, at, out),
        Phase::List(done) => list(state, at, done, out),
        Phase::Packs => packs(state, at, out),
        Phase::Condemn => condemn(state, at, out),
        Phase::Relist => relist(state, at, out),
        Phase::Wait => wait(state, at, out),
        Phase::Again => mark_again(state, at, out),
        Phase::Ungraves => mark_rest(state, at, out),
        Phase::Decide | Phase::Copy | Phase::Publish => copy(state, at, out),
        Phase::Unindex | Phase::Rewrite => unindex(state, at, out),
        Phase::Delete => delete(state, at, out),
        Phase::Remove => remove_set(state, at, out),
        Phase::End | Phase::Broken | Phase::Dead => {}
    }
}

/// Whether the collector still deletes packs and no longer asks where the unit lies.
pub(super) fn has_decided(phase: Phase) -> bool {
    phase > Phase::Decide && phase < Phase::End
}

fn own(at: usize) -> u8 {
    [bit(COLLECTORS), bit(COLLECTORS + 1), bit(COLLECTORS + 2)][at]
}

fn with(state: &State, at: usize, phase: Phase, change: impl FnOnce(&mut Collector)) -> State {
    let mut next = *state;
    next.collectors[at].phase = phase;
    change(&mut next.collectors[at]);
    next
}

fn begin(state: &State, at: usize, out: &mut Steps<'_>) {
    let [first, second, _] = state.collectors.map(|c| c.phase);
    let may = match at {
        0 => true,
        // Two collectors that have not begun are alike: the first one begins first.
        1 => first != Phase::Start,
        // A third one, or the janitor, is there for what the others have left.
        _ => matches!(second, Phase::Start | Phase::End | Phase::Dead),
    };
    if !may {
        return;
    }
    let mut next = with(state, at, Phase::List(0), |c| c.dead = u8::MAX);
    next.sessions |= own(at);
    out.add(NAMES[at], "announces its session", next);
}

/// One list of step (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Sessions with their parents and targets.
    Sessions,
    /// Manifests, end keys and tombstones.
    Manifests,
    /// Graves.
    Graves,
    /// Ungraves, intents of undeletes and holds.
    Cancels,
}

/// Graves that something cancels for GC.
fn cancelled(state: &State, out: &Steps<'_>) -> u8 {
    let held = if out.world.without(Rule::HoldRoots) { 0 } else { state.held_graves() };
    (state.ungraves & !state.buried) | state.intended() | held
}

fn list(state: &State, at: usize, done: u8, out: &mut Steps<'_>) {
    let which = out.world.order[usize::from(done)];
    let phase = if done == 3 { Phase::Packs } else { Phase::List(done + 1) };
    let readers = !out.world.without(Rule::ReaderTargets);
    let (what, next) = match which {
        List::Sessions => (
            "(1) lists sessions",
            with(state, at, phase, |c| {
                c.open = state.sessions & WAITED;
                c.targets = if readers { state.reader.target() } else { 0 };
            }),
        ),
        List::Manifests => (
            "(1) lists manifests and tombstones",
            with(state, at, phase, |c| {
                c.seen = state.ends & MANIFESTS;
                c.ended = state.ended() | FIRST;
            }),
        ),
        List::Graves => {
            ("(1) lists graves", with(state, at, phase, |c| c.dead &= state.graves | state.buried))
        }
        List::Cancels => (
            "(1) lists ungraves, intents and holds",
            with(state, at, phase, |c| c.dead &= !cancelled(state, out)),
        ),
    };
    out.add(NAMES[at], what, next);
}

fn packs(state: &State, at: usize, out: &mut Steps<'_>) {
    let next = with(state, at, Phase::Condemn, |c| {
        // A pack belongs to its session until that has ended.
        c.plan = (state.packs | state.named()) & c.ended;
        c.open &= !c.ended;
        c.ended = 0;
        c.condemned = state.condemned();
        c.dead &= c.seen | SECOND_GRAVE;
    });
    out.add(NAMES[at], "(1) lists packs and condemned sets", next);
}

fn condemn(state: &State, at: usize, out: &mut Steps<'_>) {
    let c = state.collectors[at];
    let roots = (c.seen & !manifests_of(c.dead)) | state.parents(c.open) | c.targets;
    let dying = manifests_of(c.dead) & c.seen;
    let standing = state.condemned() | dying;
    let mine = c.plan & !c.condemned;
    let mut choice = mine;
    loop {
        let all = choice | c.condemned;
        if all | standing != 0 {
            let mut next = with(state, at, Phase::Relist, |c| {
                c.needed = roots != 0;
                (c.open, c.plan, c.doomed) = (0, 0, all);
                if out.world.without(Rule::DoomedRecheck) {
                    c.ended = dying;
                }
                if c.needed {
                    // Nothing else can make the unit more needed.
                    c.seen &= manifests_of(c.dead);
                }
            });
            next.condemned[at] = choice;
            let late = Late::Condemn(u8::try_from(at).unwrap_or(0), choice);
            out.send(NAMES[at], "(3) publishes a condemned set of", On::Packs(choice), next, late);
        }
        if choice == 0 || roots == 0 {
            break;
        }
        let all_or_nothing = out.world.grain == Grain::Coarse;
        choice = if all_or_nothing { 0 } else { (choice - 1) & mine };
    }
    if c.condemned | standing == 0 && (roots != 0 || mine == 0) {
        out.add(NAMES[at], "finds nothing to do", finished(state, at));
    }
}

/// Won its end key, or lost it to a tombstone: either way it stops.
fn finished(state: &State, at: usize) -> State {
    let mut next = with(state, at, Phase::End, |c| *c = Collector::new(Phase::End));
    if state.tombs & own(at) == 0 {
        next.ends |= own(at);
    }
    next
}

fn relist(state: &State, at: usize, out: &mut Steps<'_>) {
    let world = out.world;
    let next = with(state, at, Phase::Wait, |c| {
        let mut waited = WAITED;
        if world.without(Rule::MergeWaited) {
            waited &= MANIFESTS;
        }
        c.open = if world.without(Rule::RelistSessions) { 0 } else { state.sessions & waited };
        c.condemned = if world.without(Rule::Recondemned) { c.doomed } else { state.condemned() };
        if !world.without(Rule::ReaderTargets) {
            c.targets |= state.reader.target();
        }
        c.needed |= c.targets != 0;
    });
    out.add(NAMES[at], "(4) lists sessions and condemned sets again", next);
}

fn wait(state: &State, at: usize, out: &mut Steps<'_>) {
    let open = state.collectors[at].open & !state.ended();
    for session in (0..8).map(bit).filter(|session| open & session != 0) {
        let next = State { tombs: state.tombs | session, ..*state };
        out.add_on(NAMES[at], "(4) tombstones", On::Manifests(session), next);
    }
    if open == 0 {
        let next = with(state, at, Phase::Again, |c| c.open = 0);
        mark_new(&next, at, out);
    }
}

/// (5) Lists manifests at once: nothing is added to them that a later list would not show.
fn mark_new(state: &State, at: usize, out: &mut Steps<'_>) {
    let next = with(state, at, Phase::Again, |c| {
        let mut new = state.ends & MANIFESTS & !c.seen;
        if out.world.without(Rule::MarkGraved) {
            new &= !state.graved();
        }
        c.needed |= new != 0;
    });
    out.add(NAMES[at], "(4) sees each writer ended, (5) lists manifests again", next);
}

fn mark_again(state: &State, at: usize, out: &mut Steps<'_>) {
    let swapped = out.world.without(Rule::IntentsFirst);
    let held = if out.world.without(Rule::HoldRoots) { 0 } else { state.held_graves() };
    let next = with(state, at, Phase::Ungraves, |c| {
        c.dead &= !(held | if swapped { state.ungraves } else { state.intended() });
    });
    out.add(NAMES[at], "(5) lists holds and intents again", next);
}

fn mark_rest(state: &State, at: usize, out: &mut Steps<'_>) {
    let swapped = out.world.without(Rule::IntentsFirst);
    let next = with(state, at, Phase::Decide, |c| {
        c.dead &= !(if swapped { state.intended() } else { state.ungraves });
        c.needed |= c.seen & !manifests_of(c.dead) != 0;
        // What is still dead now may be deleted in (7).
        let dying = manifests_of(c.dead) & c.seen & !c.targets;
        c.dead &= dying | if dying & FIRST == 0 { 0 } else { SECOND_GRAVE };
        c.dead |= c.ended;
        c.ended = 0;
        c.seen = 0;
        c.targets = 0;
    });
    out.add(NAMES[at], "(5) lists ungraves again", next);
}

fn copy(state: &State, at: usize, out: &mut Steps<'_>) {
    let c = state.collectors[at];
    let pack = own(at);
    if c.phase == Phase::Publish {
        let mut next = with(state, at, Phase::Unindex, |_| {});
        next.index |= pack;
        out.send(
            NAMES[at],
            "(6) publishes the index of",
            On::Packs(pack),
            next,
            Late::PutIndex(pack),
        );
        return;
    }
    if c.phase == Phase::Copy {
        let mut next = with(state, at, Phase::Publish, |_| {});
        if state.copies() != 0 {
            next.packs |= pack;
            out.send(
                NAMES[at],
                "(6) copies the unit to",
                On::Packs(pack),
                next,
                Late::PutPack(pack),
            );
        } else if out.world.without(Rule::RecheckMissing) || still_needed(state) {
            next.collectors[at].phase = Phase::Broken;
            out.add(NAMES[at], "(6) misses the unit", next);
        } else {
            next.collectors[at].phase = Phase::Unindex;
            // An undelete under way might still find a copy that the index did not show here.
            next.refused |= state.intended() & !state.ungraves & FIRST != 0
                && !out.world.without(Rule::MissingRefuses);
            out.add(NAMES[at], "(6) misses the unit, which nobody needs any more", next);
        }
        return;
    }
    let there = if out.world.without(Rule::CopyPresent) { u8::MAX } else { state.packs };
    let damaged = if out.world.without(Rule::CollectorDamaged) { 0 } else { state.damaged };
    let good = state.named() & there & !damaged & !c.condemned;
    let phase = if c.needed && good == 0 { Phase::Copy } else { Phase::Unindex };
    let next = with(state, at, phase, |c| (c.needed, c.condemned) = (false, 0));
    out.add(NAMES[at], "(6) reads the index", next);
}

/// Whether a manifest that is listed again still needs a unit that nobody lost to damage. A hold
/// does not count here: on a graved manifest it is not accepted, or the unit is there.
fn still_needed(state: &State) -> bool {
    state.ends & MANIFESTS & !state.graved() & !state.excused != 0
}

fn unindex(state: &State, at: usize, out: &mut Steps<'_>) {
    let c = state.collectors[at];
    if c.phase == Phase::Rewrite {
        let mut next = with(state, at, Phase::Unindex, |c| (c.plan, c.seen) = (0, 0));
        next.rewritten[at] |= c.plan;
        // Only what was read is replaced; whatever came since is read in the next round.
        let segments = next.rewritten.iter_mut().chain([&mut next.merged]);
        for segment in segments.filter(|s| **s & c.doomed != 0 && **s & !c.seen == 0) {
            *segment = 0;
        }
        out.add_on(NAMES[at], "(6) replaces segments by one of", On::Packs(c.plan), next);
        return;
    }
    let segments = state.rewritten.into_iter().chain([state.merged]);
    let named = segments.filter(|s| s & c.doomed != 0).fold(0, |all, one| all | one);
    if named == 0 {
        let mut next = with(state, at, Phase::Delete, |_| {});
        next.index &= !c.doomed;
        out.add_on(NAMES[at], "(6) removes from the index", On::Packs(c.doomed), next);
    } else {
        let there = if out.world.without(Rule::RewritePresent) { u8::MAX } else { state.packs };
        let next = with(state, at, Phase::Rewrite, |n| {
            n.plan = named & !c.doomed & there;
            n.seen = named;
        });
        out.add_on(NAMES[at], "(6) reads segments of", On::Packs(named), next);
    }
}

fn delete(state: &State, at: usize, out: &mut Steps<'_>) {
    let todo = state.collectors[at].doomed & state.packs;
    if todo == 0 {
        end_sessions(state, at, out);
        return;
    }
    let pack = bit(u8::try_from(todo.trailing_zeros()).unwrap_or(0));
    let next = State { packs: state.packs & !pack, ..*state };
    out.send(NAMES[at], "(7) deletes", On::Packs(pack), next, Late::DeletePack(pack));
}

fn end_sessions(state: &State, at: usize, out: &mut Steps<'_>) {
    let world = out.world;
    let mut all = WAITED | COLLECTING;
    if world.without(Rule::CollectorSession) {
        all &= !COLLECTING;
    }
    if world.without(Rule::SetAfterSessions) {
        all = 0;
    }
    let open = state.sessions & all & !state.ended() & !own(at);
    for session in (0..8).map(bit).filter(|session| open & session != 0) {
        let next = State { tombs: state.tombs | session, ..*state };
        out.add_on(NAMES[at], "(7) tombstones", On::Manifests(session), next);
    }
    if open == 0 {
        // Manifests go as late as they may: whatever was promised until now counts.
        let c = state.collectors[at];
        let mut next = with(state, at, Phase::Remove, |c| c.dead = 0);
        let mut dead = if world.keeps_manifests { 0 } else { c.dead };
        if dead & FIRST != 0 && !world.without(Rule::FinalRefusal) {
            // Who creates the ungrave key of the grave seen in (1) first decides.
            dead &= !state.ungraves | state.buried;
            next.refused |= dead & FIRST & !state.buried != 0;
        }
        let gone = manifests_of(dead) & state.ends;
        next.ends &= !gone;
        if world.without(Rule::KeepGrave) {
            next.graves &= !gone;
        }
        let what = "(7) sees each session ended, refuses undeletes of and deletes";
        out.add_on(NAMES[at], what, On::Manifests(gone), next);
    }
}

fn remove_set(state: &State, at: usize, out: &mut Steps<'_>) {
    let c = state.collectors[at];
    if state.named() & c.doomed != 0 && !out.world.without(Rule::SetAfterNames) {
        let next = with(state, at, Phase::Unindex, |_| {});
        out.add(NAMES[at], "(7) finds its packs in the index again", next);
        return;
    }
    if state.late != Late::Nothing && !out.world.without(Rule::SetAfterLate) {
        return;
    }
    let mut next = finished(state, at);
    for condemned in next.condemned.iter_mut().filter(|set| **set & !c.doomed == 0) {
        *condemned = 0;
    }
    out.add(NAMES[at], "(7) finds its packs not in the index, removes its set and ends", next);
}
