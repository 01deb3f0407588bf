//! An undelete of the first manifest: by an operator, or by who backs off from a grave.

use super::fault::Late;
use super::rule::Rule;
use super::state::{FIRST, State, bit};
use super::step::{On, Steps};

/// Where an undelete stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Start,
    /// Creates its intent.
    Intent,
    /// Reads the condemned sets.
    Condemned,
    /// Looks for manifest and units.
    Look,
    /// Creates its key.
    Decide,
    /// Has created its key; looks whether its manifest is buried.
    LookAgain,
    /// Accepted; removes its intent.
    Clean,
    /// Refused; removes its intent.
    Refuse,
    Accepted,
    Refused,
    /// Accepted, although the manifest is buried: a violation.
    Lied,
    Dead,
}

/// An undelete's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Undelete {
    pub phase: Phase,
    /// Condemned packs it has read.
    known: u8,
}

impl Undelete {
    /// One that remembers nothing but where it stands.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }
}

const NAMES: [&str; 2] = ["undelete", "back-off"];

/// Adds the steps of undelete `at`.
pub(super) fn steps(state: &State, at: usize, out: &mut Steps<'_>) {
    let own = [bit(0), bit(1)][at];
    let undelete = state.undeletes[at];
    let announces = !out.world.without(Rule::UndeleteIntent);
    let early = out.world.without(Rule::IntentOutlives);
    let with = |phase| {
        let mut next = *state;
        next.undeletes[at] = Undelete::new(phase);
        next
    };
    match undelete.phase {
        Phase::Start
            if at == 0
                && state.graves & !state.ungraves & !state.buried & FIRST != 0
                && !state.refused =>
        {
            intend(with(Phase::Condemned), at, announces, out);
        }
        Phase::Intent => intend(with(Phase::Condemned), at, announces, out),
        Phase::Condemned | Phase::Look => look(state, at, out),
        Phase::Decide => {
            if state.refused && !out.world.without(Rule::UndeleteDecides) {
                out.add(NAMES[at], "finds a refusal at its key", with(Phase::Refuse));
                return;
            }
            let looks = out.world.burials > 0 && !out.world.without(Rule::UndeleteLooksAgain);
            let mut next = with(match (looks, early) {
                (true, _) => Phase::LookAgain,
                (false, _) if state.buried & FIRST != 0 => Phase::Lied,
                (false, true) => Phase::Accepted,
                (false, false) => Phase::Clean,
            });
            next.ungraves |= FIRST;
            out.send(NAMES[at], "creates its ungrave", On::Nothing, next, Late::Ungrave);
        }
        Phase::LookAgain => {
            let is_buried = state.buried & FIRST != 0;
            let next = with(if is_buried { Phase::Refuse } else { Phase::Clean });
            out.add(NAMES[at], "reads the buried sets", next);
        }
        Phase::Clean | Phase::Refuse => {
            let refused = undelete.phase == Phase::Refuse;
            let mut next = with(if refused { Phase::Refused } else { Phase::Accepted });
            next.intents &= !own;
            out.send(NAMES[at], "removes its intent", On::Nothing, next, Late::DropIntent(own));
        }
        _ => {}
    }
    let pending = state.intents & own != 0
        && state.ungraves & FIRST == 0
        && state.buried & FIRST == 0
        && !state.refused;
    if pending && !state.held {
        let next = State { refused: true, ..*state };
        out.add("somebody", "gives up on an undelete, creates a refusal at its key", next);
    }
}

fn intend(mut next: State, at: usize, announces: bool, out: &mut Steps<'_>) {
    let own = [bit(0), bit(1)][at];
    if announces {
        next.intents |= own;
        out.send(NAMES[at], "creates its intent", On::Nothing, next, Late::PutIntent(own));
    } else {
        out.add(NAMES[at], "begins without an intent", next);
    }
}

fn look(state: &State, at: usize, out: &mut Steps<'_>) {
    let world = out.world;
    let undelete = state.undeletes[at];
    let units_first = world.without(Rule::UndeleteCondemnedFirst);
    let mut next = *state;
    // Without the look, the manifest's own pack is believed to be there.
    let seen = state.packs & state.named();
    let there = if world.without(Rule::UndeletePresent) { FIRST } else { seen };
    let damaged = if world.without(Rule::UndeleteDamaged) { 0 } else { state.damaged };
    if undelete.phase == Phase::Condemned {
        let known = if units_first { there & !damaged } else { state.condemned() };
        next.undeletes[at] = Undelete { phase: Phase::Look, known };
        let what = if units_first { "looks for its units" } else { "reads the condemned sets" };
        out.add(NAMES[at], what, next);
        return;
    }
    let good = if units_first {
        undelete.known & !state.condemned()
    } else {
        there & !damaged & !undelete.known
    };
    let found = good != 0 && state.ends & FIRST != 0;
    let phase = if found { Phase::Decide } else { Phase::Refuse };
    next.undeletes[at] = Undelete::new(phase);
    if found && world.without(Rule::IntentOutlives) {
        next.intents &= !bit([0, 1][at]);
    }
    let what = if found { "finds each unit" } else { "misses a unit" };
    out.add(NAMES[at], what, next);
}
