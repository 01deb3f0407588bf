//! Liveness: from a state where everybody has ended or died, one complete collection by a
//! collector that was not there before leaves exactly what is needed.

use super::collector::{self, Phase};
use super::fault::Late;
use super::hold::Hold;
use super::merge;
use super::reader;
use super::state::{FIRST, MANIFESTS, State};
use super::step::Steps;
use super::undelete;
use super::writer;
use super::{World, invariant};

/// Number of the collector that no world uses.
const JANITOR: usize = 2;
/// More steps than any collection takes.
const PATIENCE: usize = 100;

/// Why the garbage of `state` cannot be collected, if everybody rests in it.
pub(super) fn complaint(world: &World, state: &State) -> Option<String> {
    if world.without.is_some()
        || !world.unguarded.is_empty()
        || world.keeps_manifests
        || world.collectors > 2
        || !rests(state)
    {
        return None;
    }
    let mut now = given_up(state);
    let mut out = Steps { world, found: Vec::new() };
    let mut path = Vec::new();
    for _ in 0..PATIENCE {
        out.found.clear();
        collector::single_steps(&now, JANITOR, &mut out);
        // The first choice is the largest condemned set; a lost answer is the second.
        let Some((label, next)) = out.found.first() else { break };
        now = *next;
        path.push(label.text());
        if let Some(why) = invariant::violation(&now) {
            return Some(format!("a last collection: {why}: {}", path.join("; ")));
        }
    }
    let held = if now.held { FIRST } else { 0 };
    let live = now.ends & MANIFESTS & (!now.graved() | held);
    let what = if now.collectors[JANITOR].phase != Phase::End {
        "does not end"
    } else if now.condemned() != 0 {
        "leaves a condemned set"
    } else if now.ends & MANIFESTS != live {
        "leaves a deleted manifest"
    } else if live == 0 && (now.packs != 0 || now.named() != 0) {
        "leaves garbage although nothing is needed"
    } else if now.packs.count_ones() > 1 {
        "leaves more than one copy"
    } else {
        return None;
    };
    Some(format!("a last collection {what}: {}", path.join("; ")))
}

/// Whoever is still announced has died: others decide for it.
fn given_up(state: &State) -> State {
    let mut next = *state;
    next.refused |= state.intents != 0 && state.ungraves & FIRST == 0 && !state.held;
    next.tombs |= state.sessions & !state.ended();
    next.reader.announced = false;
    if next.reader.phase == reader::Phase::Dead {
        next.reader.phase = reader::Phase::Cut;
    }
    (next.lost_left, next.damages_left, next.crashes_left) = (0, 0, 0);
    next
}

fn rests(state: &State) -> bool {
    use reader::Phase as R;
    use undelete::Phase as U;
    use writer::Phase as W;
    let writers = |w: &writer::Writer| matches!(w.phase, W::Start | W::Won | W::Failed | W::Dead);
    let collectors =
        |c: &collector::Collector| matches!(c.phase, Phase::Start | Phase::End | Phase::Dead);
    let undeletes =
        |u: &undelete::Undelete| matches!(u.phase, U::Start | U::Accepted | U::Refused | U::Dead);
    state.late == Late::Nothing
        && state.writers.iter().all(writers)
        && state.collectors.iter().all(collectors)
        && state.undeletes.iter().all(undeletes)
        && matches!(state.reader.phase, R::Start | R::End | R::Cut | R::Dead)
        && matches!(
            state.merge.phase,
            merge::Phase::Start | merge::Phase::Ended | merge::Phase::Dead
        )
        && state.hold != Hold::Look
}
