//! Burials: the graves of collected manifests become one set.
//!
//! The waits of the product between the two steps are left out: they may be as short as they like.

use super::state::{FIRST, MANIFESTS, SECOND_GRAVE, State};
use super::step::{On, Steps};

/// Adds the steps of whoever buries.
pub(super) fn steps(state: &State, out: &mut Steps<'_>) {
    // Of the first manifest more than one grave is told apart: its first one must stand.
    let decided = if state.refused { MANIFESTS } else { MANIFESTS & !FIRST };
    let corpses = state.graves & decided & !state.ends & !state.buried;
    if corpses != 0 {
        let next = State { buried: state.buried | corpses, ..*state };
        out.add_on("collector", "publishes a buried set of", On::Manifests(corpses), next);
    }
    let slots = state.buried | if state.buried & FIRST == 0 { 0 } else { SECOND_GRAVE };
    let is_first = state.buried & FIRST != 0;
    if (state.graves | state.ungraves) & slots != 0 || (is_first && state.refused) {
        let next = State {
            graves: state.graves & !slots,
            ungraves: state.ungraves & !slots,
            refused: state.refused && !is_first,
            ..*state
        };
        out.add_on("collector", "removes the graves of", On::Manifests(state.buried), next);
    }
}
